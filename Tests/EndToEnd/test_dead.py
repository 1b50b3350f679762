"""amqp-job dead: looks at dead letters, sends them back, drops them. None of it may lose one."""

import datetime
import json
import signal

import pika
import pytest

from harness import wait_until
from peer import Basic

TIME = datetime.datetime(2026, 2, 28, 23, 59, 58)
ENDED = {
    "x-amqp-job-queue": "fruits", "x-amqp-job-reason": "failed", "x-amqp-job-status": 3, "x-amqp-job-attempts": 4,
    "x-amqp-job-host": "pod-1", "x-amqp-job-time": TIME,
}


def dead(bench, action, *arguments, **options):
    return bench.run(action, *arguments, command="dead", **options)


def numbers(*parts):
    return [b"%d" % number for part in parts for number in part]


def content(queue):
    return [body for _, _, body in queue.take_all()]


def cells(line):
    return [cell for cell in line.split("  ") if cell]


# list

def test_list(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple", message_id="a", headers=ENDED)
    queue.dead.put(b"banana", message_id="b", headers={
        **ENDED, "x-amqp-job-reason": "killed", "x-amqp-job-status": None, "x-amqp-job-signal": "KILL"})
    queue.dead.put(b"")
    result = dead(bench, "list", queue.name)
    assert (result.status, result.stderr) == (0, ""), result
    rows = [[cell.strip() for cell in cells(line)] for line in result.stdout.decode().splitlines()]
    assert rows == [
        ["ID", "ATTEMPTS", "REASON", "STATUS", "HOST", "TIME", "SIZE"],
        ["a", "4", "failed", "3", "pod-1", "2026-02-28T23:59:58Z", "5"],
        ["b", "4", "killed", "KILL", "pod-1", "2026-02-28T23:59:58Z", "6"],
        ["-", "-", "-", "-", "-", "-", "0"],
    ]


def test_list_json(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple", message_id="a", headers={
        **ENDED, "source": "shop", "n": 7, "ratio": 0.5, "ok": True, "table": {"x": 1}, "list": [1]})
    queue.dead.put(b"banana")
    result = dead(bench, "list", queue.name, "--json")
    assert (result.status, result.stderr) == (0, ""), result
    first, second = [json.loads(line) for line in result.stdout.splitlines()]
    assert first == {
        "id": "a", "queue": "fruits", "reason": "failed", "by": "amqp-job", "status": 3, "attempts": 4, "host": "pod-1",
        "time": "2026-02-28T23:59:58Z", "size": 5,
        "headers": {**ENDED, "x-amqp-job-time": "2026-02-28T23:59:58Z", "source": "shop", "n": 7, "ratio": 0.5, "ok": True},
    }
    assert second == {"size": 6, "headers": {}}


def test_list_what_the_broker_dead_lettered(bench):
    queue = bench.work_queue("quorum", options=("--arg", "x-delivery-limit=1", "--arg", "x-message-ttl=100"))
    queue.put(b"apple", message_id="a")
    queue.dead.assert_back()
    item = json.loads(dead(bench, "list", queue.name, "--json").stdout)
    assert (item["reason"], item["by"], item["queue"]) == ("expired", "broker", queue.name)
    assert item["time"].startswith("20")
    assert b"expired (broker)" in dead(bench, "list", queue.name).stdout


def test_list_an_item_that_has_been_retried_before(bench):
    """The broker's own record has the way through the retry queue in it, too."""
    queue = bench.work_queue("quorum", options=("--arg", "x-delivery-limit=1"))
    queue.retry.put(b"apple", expiration="1", headers={"x-amqp-job-attempts": 2})
    for _ in range(2):
        queue.assert_back()
        method, _, _ = queue.client.channel.basic_get(queue.name)
        queue.client.channel.basic_reject(method.delivery_tag, requeue=True)
    queue.dead.assert_back()
    item = json.loads(dead(bench, "list", queue.name, "--json").stdout)
    assert (item["reason"], item["by"], item["queue"]) == ("delivery_limit", "broker", queue.name)
    assert item["attempts"] == 2


