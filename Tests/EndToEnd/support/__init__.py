"""What the end-to-end tests share. Everything here is imported or started by tests; nothing here is a test."""
