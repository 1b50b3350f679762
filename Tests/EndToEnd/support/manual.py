"""Reads which exit statuses the manual pages document."""

import functools
import os
import re
import subprocess

TOOLS = ("amqp-consume", "amqp-publish", "amqp-get", "amqp-declare-queue", "amqp-delete-queue")
SIGNALS = range(129, 193)
OWN = [*range(64, 79), *range(124, 129)]  # A worker's own status is none of these.


@functools.cache
def page(binary, name):
    """The source of the page. None if there is no such page."""
    asked = subprocess.run([binary, "man", name], capture_output=True, text=True, check=False, env={})
    return asked.stdout if asked.returncode == 0 else None


def terms(source, section="EXIT STATUS"):
    """The terms that this section of the page explains."""
    text = re.search(rf'^\.SH "{section}"\n(.*?)(?=^\.SH)', source, re.MULTILINE | re.DOTALL)
    return re.findall(r'^\.TP\n\.B "(.*)"$', text[1].replace("\\-", "-"), re.MULTILINE) if text else []


@functools.cache
def statuses(binary, name):
    """The statuses that this page documents. None if there is no such page."""
    source = name and page(binary, name)
    if not source:
        return None
    numbers = set()
    for term in terms(source):
        if term == "128 + N":
            numbers.update(SIGNALS)
        elif term == "other":
            numbers.update(set(range(256)) - set(OWN) - set(SIGNALS))
        else:
            numbers.update(map(int, term.split(", ")))
    return numbers


def page_of(words):
    """The name of the page about the program that these words start, perhaps through other programs. None if there is
    none."""
    names = [os.path.basename(os.fsdecode(word)) for word in words]
    for name, following in zip(names, [*names[1:], None]):
        if name in TOOLS or name == "amqp-job":
            return name if name in TOOLS else following
    return None


def is_silent_on(binary, name, status):
    """Whether the page lacks this status of its command. The death by a signal needs no entry."""
    documented = statuses(binary, name)
    return documented is not None and status >= 0 and status not in documented
