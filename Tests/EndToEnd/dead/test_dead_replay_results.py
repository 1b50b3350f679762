"""amqp-job dead replay: items whose results somebody waited for."""

import pika
import pytest

from support.dead_letters import dead


def reply_to(queue):
    return [properties.reply_to for _, properties, _ in queue.take_all()]


def test_nobody_waits_any_more(bench, kind):
    """A result that no queue takes is a failed attempt, so such an item would fail for ever."""
    queue, there, gone = bench.work_queue(kind), bench.queue(), f"{bench.marker}-gone"
    queue.dead.put(b"a", reply_to=gone, correlation_id="c")
    queue.dead.put(b"b", reply_to=there.name)
    queue.dead.put(b"c")
    queue.dead.put(b"d", reply_to=gone)
    result = dead(bench, "replay", queue.name)
    assert result.status == 0, result
    assert "4 items moved" in result.stderr and "2 of them without a reply_to" in result.stderr, result
    items = queue.take_all()
    assert [(properties.reply_to, properties.correlation_id, body) for _, properties, body in items] == [
        (None, "c", b"a"), (there.name, None, b"b"), (None, None, b"c"), (None, None, b"d")]


def test_the_item_is_done_then(bench):
    queue = bench.work_queue()
    queue.put(b"a", reply_to=f"{bench.marker}-gone")
    options = ("--result-queue", "reply-to", "--max-attempts", "1")
    assert bench.run("-q", queue.name, *options, worker=["cat"]).status == 1
    assert dead(bench, "replay", queue.name).status == 0
    assert bench.run("-q", queue.name, *options, worker=["cat"]).status == 0
    queue.assert_empty()


@pytest.mark.any_broker
def test_a_client_that_still_waits_gets_its_result(bench):
    """Its queue is exclusive: no other connection may even look at it."""
    queue = bench.work_queue()
    channel = bench.client.channel
    own = channel.queue_declare("", exclusive=True).method.queue
    queue.dead.put(b"a", reply_to=own, correlation_id="c")
    result = dead(bench, "replay", queue.name)
    assert result.status == 0 and "without a reply_to" not in result.stderr, result
    assert bench.run("-q", queue.name, "--result-queue", "reply-to", worker=["cat"]).status == 0
    method, properties, body = channel.basic_get(own, auto_ack=True)
    assert (properties.correlation_id, body) == ("c", b"a") and method


@pytest.mark.any_broker
def test_a_direct_reply(bench):
    queue = bench.work_queue()
    connection = pika.BlockingConnection(bench.client.parameters)
    channel = connection.channel()
    channel.basic_consume("amq.rabbitmq.reply-to", lambda *_: None, auto_ack=True)
    channel.basic_publish("", queue.dead.name, b"a", pika.BasicProperties(reply_to="amq.rabbitmq.reply-to", delivery_mode=2))
    queue.dead.assert_back()
    assert dead(bench, "replay", queue.name).status == 0
    [name] = reply_to(queue)
    assert name.startswith("amq.rabbitmq.reply-to.")
    queue.dead.put(b"a", reply_to=name)
    connection.close()
    result = dead(bench, "replay", queue.name)
    assert result.status == 0 and "1 of them without a reply_to" in result.stderr, result
    assert reply_to(queue) == [None]


@pytest.mark.any_broker
def test_many_items_of_one_client(bench):
    queue, gone = bench.work_queue(), f"{bench.marker}-gone"
    queue.dead.put(*[b"%d" % number for number in range(2500)], reply_to=gone)
    result = dead(bench, "replay", queue.name)
    assert result.status == 0 and "2500 of them without a reply_to" in result.stderr, result
    assert reply_to(queue) == [None] * 2500
