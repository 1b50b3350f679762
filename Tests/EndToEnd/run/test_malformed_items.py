"""Items whose properties violate AMQP. Each is the problem of one item, and never of the queue."""

import struct
import subprocess

import pytest
from pika.spec import Basic

from support.processes import wait_until
from support.raw_publisher import publish_raw

# These flags announce more flags, which do not follow. RabbitMQ checks neither, and accepts such a message. It refuses
# what it cannot read itself.
ODD = [(b"\x00\x01", b""), (b"\x80\x01\x0atext/plain", b"text/plain")]


def put(bench, queue, properties, body=b"odd"):
    assert publish_raw(bench.broker.url, queue.name, properties, body)
    wait_until(lambda: queue.depth() == 1, what="the item")


@pytest.mark.parametrize("properties, content_type", ODD)
def test_meaningless_flags_are_ignored(bench, properties, content_type):
    queue = bench.queue("classic")
    put(bench, queue, properties)
    result = bench.run("-q", queue.name, worker=["sh", "-c", "cat; printf %s $WORK_ITEM_CONTENT_TYPE"])
    assert (result.status, result.stdout) == (0, b"odd" + content_type), result
    queue.assert_empty()


def test_items_that_came_back_are_not_multiplied(bench):
    """A classic queue does not count returns, so a copy of the item does. A runner that gets an item which ends the
    connection would otherwise repeat that for ever."""
    queue = bench.work_queue("classic")
    put(bench, queue, ODD[0][0])
    queue.put(b"one", b"two", b"three")
    holder = bench.worker("hold")
    runner = bench.start("-q", queue.name, "-n", "4", "-j", "4", worker=holder)
    holder.wait_for("holding", 4)
    runner.process.kill()
    runner.finish()
    queue.assert_back(4)
    result = bench.run("-q", queue.name, "--drain", "-j", "2", "--max-attempts", "9", worker=["true"], timeout=60)
    assert result.status == 0, result
    queue.assert_empty()
    assert queue.dead.depth() == 0 and queue.retry.depth() == 0


@pytest.mark.parametrize("tool", ["amqp-consume", "amqp-get"])
def test_the_tools_hand_its_body_over(bench, links, tool):
    queue = bench.queue("classic")
    put(bench, queue, ODD[0][0])
    words = [str(links / tool), "-u", bench.broker.url, "-q", queue.name]
    words += ["-c", "1", "cat"] if tool == "amqp-consume" else []
    done = subprocess.run(words, env=bench.environment(), capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, b"odd"), done
    queue.assert_empty()


def unreadable(session, channel, consumer):
    """An item without a body, whose properties nobody can read."""
    method, _ = session.delivery(channel, consumer, b"")
    header = struct.pack(">HHQ", 60, 0, 0) + b"\x00\x01\x00\x04A"
    session.raw(method + struct.pack(">BHI", 2, channel, len(header)) + header + b"\xce")


@pytest.mark.parametrize("has_retries", [True, False])
def test_what_cannot_be_read_is_set_aside_and_the_others_go_on(bench, has_retries):
    peer = bench.peer(unreadable, b"one", has_retries=has_retries)
    targets = []

    def confirm(session, channel, method):
        targets.append(method.routing_key)
        session.send(channel, Basic.Ack(1))

    peer.on(Basic.Publish, confirm)
    result = bench.run("-q", "queue", "-n", "2", url=peer.url, worker=["cat"])
    assert (result.status, result.stdout) == (1, b"one"), result
    assert sum("properties cannot be read" in line for line in result.lines) == 1, result
    assert targets == ["queue.dead" if has_retries else "queue"]
    assert len(peer.sessions) == 2  # One of them is the connection for copies.


def test_the_body_is_all_that_amqp_consume_wants(bench, links):
    peer = bench.peer(unreadable)
    words = [str(links / "amqp-consume"), "-u", peer.url, "-q", "queue", "-c", "1", "wc", "-c"]
    done = subprocess.run(words, env=bench.environment(), capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, b"0"), done
