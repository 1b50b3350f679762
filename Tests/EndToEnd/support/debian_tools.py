"""Compares Debian's amqp-tools with ours of the same name."""

import re
import shutil
import subprocess

import pika.exceptions
import pytest

are_installed = pytest.mark.skipif(not shutil.which("amqp-consume"), reason="amqp-tools are not installed")


def kind(bench, name):
    """What the broker answers to a declaration of the queue. None if there is no queue."""
    try:
        bench.client.channel.queue_declare(name, passive=True)
        bench.client.channel.queue_declare(name, auto_delete=True)
        return "auto-delete"
    except pika.exceptions.ChannelClosedByBroker as error:
        return None if error.reply_code == 404 else error.reply_code


def compare(program, row, theirs, ours, names):
    """Asserts that ours does what theirs does, except where the row says otherwise. Standard error is compared only for
    usage messages and after a success. Otherwise its wording is our own."""
    print(f"theirs: {theirs}\nours: {ours}")  # pytest shows this if the test fails.
    for name in names:
        if name in row.differs:
            assert ours[name] == row.differs[name] != theirs[name], f"{name}: {row.why}"
        else:
            assert ours[name] == theirs[name], name
    if "stderr" in row.differs:
        assert re.fullmatch(row.differs["stderr"], ours["stderr"].strip()), row.why
    elif "status" not in row.differs and (theirs["status"] == 0 or "Usage" in theirs["stderr"]):
        assert ours["stderr"] == theirs["stderr"]
    elif ours["status"] != 0 and (ours["stderr"] or theirs["stderr"]):
        # The last line has our own wording. Earlier lines are about what succeeded.
        last = ours["stderr"].splitlines()[-1]
        assert last.startswith(f"{program}: "), ours


def options(program):
    """The options that its help shows, except for --help: its own options, and those of the connection."""
    shown = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    own, rest = shown.split("Connection options")
    return [re.findall(r"^ +(?:-\S, )?(--[\w-]+)", part, re.M) for part in (own, rest.split("Help options:")[0])]


def unused(options, rows):
    """The options that no row uses, in their long form."""
    words = [word for row in rows for word in row.arguments]
    return [option for option in options if not any(re.match(rf"{option}(=|$)", word) for word in words)]
