"""Formats tables in Markdown, and replaces them in a file."""

import re

BEGIN, END = "<!-- scripts/bench --write FILE writes from here -->\n", "<!-- to here -->\n"
BLOCK = re.compile(f"{re.escape(BEGIN)}(.*?){re.escape(END)}", re.DOTALL)


def row(cells):
    return f"| {' | '.join(cells)} |\n"


def table(head, labels, rows):
    """Returns a table. Each row consists of a label and its cells."""
    body = (row((label, *cells)) for label, cells in zip(labels, rows, strict=True))
    return "".join([row(head), "|---" * len(head) + "|\n", *body])


def first_cells(text):
    """Returns the first cell of each row of the tables in the text."""
    return re.findall(r"^\| (.*?) \|", text, re.MULTILINE)


def block(text):
    """Returns the text between the markers, or None if there are none."""
    found = BLOCK.search(text)
    return found and found[1]


def replace_block(text, content):
    return BLOCK.sub(lambda _: f"{BEGIN}\n{content}\n{END}", text, count=1)
