"""The commands that a README shows."""

import re


def shell_lines(text):
    """The lines of its blocks of shell."""
    blocks = re.findall(r"^```shell\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]
