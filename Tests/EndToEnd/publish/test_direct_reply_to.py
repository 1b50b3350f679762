"""Replies to a client that waits for them with RabbitMQ's direct reply-to."""

import pika
import pytest

from support.users import user

REQUEST = "amq.rabbitmq.reply-to"


class Caller:
    """A client that waits for replies. `reply_to` is its address."""

    def __init__(self, bench):
        self.replies = []
        self.connection = pika.BlockingConnection(bench.client.parameters)
        channel = self.connection.channel()
        channel.basic_consume(REQUEST, lambda *words: self.replies.append(words[3]), auto_ack=True)
        queue = bench.queue("classic")
        channel.basic_publish("", queue.name, b"?", pika.BasicProperties(reply_to=REQUEST))
        queue.assert_back()
        self.reply_to = queue.take()[1].reply_to

    def wait(self, count):
        while len(self.replies) < count:
            self.connection.process_data_events(0.1)
        return self.replies


@pytest.fixture
def caller(bench):
    caller = Caller(bench)
    yield caller
    if caller.connection.is_open:
        caller.connection.close()


def publish(bench, links, program, name, *bodies):
    if program == "publish":
        return bench.run("-q", name, *bodies, command="publish")
    return bench.run(
        "-r", name, "-b", *bodies[:1], binary=str(links / "amqp-publish"), command=f"--url={bench.broker.url}", url=None)


@pytest.mark.parametrize("program", ["publish", "amqp-publish"])
def test_a_reply_arrives_and_is_reported(bench, links, caller, program):
    result = publish(bench, links, program, caller.reply_to, "apple")
    assert (result.status, result.stderr) == (0, ""), result
    assert caller.wait(1) == [b"apple"]


def test_several_replies(bench, links, caller):
    assert publish(bench, links, "publish", caller.reply_to, "apple", "banana").status == 0
    assert caller.wait(2) == [b"apple", b"banana"]


@pytest.mark.parametrize("program, status", [("publish", 66), ("amqp-publish", 1)])
def test_a_client_that_no_longer_waits(bench, links, caller, program, status):
    caller.connection.close()
    result = publish(bench, links, program, caller.reply_to, "apple")
    assert result.status == status and len(result.lines) == 1, result
    assert "declare" not in result.stderr, result


def test_a_user_who_may_only_publish(bench, caller):
    with user(bench, write=["amq.default"]) as someone:
        assert bench.run("-q", caller.reply_to, "apple", command="publish", url=someone.url).status == 0
    assert caller.wait(1) == [b"apple"]
