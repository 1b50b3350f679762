"""Queues of a kind that amqp-job does not support are refused (78)."""

import pytest

pytestmark = pytest.mark.any_broker

TRUE = ["true"]


def test_stream(bench):
    queue = bench.name_queue()
    bench.client.channel.queue_declare(queue.name, durable=True, arguments={"x-queue-type": "stream"})
    queue.put(b"apple")
    for mode in "wait", "exit":
        bench.run("-q", queue.name, "--when-empty", mode, worker=TRUE).assert_error(78, queue.name, "stream")


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_a_stream_that_is_assumed_to_be_something_else(bench, kind):
    queue = bench.name_queue()
    bench.client.channel.queue_declare(queue.name, durable=True, arguments={"x-queue-type": "stream"})
    bench.run("-q", queue.name, "--assume", kind, worker=TRUE).assert_error(78, queue.name, "it is a stream")


def test_auto_delete_queue(bench):
    """The queue would be deleted, with all its items, as soon as the runner's consumer is cancelled."""
    queue = bench.name_queue("classic")
    bench.client.channel.queue_declare(queue.name, durable=True, auto_delete=True)
    queue.put(b"apple", b"pear")
    bench.run("-q", queue.name, worker=TRUE).assert_error(78, queue.name)
    queue.assert_untouched(2)


def test_exclusive_queue_of_another_connection(bench):
    queue = bench.name_queue("classic")
    bench.client.channel.queue_declare(queue.name, exclusive=True)
    bench.run("-q", queue.name, worker=TRUE).assert_error(78, queue.name)


def test_queue_with_an_exclusive_consumer(bench):
    """The broker answers 403, because another connection uses the queue exclusively."""
    queue = bench.queue("classic", b"apple")
    channel = bench.client.connection.channel()
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume(queue.name, lambda *_: None, exclusive=True)
    result = bench.run("-q", queue.name, "--connect-timeout", "2s", worker=TRUE)
    assert result.status not in (0, 66), result
    result.assert_error(result.status, queue.name)
