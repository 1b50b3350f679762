"""Measures amqp-job and comparable tools, and prints tables in Markdown.

bench.py BINARY BROKER URL [--quick] [--only publish|run|dead|source|scrapes|memory|size] [--write FILE]
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import pika

import dead
import memory
import publish
import run
import scrapes
import size
import source
from setup import BROKER, Setup
from table import block, replace_block, table

PARTS = {
    "publish": publish, "run": run, "dead": dead, "source": source, "scrapes": scrapes, "memory": memory, "size": size,
}


def fail(status, message):
    print(f"scripts/bench: {message}", file=sys.stderr)
    sys.exit(status)


def say(message):
    print(message, file=sys.stderr, flush=True)


def versions(setup):
    tools = subprocess.check_output(["dpkg-query", "--show", "--showformat=${Version}", "amqp-tools"], text=True)
    broker = setup.call(BROKER, "version", "--name", setup.broker).decode().strip()
    ours = setup.call(setup.binary, "--version").decode().strip()
    python, cores = sys.version.split()[0], len(os.sched_getaffinity(0))
    return (
        f"{ours}, amqp-tools {tools}, pika {pika.__version__} on Python {python}, RabbitMQ {broker}, all on one machine with"
        f" {cores} cores; medians{', of a quick run' if setup.quick else ''}."
    )


def arguments():
    parser = argparse.ArgumentParser(add_help=False)
    for name in "binary", "broker", "url":
        parser.add_argument(name)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--write", type=pathlib.Path)
    return parser.parse_args()


def tables(setup, names):
    for name in names:
        part = PARTS[name]
        say(f"Measuring: {name}")
        yield f"{table(part.HEAD, part.LABELS, part.measure(setup))}\n{part.NOTE}".strip()


def main():
    given = arguments()
    if given.write and (not given.write.is_file() or block(given.write.read_text()) is None):
        fail(66, f"{given.write} is not a file with the two marker lines for the tables (see Tests/Benchmark/table.py)")
    with tempfile.TemporaryDirectory() as directory:
        setup = Setup(given.binary, given.broker, given.url, pathlib.Path(directory), given.quick)
        text = "\n\n".join([versions(setup), *tables(setup, [given.only] if given.only else PARTS)]) + "\n"
    if given.write:
        given.write.write_text(replace_block(given.write.read_text(), text))
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
