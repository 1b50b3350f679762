"""A broker that sends frames that nobody asked for. The connection fails with a message, and nothing traps."""

import struct

import pika
import pika.frame
import pytest
from pika.spec import Basic, Channel

CHANNELS = [0, 1, 2, 3, 4, 9, 65535]


def delivery(channel, size=3):
    return [
        pika.frame.Method(channel, Basic.Deliver("amqp-job-1", 1, False, "", "queue")).marshal(),
        pika.frame.Header(channel, size, pika.BasicProperties()).marshal(), pika.frame.Body(channel, b"odd").marshal(),
    ]


def got(channel):
    return [pika.frame.Method(channel, Basic.GetOk(1, False, "", "queue", 7)).marshal(), *delivery(channel)[1:]]


def run(bench, frames):
    """Sends them on the first connection, as soon as its first channel is open. Later connections behave."""
    peer = bench.peer(b"apple")
    met = []

    def answer(session, channel, method):
        if not met:
            met.append(channel)
            session.raw(b"".join(frames))
        session.send(channel, Channel.OpenOk())

    peer.on(Channel.Open, answer)
    result = bench.run("-q", "queue", "-v", "--connect-timeout", "10s", url=peer.url, worker=["cat"])
    assert met
    return result


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("make", [delivery, got])
def test_a_message_that_nobody_asked_for(bench, make, channel):
    result = run(bench, make(channel))
    assert (result.status, result.stdout) == (0, b"apple"), result
    assert any(f"channel {channel}" in line for line in result.lines), result


@pytest.mark.parametrize("frames", [
    delivery(9, size=40 << 30), delivery(1, size=(1 << 64) - 1), [struct.pack(">BHI", 3, 1, 1) + b"x\xce"],
    [pika.frame.Method(1, Channel.OpenOk()).marshal()] * 3 + delivery(1) * 2,
])
def test_sizes_and_repetitions(bench, frames):
    result = run(bench, frames)
    assert (result.status, result.stdout) == (0, b"apple"), result
