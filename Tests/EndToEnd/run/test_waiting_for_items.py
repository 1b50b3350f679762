"""Queues without an item, and queues that are missing or deleted: what the runner waits for, and when it ends."""

import signal

import pytest

from support.processes import PROMPT


def test_waits_for_an_item(bench, kind):
    queue = bench.queue(kind)
    worker = bench.worker()
    runner = bench.start("-q", queue.name, worker=worker)
    queue.wait_for_consumer()
    assert runner.runs() and not worker.has("start")
    queue.put(b"late")
    assert runner.finish().status == 0
    assert worker.runs == 1
    queue.assert_empty()


def test_exits_when_empty(bench, kind):
    queue = bench.queue(kind)
    worker = bench.worker()
    result = bench.run("-q", queue.name, "--when-empty", "exit", worker=worker)
    assert (result.status, result.stderr) == (0, ""), result
    assert not worker.has("start")


def test_no_such_queue(bench):
    queue = bench.name_queue()
    for mode in "wait", "exit":
        result = bench.run("-q", queue.name, "--when-empty", mode, worker=["true"])
        result.assert_error(66, queue.name, "127.0.0.1")
    assert not queue.exists(), "it has been created"


def test_wait_first_for_the_queue(bench):
    queue = bench.name_queue()
    worker = bench.worker()
    runner = bench.start("-q", queue.name, "--when-empty", "exit", "--wait-first", "40s", worker=worker)
    runner.handles(signal.SIGTERM)
    with pytest.raises(AssertionError):
        runner.finish(1.5)
    bench.client.channel.queue_declare(queue.name, durable=True)
    queue.put(b"late")
    assert runner.finish().status == 0
    assert worker.runs == 1
    queue.assert_empty()


def test_wait_first_for_the_first_item(bench):
    """Without --wait-first the runner would end after about three seconds."""
    queue = bench.queue()
    worker = bench.worker()
    runner = bench.start("-q", queue.name, "--when-empty", "exit", "--wait-first", "40s", worker=worker)
    with pytest.raises(AssertionError):
        runner.finish(4.5)
    queue.put(b"late")
    assert runner.finish().status == 0
    assert worker.runs == 1
    queue.assert_empty()


def test_wait_first_ends(bench):
    missing, empty = bench.name_queue(), bench.queue()
    waiting = [
        bench.start("-q", queue.name, "--when-empty", "exit", "--wait-first", "1s", worker=["true"])
        for queue in (missing, empty)
    ]
    waiting[0].finish().assert_error(66, missing.name)
    assert waiting[1].finish().status == 0


def test_queue_deleted_while_waiting(bench, kind):
    queue = bench.queue(kind)
    runner = bench.start("-q", queue.name, worker=["true"])
    queue.wait_for_consumer()
    queue.delete()
    result = runner.finish(PROMPT)
    # RabbitMQ 4.x may not have finished making the consumer of a quorum queue. Then it closes the connection, and also
    # the next one as long as it has not finished deleting the queue.
    while kind == "quorum" and bench.broker.version >= (4, 0) and "connecting again" in result.lines[0]:
        del result.lines[0]
    result.assert_error(66, queue.name)


def test_queue_deleted_and_declared_again_under_a_runner(bench, kind):
    """The item in hand belongs to a queue that is gone. RabbitMQ 3.10 does not say so for a quorum queue (see the
    page "Guarantees")."""
    if kind == "quorum" and bench.broker.version < (4, 0):
        pytest.skip("RabbitMQ 3.10 takes the new queue for the old one")
    queue = bench.queue(kind, b"apple")
    worker = bench.worker("read", "hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.start
    queue.delete()
    bench.client.channel.queue_declare(queue.name, durable=True, arguments={"x-queue-type": kind})
    queue.put(b"pear", b"plum")
    assert runner.finish(60).status == 76
    queue.assert_back(2)
