"""Measures the memory of amqp-job and amqp-consume, and the broker's memory for each of them. Needs root, since only root can
read the memory usage of a runner."""

import contextlib
import json
import pathlib
import re
import subprocess
import time
import urllib.request

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
    "a leader of `amqp-job lead --http`, with its guardian: proportional (resident)",
)
NOTE = "Proportional: a page that n processes share counts as 1/n for each. The broker's: for connections and channels."


def field(pid, file, name):
    """Returns a field of a file in /proc, in kB."""
    return int(re.search(rf"^{name}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/{file}").read_text(), re.MULTILINE)[1])


def with_guardians(processes):
    """Returns the ids of the processes and of their guardians, which are their only children while they are idle."""
    pids = [process.pid for process in processes]
    return pids + [int(child) for pid in pids for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def total(pids, file, name):
    """Returns the sum of a field over the processes, in kB."""
    return sum(field(pid, file, name) for pid in pids)


@contextlib.contextmanager
def consumers(setup, queue, words, count):
    """Starts consumers, and waits at the end until they have ended by themselves."""
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


def connection_memory(setup):
    """Returns the broker's memory for connections in kB, after garbage collection."""
    setup.call(BROKER, "ctl", "--name", setup.broker, "force_gc")
    memory = json.loads(setup.status())["memory"]
    return sum(value for name, value in memory.items() if name.startswith("connection_")) / 1024


def memory_growth(setup, before):
    """Returns by how much the broker's memory for connections has grown. It asks repeatedly, because RabbitMQ 3.10 sometimes
    reports none."""
    for _ in range(5):
        if (now := connection_memory(setup)) > before:
            return now - before
    raise AssertionError("the broker reports no memory for its connections")


def idle(setup, words, count):
    """Returns the proportional size, the resident size and the broker's memory for each idle consumer, in kB."""
    before = connection_memory(setup)
    with setup.queue() as queue, consumers(setup, queue, words(queue, 1), count) as processes:
        pids = with_guardians(processes)
        sizes = total(pids, "smaps_rollup", "Pss"), total(pids, "smaps_rollup", "Rss"), memory_growth(setup, before)
        publish(setup, queue, 20, count)
    return [size / count for size in sizes]


def large(setup, words):
    """Returns the peak memory in kB after the worker has read a large item. The consumer then waits for a second item."""
    with setup.queue() as queue, consumers(setup, queue, words(queue, 2), 1) as processes:
        pids = with_guardians(processes)
        with setup.lines(LARGE - 1, 1).open() as item:
            setup.call("amqp-publish", "-u", setup.url, "-r", queue, stdin=item)
        assert int(processes[0].stdout.readline()) == LARGE
        peak = total(pids, "status", "VmHWM")
        publish(setup, queue, 20, 1)
    return peak


def leader(setup):
    """Returns the proportional and the resident size of a candidate that leads and has answered over HTTP, in kB."""
    words = [setup.binary, "lead", "--election", "bench", "--lease", "3s", "--http", "127.0.0.1:0", "-v"]
    with subprocess.Popen(words, env=setup.environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            address = re.search(r"HTTP at (\S+)", process.stderr.readline())[1]
            while "leading" not in process.stderr.readline():
                assert process.poll() is None, "the candidate has ended"
            with urllib.request.urlopen(f"http://{address}") as answer:
                assert b'"isLeader":true' in answer.read()
            pids = with_guardians([process])
            return total(pids, "smaps_rollup", "Pss"), total(pids, "smaps_rollup", "Rss")
        finally:
            process.terminate()


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
    pss, rss = leader(setup)
    rows.append(("", f"{megabytes(pss)} ({megabytes(rss)})", ""))
    return rows
