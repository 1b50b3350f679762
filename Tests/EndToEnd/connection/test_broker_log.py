"""What starting `amqp-job run` leaves in the broker's log. Ten thousand pods must not fill the log."""

import pathlib

import pika
import pytest

from support.processes import wait_until


def lines_about(bench, queue):
    """The complaints about the queue in the log so far. The test makes a request that the broker refuses and logs.
    Everything before that is then in the log."""
    log, end = pathlib.Path(bench.broker.log), f"{bench.marker}-end-{len(bench.runners)}"
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        bench.client.channel.queue_declare(end, passive=True)
    wait_until(lambda: end in log.read_text(errors="replace"), 60, "the end of the log")
    return [line for line in log.read_text(errors="replace").splitlines() if queue.name in line and "[info]" not in line]


def run(bench, queue, *options, times=5):
    queue.put(*[b"item"] * times)
    for _ in range(times):
        assert bench.run("-q", queue.name, *options, worker=["cat"]).status == 0


def test_a_declared_queue_leaves_nothing(bench):
    queue = bench.work_queue("quorum")
    before = lines_about(bench, queue)
    run(bench, queue)
    assert lines_about(bench, queue) == before


def test_an_assumed_queue_leaves_nothing(bench, kind):
    queue = bench.queue(kind)
    before = lines_about(bench, queue)
    run(bench, queue, "--assume", kind)
    assert lines_about(bench, queue) == before


def test_a_plain_queue_leaves_a_line_for_each_difference(bench, kind):
    queue = bench.queue(kind)
    before = lines_about(bench, queue)
    run(bench, queue, times=2)
    lines = lines_about(bench, queue)[len(before):]
    refusals = 2 if kind == "quorum" and bench.broker.version >= (4, 0) else 1
    assert sum("inequivalent arg" in line for line in lines) == 2 * refusals, lines
