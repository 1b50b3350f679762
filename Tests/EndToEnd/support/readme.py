"""The commands and files that a README shows."""

import re


def section(text, title):
    """What is under that heading, or one that begins so, until the next of its level."""
    return re.search(rf"^## {re.escape(title)}.*?\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)[1]


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def shell_lines(text):
    """The lines of its blocks of shell."""
    return [line for block in blocks(text, "shell") for line in block.splitlines()]
