"""amqp-job dead replay: it sends dead letters back, and loses none."""

import random
import re
import signal

import pika
import pytest

from support.dead_letters import ENDED, content, content_of_many, dead, numbers, put_many
from support.processes import wait_until
from support.peer import Basic

WINDOW = 1024  # The number of items that may be in flight.


def test_replay(bench, kind):
    queue = bench.work_queue(kind)
    queue.dead.put(
        b"apple", message_id="a", content_type="text/plain", priority=3, correlation_id="c", user_id="guest",
        expiration="60000", delivery_mode=1, headers={
            **ENDED, "source": "shop", "x-own": 1, "x-delivery-count": 7, "x-death": [{"count": 1, "queue": "q"}],
            "x-first-death-queue": "q", "x-last-death-reason": "r", "CC": ["elsewhere"],
        })
    result = dead(bench, "replay", queue.name)
    assert result.status == 0 and "1 item moved" in result.stderr, result
    assert queue.dead.depth() == 0
    _, properties, body = queue.take()
    assert body == b"apple"
    if properties.headers.get("x-delivery-count") == 0:
        del properties.headers["x-delivery-count"]  # RabbitMQ 3.10 sets these.
    assert properties == pika.BasicProperties(
        message_id="a", content_type="text/plain", priority=3, correlation_id="c", delivery_mode=2,
        headers={"source": "shop", "x-own": 1})


def test_replayed_items_start_at_attempt_1(bench):
    """The dead letter has a count of returns and a count of attempts. After a replay, counting starts again at 1."""
    queue = bench.work_queue()
    queue.dead.put(b"apple", headers=ENDED)
    for _ in range(3):
        assert dead(bench, "list", queue.name).status == 0
    assert dead(bench, "replay", queue.name).status == 0
    result = bench.run("-q", queue.name, worker=["sh", "-c", "printf %s $WORK_ITEM_ATTEMPT"])
    assert (result.status, result.stdout) == (0, b"1"), result


def test_replayed_items_can_be_dead_lettered_again(bench):
    """If they kept the record of their first death, the broker would see a cycle. It drops items that are part of a
    cycle."""
    queue = bench.work_queue("quorum", options=("--arg", "x-delivery-limit=1"))
    queue.put(b"apple")
    for _ in range(3):
        for _ in range(2):
            queue.assert_back()
            method, _, _ = queue.client.channel.basic_get(queue.name)
            queue.client.channel.basic_reject(method.delivery_tag, requeue=True)
        queue.dead.assert_back()
        assert dead(bench, "replay", queue.name).status == 0
    assert content(queue) == [b"apple"]


def test_replay_in_order(bench):
    queue = bench.work_queue()
    queue.dead.put(*numbers(range(20)))
    result = dead(bench, "replay", queue.name, "--limit", "15")
    assert result.status == 0 and "15 items moved" in result.stderr, result
    assert content(queue) == numbers(range(15))
    assert content(queue.dead) == numbers(range(15, 20))


def test_replay_some(bench):
    queue = bench.work_queue()
    for number in range(50):
        queue.dead.put(b"%d" % number, message_id=f"id-{number % 40}")
    result = dead(bench, "replay", queue.name, "--id", "id-3", "--id", "id-30")
    assert result.status == 0 and "3 items moved" in result.stderr, result
    assert content(queue) == [b"3", b"30", b"43"]
    assert content(queue.dead) == numbers(range(3), range(4, 30), range(31, 43), range(44, 50))


