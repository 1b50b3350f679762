"""The pages of the documentation, and the commands and files that they show."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[3]
DOCUMENTATION = ROOT / "Sources/amqp-job/Documentation.docc"
FILES = [
    ROOT / "README.md", ROOT / "k8s/README.md", ROOT / ".github/CONTRIBUTING.md", *sorted(DOCUMENTATION.glob("*.md"))]


def page(name):
    """The text of an article, such as "Recipes"."""
    return (DOCUMENTATION / f"{name}.md").read_text()


def section(text, title):
    """The text under that heading, or one that begins with it, up to the next heading of its level."""
    return re.search(rf"^## {re.escape(title)}.*?\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)[1]


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def shell_lines(text):
    """The lines of its blocks of shell."""
    return [line for block in blocks(text, "shell") for line in block.splitlines()]


def prose(text):
    """The lines outside of blocks, and outside of tables that a program writes."""
    text = re.sub(r"^<!-- scripts/.*?^<!-- to here -->$|^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return text.splitlines()
