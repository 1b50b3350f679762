"""Items that do not arrive whole, or not as AMQP wants them. No worker may see a part of an item."""

import random
import signal

import pika
import pytest

from support.processes import PROMPT, holds_for
from support.peer import Basic

pytestmark = pytest.mark.any_broker


def run(bench, peer, *arguments, steps=("read",), **options):
    worker = bench.worker(*steps)
    result = bench.run("-q", "queue", *arguments, url=peer.url, worker=worker, **options)
    peer.wait_until_read()
    return worker, result


def test_body_that_is_never_whole(bench):
    """The server announces a megabyte, sends half of it, and drops the connection. No worker may see an end of file."""
    def half(session, channel, consumer):
        session.peer.refuse_connections()
        session.raw(b"".join(session.delivery(channel, consumer, bytes(500_000), announced=1_000_000)))
        session.drop()

    peer = bench.peer(half)
    worker, result = run(bench, peer, "--connect-timeout", "2s")
    assert result.status in (69, 75), result
    assert not worker.has("end-of-input")
    peer.wait_until_read()
    assert peer.count(Basic.Ack) == 0
    bench.assert_nothing_left()


def test_term_while_the_body_arrives(bench):
    def half(session, channel, consumer):
        session.raw(b"".join(session.delivery(channel, consumer, bytes(500_000), announced=1_000_000)))

    peer = bench.peer(half)
    worker = bench.worker("read")
    runner = bench.start("-q", "queue", url=peer.url, worker=worker)
    peer.wait_for(Basic.Consume)
    holds_for(runner.runs, 0.3, "the runner")
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 143
    assert not worker.has("end-of-input")
    peer.wait_until_read()
    assert peer.count(Basic.Ack) == 0


def test_body_longer_than_announced(bench):
    def longer(session, channel, consumer):
        session.peer.refuse_connections()
        session.raw(b"".join(session.delivery(channel, consumer, bytes(2000), announced=1000)))

    peer = bench.peer(longer)
    worker, result = run(bench, peer, "--connect-timeout", "2s")
    # The item's thousand bytes may have been processed by then. The connection that breaks the rules is closed.
    assert result.status in (0, 69, 75), result
    for end in worker.events("end-of-input"):
        assert end["length"] == 1000


def test_body_that_arrives_in_many_pieces(bench):
    """Each byte at the borders of frames is sent by itself."""
    def trickle(session, channel, consumer):
        for frame in session.delivery(channel, consumer, b"apple" * 10):
            for octet in frame:
                session.raw(bytes([octet]))

    peer = bench.peer(trickle)
    worker, result = run(bench, peer)
    assert result.status == 0, result
    assert worker.events("end-of-input")[0]["length"] == 50


def test_body_of_many_frames(bench):
    """The frames are the smallest that AMQP allows."""
    peer = bench.peer(bytes(1_000_000), frame_max=4096)
    worker, result = run(bench, peer)
    assert result.status == 0, result
    assert worker.events("end-of-input")[0]["length"] == 1_000_000


def test_two_items_where_one_was_asked_for(bench):
    """The server ignores the prefetch. Items that no worker ran are not acked."""
    def two(session, channel, consumer):
        session.raw(b"".join(
            session.delivery(channel, consumer, b"one") + session.delivery(channel, consumer, b"two")))

    peer = bench.peer(two)
    worker, result = run(bench, peer)
    assert worker.runs <= 1
    acked = [(method.delivery_tag, method.multiple) for name, method in peer.seen if name == "Basic.Ack"]
    assert acked in ([], [(1, False)]), acked
    assert (result.status == 0) == (acked == [(1, False)]), result


def test_mutilated_items(bench):
    """Some octets of a delivery are changed. Whatever happens, the runner neither crashes nor hangs nor lies."""
    chance = random.Random(20)
    properties = pika.BasicProperties(
        content_type="text/plain", message_id="m", timestamp=7, priority=3,
        headers={"a": "text", "b": [1, {"c": True}], "d": {"e": [None, "x"]}, "f": 7},
    )
    for _ in range(60):
        def mutilated(session, channel, consumer, seed=chance.random()):
            local = random.Random(seed)
            data = bytearray(b"".join(session.delivery(channel, consumer, b"apple", properties)))
            for _ in range(local.choice((1, 1, 2, 5))):
                data[local.randrange(len(data))] = local.randrange(256)
            session.peer.refuse_connections()
            session.raw(bytes(data))
            session.drop()

        peer = bench.peer(mutilated)
        worker, result = run(bench, peer, "--connect-timeout", "100ms", "--heartbeat", "2s", steps=())
        # In every case the connection was lost, or the item had properties that cannot be read.
        assert result.status == 1 or 64 <= result.status <= 78, result
        assert any(line.startswith("amqp-job: ") for line in result.lines), result
        peer.close()