def test_replay_one_that_is_not_there(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple", message_id="a")
    queue.dead.put(b"banana")
    dead(bench, "replay", queue.name, "--id", "a", "--id", "x").assert_error(1, "'x'", "1 item moved")
    assert content(queue) == [b"apple"]
    assert content(queue.dead) == [b"banana"]


def test_replay_ends_where_items_come_back(bench):
    """The worker fails at once, so its items are dead again. Each is replayed once."""
    queue = bench.work_queue()
    queue.dead.put(*numbers(range(10)))
    channel = pika.BlockingConnection(bench.client.parameters).channel()
    channel.basic_consume(queue.name, lambda channel, method, _properties, _body: channel.basic_reject(
        method.delivery_tag, requeue=False))
    runner = bench.start("replay", queue.name, command="dead")
    while runner.runs():
        channel.connection.process_data_events(0.05)
    assert "10 items moved" in runner.finish().stderr
    while queue.dead.depth() < 10:
        channel.connection.process_data_events(0.05)
    channel.connection.close()
    assert sorted(content(queue.dead)) == numbers(range(10))


def test_replay_into_a_full_queue(bench):
    queue = bench.work_queue("quorum")
    queue.delete()
    queue.client.channel.queue_declare(
        queue.name, durable=True, arguments={"x-queue-type": "quorum", "x-max-length": 5, "x-overflow": "reject-publish"})
    queue.dead.put(*numbers(range(30)))
    result = dead(bench, "replay", queue.name)
    result.assert_error(75, queue.name, "full", "items moved")
    moved = content(queue)
    assert f" {len(moved)} items moved" in result.stderr
    assert moved + content(queue.dead) == numbers(range(30))


def test_replay_without_the_queue(bench):
    queue = bench.work_queue()
    queue.delete()
    queue.dead.put(b"apple")
    dead(bench, "replay", queue.name, "--dry-run").assert_error(66, f"'{queue.name}'")
    dead(bench, "replay", queue.name).assert_error(66, f"'{queue.name}'", "0 items moved")
    queue.dead.assert_back()


def test_a_killed_replay_loses_nothing(bench):
    """The program is killed twenty times, at any moment. Each time some items in flight may be duplicated."""
    count, kills = 40_000, 20
    queue = bench.work_queue()
    put_many(bench, queue.dead, count)
    moments = random.Random(7)
    reached = 0
    for _ in range(kills):
        way = bench.proxy()
        runner = bench.start("replay", queue.name, command="dead", url=way.url)
        way.after(moments.randint(2_000, 100_000), lambda: runner.send(signal.SIGKILL))  # noqa: B023
        reached += runner.finish().status == -signal.SIGKILL
        way.close()
        wait_until(lambda: queue.depth() + queue.dead.depth() >= count, what="all items in one of the queues")
    assert reached == kills
    moved, left = content_of_many(queue), content_of_many(queue.dead)
    assert set(moved + left) == set(numbers(range(count)))
    assert len(moved) + len(left) <= count + kills * WINDOW
    assert moved and left


@pytest.mark.parametrize("count", [30_000, 70_000, 150_000, 300_000])
def test_the_message_bounds_what_a_lost_connection_duplicates(bench, count):
    """Both connections are cut after a number of bytes. The message says how many items moved, and how many more may
    have moved. These numbers bound what is in the queues."""
    items = 3000
    queue, proxy = bench.work_queue("classic"), bench.proxy()
    put_many(bench, queue.dead, items)
    proxy.cut_after(count)
    result = dead(bench, "replay", queue.name, url=proxy.url)
    result.assert_error(75, "moved")
    said = re.search(r"; (\d+) items? moved to queue '\S+'(?:, and (\w+) more may be in both queues)?", result.stderr)
    moved, unknown = int(said[1]), int((said[2] or "0").replace("one", "1"))
    wait_until(lambda: queue.depth() + queue.dead.depth() >= items, what="all items in one of the queues")
    there, left = content_of_many(queue), content_of_many(queue.dead)
    assert set(there + left) == set(numbers(range(items)))
    assert len(there) == len(set(there)) and moved <= len(there) <= moved + unknown and unknown <= WINDOW, result
    assert there == numbers(range(len(there)))


@pytest.mark.any_broker
def test_a_broker_that_takes_nothing_is_waited_for(spare, spare_broker):
    queue = spare.work_queue("classic")
    put_many(spare, queue.dead, 2000)
    with spare_broker.short_of_memory():
        runner = spare.start("replay", queue.name, command="dead")
        wait_until(lambda: "takes nothing for now" in runner.stderr, what="the notice")
    result = runner.finish(60)
    assert result.status == 0 and "takes items again" in result.stderr and "2000 items moved" in result.stderr, result
    assert content_of_many(queue) == numbers(range(2000))


def returned(session, channel, _method):
    session.send(channel, Basic.Return(312, "NO_ROUTE", "", "q"))
    session.raw(pika.frame.Header(channel, 0, pika.BasicProperties()).marshal())
    session.send(channel, Basic.Ack(1))


@pytest.mark.parametrize("answer, status, text", [
    (returned, 66, "0 items moved"),
    (lambda session, channel, method: session.send(channel, Basic.Nack(1)), 75, "0 items moved"),
    (lambda session, channel, method: session.drop(), 75, "one more may be in both queues"),
], ids=["returned", "rejected", "connection lost"])
def test_nothing_is_acked_that_was_not_confirmed(bench, answer, status, text):
    server = bench.peer(b"apple", has_retries=True)
    server.on(Basic.Publish, answer)
    dead(bench, "replay", "q", url=server.url).assert_error(status, text)
    assert server.count(Basic.Publish) == 1
    assert server.count(Basic.Ack) == 0
