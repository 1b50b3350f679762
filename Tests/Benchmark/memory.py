"""What amqp-job and amqp-consume hold in memory, and their broker for each of them. As root: a runner lets nobody else look."""

import contextlib
import json
import pathlib
import re
import subprocess
import time

import pika

from measure import megabytes, ratio
from setup import BROKER

COUNTS = (1, 50, 200)
LARGE = 100_000_000
HEAD = ("memory", "ratio", "`amqp-job run`, with its guardian", "`amqp-consume`")
LABELS = (
    "peak with an item of 100 MB in hand",
    *(f"each of {count} idle: proportional (resident)" for count in COUNTS),
    f"the broker's, for each of {COUNTS[-1]}",
)
NOTE = "Proportional: a page that n processes share counts as 1/n for each. The broker's: for connections and channels."


def field(pid, file, name):
    """In kB."""
    return int(re.search(rf"^{name}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/{file}").read_text(), re.MULTILINE)[1])


def with_guardians(processes):
    """The numbers of these processes, which have no other children while they are idle."""
    pids = [process.pid for process in processes]
    return pids + [int(child) for pid in pids for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def total(pids, file, name):
    """In kB."""
    return sum(field(pid, file, name) for pid in pids)


@contextlib.contextmanager
def consumers(setup, queue, words, count):
    """Starts them, and has them end by themselves."""
    processes = [subprocess.Popen(words, env=setup.environment, stdout=subprocess.PIPE) for _ in range(count)]
    try:
        wait_for_consumers(setup, queue, processes)
        yield processes
        assert not any([process.wait(60) for process in processes]), "a consumer failed"
    finally:
        for process in processes:
            process.kill()
            process.wait()
            process.stdout.close()


def publish(setup, queue, size, count):
    with setup.lines(size, count).open() as lines:
        setup.call(setup.binary, "publish", "-q", queue, stdin=lines)


def wait_for_consumers(setup, queue, processes):
    connection = pika.BlockingConnection(pika.URLParameters(setup.url))
    channel = connection.channel()
    deadline = time.monotonic() + 60
    while channel.queue_declare(queue, passive=True).method.consumer_count < len(processes):
        assert not any(process.poll() for process in processes), "a consumer failed"
        assert time.monotonic() < deadline, f"not {len(processes)} consumers in a minute"
        connection.sleep(0.01)
    connection.close()


def of_the_broker(setup):
    """What it holds for its connections, in kB, without what it has not collected yet."""
    setup.call(BROKER, "ctl", "--name", setup.broker, "force_gc")
    memory = json.loads(setup.status())["memory"]
    return sum(value for name, value in memory.items() if name.startswith("connection_")) / 1024


def more_than(setup, before):
    """What the broker holds more for its connections than before. RabbitMQ 3.10 was once seen to report nothing for 200."""
    for _ in range(5):
        if (now := of_the_broker(setup)) > before:
            return now - before
    raise AssertionError("the broker reports no memory for its connections")


def idle(setup, words, count):
    """For each: proportional and resident size, and the broker's, in kB."""
    before = of_the_broker(setup)
    with setup.queue() as queue, consumers(setup, queue, words(queue, 1), count) as processes:
        pids = with_guardians(processes)
        sizes = total(pids, "smaps_rollup", "Pss"), total(pids, "smaps_rollup", "Rss"), more_than(setup, before)
        publish(setup, queue, 20, count)
    return [size / count for size in sizes]


def large(setup, words):
    """The peak with an item that the worker has read, in kB. The runner waits for another item, then."""
    with setup.queue() as queue, consumers(setup, queue, words(queue, 2), 1) as processes:
        pids = with_guardians(processes)
        with setup.lines(LARGE - 1, 1).open() as item:
            setup.call("amqp-publish", "-u", setup.url, "-r", queue, stdin=item)
        assert int(processes[0].stdout.readline()) == LARGE
        peak = total(pids, "status", "VmHWM")
        publish(setup, queue, 20, 1)
    return peak


def measure(setup):
    tools = (
        lambda queue, count: [setup.binary, "run", "-q", queue, "-n", str(count), "--", "wc", "-c"],
        lambda queue, count: ["amqp-consume", "-u", setup.url, "-q", queue, "-c", str(count), "--", "wc", "-c"],
    )
    rows = []
    ours, theirs = (large(setup, words) for words in tools)
    rows.append((ratio([ours], [theirs]), megabytes(ours), megabytes(theirs)))
    for count in COUNTS:
        ours, theirs = (idle(setup, words, count) for words in tools)
        rows.append((
            ratio(ours[:1], theirs[:1]), *(f"{megabytes(pss)} ({megabytes(rss)})" for pss, rss, _ in (ours, theirs))
        ))
    rows.append((ratio(ours[2:], theirs[2:]), *(f"{size:.0f} kB" for _, _, size in (ours, theirs))))
    return rows
