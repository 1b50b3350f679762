"""Measures how fast amqp-job and other tools publish."""

import subprocess
import sys
import time
from statistics import median

from measure import megabytes, ratio, side_by_side
from setup import HERE

# The kind of queue, the size of an item in bytes, and the numbers of items for amqp-tools and amqp-job, for pika, and for pika
# with a confirmation for each item.
COLUMNS = {
    "20 bytes, quorum queue": ("quorum", 20, 200_000, 20_000, 2000),
    "20 bytes, classic queue": ("classic", 20, 200_000, 20_000, 2000),
    "1 KiB, quorum": ("quorum", 1024, 50_000, 10_000, 1000),
    "1 MiB, quorum": ("quorum", 1 << 20, 50, 50, 50),
}
ROUNDS = 3
LINE_LIMIT = 1 << 15  # amqp-publish -l splits longer lines into several items

HEAD = ("items published in a second, as a ratio to `amqp-publish -l`", *COLUMNS)
LABELS = (
    "`amqp-publish -l`: not confirmed, and persistent on a quorum queue only",
    "`amqp-publish -l -p`: persistent",
    "`amqp-job publish`: persistent and confirmed",
    "pika: persistent",
    "pika: persistent, each confirmed before the next",
    "peak memory of `amqp-job publish`",
)
NOTE = (
    "`amqp-publish -l` cuts a line above 32 KiB into several items; so for 1 MiB it is `amqp-publish`, started for each."
)
REPEAT = 'left=$1 item=$2; shift 2; while [ "$left" -gt 0 ]; do "$@" <"$item" || exit; left=$((left - 1)); done'


def publisher(setup, kind, size, count, *words, max_lost=0):
    """Returns a function that publishes `count` items. It returns the rate in items per second, and the peak memory in kB."""
    def publish():
        with setup.queue(kind, left=count, max_lost=max_lost) as queue, setup.lines(size, count).open() as lines:
            start = time.perf_counter()
            peak = subprocess.run(
                [setup.compiled("peak"), *(word.replace("QUEUE", queue) for word in words)],
                env=setup.environment, check=True, stdin=lines, stdout=subprocess.PIPE,
            ).stdout
            return count / (time.perf_counter() - start), int(peak)
    return publish


def some(count):
    """Returns how many of `count` unconfirmed items may be lost."""
    return count // 100 + 1


def column(setup, kind, size, *counts):
    count, fewer, fewest = map(setup.count, counts)
    tool = ["amqp-publish", "-u", setup.url, "-r", "QUEUE"]
    if size > LINE_LIMIT:
        tool = ["sh", "-c", REPEAT, "sh", str(count), str(setup.lines(size, 1)), *tool]
    else:
        tool.append("-l")
    pika = [sys.executable, str(HERE / "pika_publisher.py"), setup.url, "QUEUE"]
    runs = side_by_side(
        setup.count(ROUNDS),
        publisher(setup, kind, size, count, *tool, max_lost=some(count)),
        publisher(setup, kind, size, count, *tool, "-p", max_lost=some(count)),
        publisher(setup, kind, size, count, setup.binary, "publish", "-q", "QUEUE"),
        publisher(setup, kind, size, fewer, *pika, max_lost=some(fewer)),
        publisher(setup, kind, size, fewest, *pika, "confirmed"),
    )
    rates = [[rate for rate, _ in run] for run in runs]
    return [
        f"1 ({median(rates[0]):,.0f}/s)", *(ratio(each, rates[0]) for each in rates[1:]),
        megabytes(max(peak for _, peak in runs[2])),
    ]


def measure(setup):
    return list(zip(*(column(setup, *each) for each in COLUMNS.values())))
