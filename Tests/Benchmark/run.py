"""Measures how fast amqp-job and amqp-consume run workers."""

import functools
import subprocess
import time

from measure import difference, milliseconds, ratio, seconds, side_by_side
from setup import HERE

KINDS = ("classic", "quorum")
HEAD = ("time that `amqp-job run` takes, as a ratio to `amqp-consume`", *(f"{kind} queue" for kind in KINDS))
LABELS = (
    "one waiting item, from start to end",
    "per item, against `-p 1`",
    "per item, against no prefetch limit",
    "per item, against a C loop that starts `cat` for it, without a broker",
    "per item, `-j 2` against one `amqp-consume`",
    "the same, with a Python worker",
    "what a step adds per item, against `amqp-job run` with the same worker",
)
NOTE = "The worker is `cat`, the item 20 bytes. Without a prefetch limit `amqp-consume` holds all items at once."
STARTS, ROUNDS = 30, 5
ITEMS, PARALLEL_ITEMS, PYTHON_ITEMS = 1000, 1000, 300
CAT, PYTHON = "cat", str(HERE / "reader.py")


def runner(setup, kind, count, *words):
    """Returns a function that processes `count` items. It returns the seconds per item."""
    def run():
        with setup.queue(kind) as queue, setup.lines(20, count).open() as lines:
            setup.call(setup.binary, "publish", "-q", queue, stdin=lines)
            return seconds([word.replace("QUEUE", queue) for word in words], setup.environment) / count
    return run


def ours(setup, kind, count, worker, *options):
    return runner(setup, kind, count, setup.binary, "run", "-q", "QUEUE", "-n", str(count), *options, "--", worker)


def stepped(setup, kind, count, worker):
    """The same as `ours`, with the worker in a step."""
    socket = setup.directory / "step.sock"
    run = runner(setup, kind, count, setup.binary, "run", "-q", "QUEUE", "-n", str(count), "--step", str(socket))

    def with_step():
        step = subprocess.Popen([setup.binary, "step", "--socket", socket, "--", worker], stdout=subprocess.DEVNULL)
        while not socket.exists():
            time.sleep(0.001)
        found = run()
        assert step.wait() == 0
        return found

    return with_step


def theirs(setup, kind, count, worker, *options):
    return runner(setup, kind, count, "amqp-consume", "-u", setup.url, "-q", "QUEUE", "-c", str(count), *options, worker)


def column(setup, kind):
    count, parallel, python = map(setup.count, (ITEMS, PARALLEL_ITEMS, PYTHON_ITEMS))
    floor = [setup.compiled("floor"), str(count), "x" * 20, CAT]
    one, their_one = side_by_side(
        setup.count(STARTS), ours(setup, kind, 1, CAT), theirs(setup, kind, 1, CAT)
    )
    each, limited, unlimited, least = side_by_side(
        setup.count(ROUNDS),
        ours(setup, kind, count, CAT),
        theirs(setup, kind, count, CAT, "-p", "1"),
        theirs(setup, kind, count, CAT),
        lambda: seconds(floor, setup.environment) / count,
    )
    pair, single = side_by_side(
        setup.count(ROUNDS), ours(setup, kind, parallel, CAT, "-j", "2"), theirs(setup, kind, parallel, CAT)
    )
    python_pair, python_single = side_by_side(
        setup.count(ROUNDS), ours(setup, kind, python, PYTHON, "-j", "2"), theirs(setup, kind, python, PYTHON)
    )
    step, direct = side_by_side(
        setup.count(ROUNDS), stepped(setup, kind, count, CAT), ours(setup, kind, count, CAT)
    )
    return [
        f"{ratio(one, their_one)} ({milliseconds(one)})",
        f"{ratio(each, limited)} ({milliseconds(each)})",
        ratio(each, unlimited),
        f"{ratio(each, least)} (`amqp-consume`: {ratio(unlimited, least)}, `-p 1`: {ratio(limited, least)})",
        ratio(pair, single),
        ratio(python_pair, python_single),
        f"{difference(step, direct)} ({ratio(step, direct)})",
    ]


def measure(setup):
    return list(zip(*map(functools.partial(column, setup), KINDS)))
