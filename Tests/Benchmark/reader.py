#!/usr/bin/python3 -IS
"""Reads its input and exits."""

import sys

sys.stdin.buffer.read()
