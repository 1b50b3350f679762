"""Times amqp-job and amqp-consume in turn, and prints medians and their ratios: compare.py BINARY URL

The start of a run on one waiting item, 30 of each; the time that 2,000 items take with `cat`, five of each; and that
of 1,000 items with two workers side by side, against one amqp-consume, five of each: with `cat`, of which one after
the other keeps more than one of two cores busy already, and (300 items) with a Python worker that reads its input.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import time

STARTS, ITEMS, PARALLEL_ITEMS, READ_ITEMS, ROUNDS = 30, 2000, 1000, 300, 5
READER = str(pathlib.Path(__file__).with_name("reader.py"))

binary, url = sys.argv[1:]
environment = {**os.environ, "BROKER_URL": url}


def call(*words, **options):
    subprocess.run(words, env=environment, check=True, stdout=subprocess.DEVNULL, **options)


def fill(queue, count):
    call(binary, "publish", "-q", queue, input=b"x" * 20 + b"\n" + (b"x" * 20 + b"\n") * (count - 1))


def seconds(queue, count, words):
    fill(queue, count)
    start = time.perf_counter()
    call(*words)
    return time.perf_counter() - start


def compare(kind, count, rounds, ours=(), theirs=(), worker="cat"):
    """Our median, theirs, and the median of the ratios of neighbours."""
    queue = f"compare-{kind}"
    our_words = [binary, "run", "-q", queue, "-n", str(count), *ours, "--", worker]
    their_words = ["amqp-consume", "-u", url, "-q", queue, "-c", str(count), *theirs, worker]
    call(binary, "declare", queue, "--plain", "--type", kind)
    pairs = [(seconds(queue, count, our_words), seconds(queue, count, their_words)) for _ in range(rounds + 1)][1:]
    call(binary, "declare", queue, "--delete", "--plain")
    what = f"{kind}, {count} item{'s' if count > 1 else ''} {' '.join((*ours, *theirs, pathlib.Path(worker).name))}"
    print(
        f"{what:36} amqp-job {statistics.median(one for one, _ in pairs) * 1e3:8.2f} ms"
        f"   amqp-consume {statistics.median(other for _, other in pairs) * 1e3:8.2f} ms"
        f"   ratio {statistics.median(one / other for one, other in pairs):.2f}",
        flush=True,
    )


for kind in ("classic", "quorum"):
    compare(kind, 1, STARTS)
    compare(kind, ITEMS, ROUNDS)
    compare(kind, ITEMS, ROUNDS, theirs=("-p", "1"))
    compare(kind, PARALLEL_ITEMS, ROUNDS, ours=("-j", "2"))
    compare(kind, READ_ITEMS, ROUNDS, ours=("-j", "2"), worker=READER)
