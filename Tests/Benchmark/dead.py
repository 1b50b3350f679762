"""Measures how fast amqp-job and other tools list dead letters and move them back."""

import contextlib
import functools
import subprocess
import sys
import time
from statistics import median

import pika

from measure import megabytes, ratio, side_by_side
from setup import HERE

KINDS = ("classic", "quorum")
HEAD = ("dead letters in a second, of 20 bytes, as a ratio to pika", *(f"{kind} queues" for kind in KINDS))
LABELS = (
    "listed by pika: each by `basic_get`, all given back by one `basic_nack`",
    "listed by `amqp-job dead list`",
    "moved by pika: each by `basic_get`, published and confirmed, acked",
    "moved by `amqp-consume`, whose worker is `amqp-publish`: not confirmed",
    "moved by `amqp-job dead replay`",
    "peak memory of `dead list`; of `dead replay`",
)
NOTE = "`dead list` gives all back in their order, too. pika may lose it on a quorum queue."
ROUNDS = 3
COUNT, FEWER, FEWEST = 20_000, 2000, 300


@contextlib.contextmanager
def letters(setup, kind, count, left):
    """Makes a queue, and its dead-letter queue with `count` items. At the end, checks that `left` of them are still there."""
    with setup.queue(kind, left=count - left) as queue:
        dead = f"{queue}.dead"
        arguments = {"x-queue-type": kind, **({"x-delivery-limit": 1_000_000_000} if kind == "quorum" else {})}
        connection = pika.BlockingConnection(pika.URLParameters(setup.url))
        connection.channel().queue_declare(dead, durable=True, arguments=arguments)
        with setup.lines(20, count).open() as lines:
            setup.call(setup.binary, "publish", "-q", dead, "--header", "x-amqp-job-reason=failed", stdin=lines)
        yield queue
        channel, end = connection.channel(), time.monotonic() + 30
        # Unacknowledged items come back a moment after their client has ended.
        while (found := channel.queue_declare(dead, passive=True).method.message_count) != left and time.monotonic() < end:
            time.sleep(0.05)
        channel.queue_delete(dead)
        connection.close()
        assert found == left, f"{found} items in {dead}, not {left}"


def action(setup, kind, count, left, *words):
    """Returns a function that runs a command on `count` items. It returns the rate in items per second, and the peak memory
    in kB."""
    def act():
        with letters(setup, kind, count, left) as queue, (setup.directory / "listed").open("wb") as listed:
            start = time.perf_counter()
            peak = subprocess.run(
                [setup.compiled("peak"), *(word.replace("QUEUE", queue) for word in words)],
                env=setup.environment, check=True, stdout=listed, stderr=subprocess.PIPE,
            )
            rate = count / (time.perf_counter() - start)
        return rate, int((setup.directory / "listed").read_bytes().splitlines()[-1])
    return act


def column(setup, kind):
    count, fewer, fewest = map(setup.count, (COUNT, FEWER, FEWEST))
    pika_dead = [sys.executable, str(HERE / "pika_dead.py"), setup.url, "QUEUE", str(fewer)]
    their_list, our_list, their_move, tool_move, our_move = side_by_side(
        setup.count(ROUNDS),
        action(setup, kind, fewer, fewer, *pika_dead, "list"),
        action(setup, kind, count, count, setup.binary, "dead", "list", "QUEUE"),
        action(setup, kind, fewer, 0, *pika_dead, "move"),
        action(setup, kind, fewest, 0, "amqp-consume", "-u", setup.url, "-q", "QUEUE.dead", "-c", str(fewest), "--",
               "amqp-publish", "-u", setup.url, "-r", "QUEUE", "-p"),
        action(setup, kind, count, 0, setup.binary, "dead", "replay", "QUEUE"),
    )
    listed, moved = ([rate for rate, _ in run] for run in (their_list, their_move))
    return [
        scale(listed, listed), scale(our_list, listed), scale(moved, moved), scale(tool_move, moved), scale(our_move, moved),
        "; ".join(megabytes(max(peak for _, peak in run)) for run in (our_list, our_move)),
    ]


def scale(ones, others):
    """Returns the ratio, followed by the rate."""
    rates = [one[0] if isinstance(one, tuple) else one for one in ones]
    return f"{ratio(rates, others)} ({median(rates):,.0f}/s)"


def measure(setup):
    return list(zip(*map(functools.partial(column, setup), KINDS)))
