"""Code that the end-to-end tests share. Tests import or start everything here. No file here is a test."""