@pytest.mark.limit(120)
def test_list_changes_nothing(bench):
    """However often. A quorum queue forgets the order of more than 32 that are given back at once."""
    queue = bench.work_queue()
    for number in range(70):
        queue.dead.put(b"%d" % number, headers=ENDED, content_type="text/plain", message_id=f"id-{number}")
    first = dead(bench, "list", queue.name, "--json")
    for options in [[], ["--limit", "5"], ["--limit", "40"], ["--json"]] * 6:
        assert dead(bench, "list", queue.name, *options).status == 0
    assert dead(bench, "list", queue.name, "--json").stdout == first.stdout
    items = queue.dead.take_all()
    assert [body for _, _, body in items] == numbers(range(70))
    for _, properties, _ in items:
        assert (properties.content_type, properties.delivery_mode) == ("text/plain", 2)
        assert ENDED.items() <= properties.headers.items()


def test_list_a_classic_queue(bench):
    queue = bench.work_queue(declare=False)
    bench.client.channel.queue_declare(queue.dead.name, durable=True)
    queue.dead.put(*numbers(range(40)))
    assert dead(bench, "list", queue.name, "--limit", "35").status == 0
    assert content(queue.dead) == numbers(range(40))


def test_list_does_not_bring_an_item_to_its_limit(bench):
    """A dead-letter queue that somebody else made has a limit, from RabbitMQ 4 on by default."""
    queue = bench.work_queue(declare=False)
    bench.client.channel.queue_declare(
        queue.dead.name, durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": 20})
    queue.dead.put(b"apple", message_id="a")
    for _ in range(25):
        result = dead(bench, "list", queue.name)
        if bench.broker.version < (4, 3):
            result.assert_error(78, queue.dead.name, "declare")
        else:
            assert result.status == 0, result
    assert content(queue.dead) == [b"apple"]


def test_list_a_queue_without_a_limit(bench):
    queue = bench.work_queue(declare=False)
    bench.client.channel.queue_declare(queue.dead.name, durable=True, arguments={"x-queue-type": "quorum"})
    queue.dead.put(b"apple")
    unlimited = bench.broker.version < (4, 0) or bench.broker.version >= (4, 3)
    assert dead(bench, "list", queue.name).status == (0 if unlimited else 78)
    queue.dead.assert_back()


def test_list_the_first(bench):
    queue = bench.work_queue()
    for name in "abc":
        queue.dead.put(message_id=name)
    result = dead(bench, "list", queue.name, "--limit", "2", "--json")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["a", "b"]


def test_list_a_killed_one_loses_nothing(bench):
    queue = bench.work_queue()
    queue.dead.put(*numbers(range(300)))
    runner = bench.start("list", queue.name, command="dead")
    wait_until(lambda: queue.dead.depth() < 250, what="some items in hand")
    runner.send(signal.SIGKILL)
    assert runner.finish().status == -signal.SIGKILL
    queue.dead.assert_back(300)
    assert sorted(content(queue.dead)) == sorted(numbers(range(300)))


def test_list_none(bench):
    queue = bench.work_queue()
    result = dead(bench, "list", queue.name)
    assert (result.status, result.stdout) == (0, b"") and "is empty" in result.stderr, result
    assert dead(bench, "list", queue.name, "--json", "--quiet").stderr == ""


def test_list_keeps_foreign_text_on_its_line(bench):
    queue = bench.work_queue()
    queue.dead.put(message_id="a\n\x1b[2Jb", headers={"x-amqp-job-reason": "x\ny"})
    result = dead(bench, "list", queue.name)
    assert len(result.stdout.splitlines()) == 2 and b"\x1b" not in result.stdout, result
    item = json.loads(dead(bench, "list", queue.name, "--json").stdout)
    assert (item["id"], item["reason"]) == ("a\n\x1b[2Jb", "x\ny")


# replay

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
        del properties.headers["x-delivery-count"]  # RabbitMQ 3.10's own
    assert properties == pika.BasicProperties(
        message_id="a", content_type="text/plain", priority=3, correlation_id="c", delivery_mode=2,
        headers={"source": "shop", "x-own": 1})


def test_replayed_items_begin_anew(bench):
    """Dead letters that their queue counts the returns of, and then a runner's attempts."""
    queue = bench.work_queue()
    queue.dead.put(b"apple", headers=ENDED)
    for _ in range(3):
        assert dead(bench, "list", queue.name).status == 0
    assert dead(bench, "replay", queue.name).status == 0
    result = bench.run("-q", queue.name, worker=["sh", "-c", "printf %s $WORK_ITEM_ATTEMPT"])
    assert (result.status, result.stdout) == (0, b"1"), result


def test_replayed_items_die_anew(bench):
    """With the record of their first death they would be part of a cycle to the broker, which drops those."""
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
    """A worker whose items are dead again at once: each is replayed once."""
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
    queue = bench.work_queue("quorum", options=("--arg", "x-max-length=5"))
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
    dead(bench, "replay", queue.name).assert_error(66, f"'{queue.name}'", "0 items moved")
    queue.dead.assert_back()


def test_a_killed_replay_loses_nothing(bench):
    queue = bench.work_queue()
    queue.dead.put(*numbers(range(300)))
    runner = bench.start("replay", queue.name, command="dead")
    wait_until(lambda: queue.depth() > 50, what="some items moved")
    runner.send(signal.SIGKILL)
    assert runner.finish().status == -signal.SIGKILL
    wait_until(lambda: queue.depth() + queue.dead.depth() >= 300, what="all items in one of the queues")
    moved, left = content(queue), content(queue.dead)
    assert set(moved + left) == set(numbers(range(300)))
    assert len(moved) + len(left) <= 301  # the one that was under way may be in both


def got(session, channel, _method):
    """An answer to basic.get."""
    session.tag += 1
    session.send(channel, Basic.GetOk(session.tag, False, "", "q.dead", 0))
    session.raw(pika.frame.Header(channel, 5, pika.BasicProperties(message_id="a")).marshal())
    session.raw(pika.frame.Body(channel, b"apple").marshal())


def returned(session, channel, _method):
    session.send(channel, Basic.Return(312, "NO_ROUTE", "", "q"))
    session.raw(pika.frame.Header(channel, 0, pika.BasicProperties()).marshal())
    session.send(channel, Basic.Ack(1))


@pytest.mark.parametrize("answer, status, text", [
    (returned, 66, "0 items moved"),
    (lambda session, channel, method: session.send(channel, Basic.Nack(1)), 75, "0 items moved"),
    (lambda session, channel, method: session.drop(), 75, "one more may be there and still be dead"),
], ids=["returned", "rejected", "connection lost"])
def test_nothing_is_acked_that_was_not_confirmed(bench, answer, status, text):
    server = bench.peer(b"apple", has_retries=True)
    server.on(Basic.Get, got)
    server.on(Basic.Publish, answer)
    dead(bench, "replay", "q", url=server.url).assert_error(status, text)
    assert server.count(Basic.Publish) == 1
    assert server.count(Basic.Ack) == 0


# purge

def test_purge(bench):
    queue = bench.work_queue()
    queue.put(b"apple")
    queue.dead.put(b"banana", b"cherry")
    result = dead(bench, "purge", queue.name)
    assert result.status == 0 and "2 items dropped" in result.stderr, result
    assert queue.dead.depth() == 0
    queue.assert_untouched()


# All of them

@pytest.mark.parametrize("action", ["list", "replay", "purge"])
def test_no_dead_letter_queue(bench, action):
    queue = bench.queue("quorum", b"apple")
    dead(bench, action, queue.name).assert_error(66, f"'{queue.name}.dead'", f"declare {queue.name}'")
    queue.assert_untouched()


def test_queue_from_the_environment(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple", message_id="a")
    result = dead(bench, "list", "--json", env={"QUEUE": queue.name})
    assert json.loads(result.stdout)["id"] == "a"


@pytest.mark.parametrize("words, text", [
    ([], "ACTION"), (["show", "q"], "show"), (["list"], "no queue"), (["purge", "q", "--json"], "--json"),
    (["list", "q", "--id", "a"], "--id"), (["list", "q", "r"], "'r'"), (["list", "q", "--limit", "0"], "--limit"),
    (["list", "x" * 250], "249"),
], ids=lambda value: " ".join(value)[:40])
def test_bad_usage(bench, words, text):
    dead(bench, *(words or [])).assert_error(64, text) if words else bench.run(command="dead").assert_error(64, text)


def test_messages_for_machines(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple", b"banana")
    result = dead(bench, "replay", queue.name, "--log-format", "json")
    assert json.loads(result.lines[-1])["items"] == 2
