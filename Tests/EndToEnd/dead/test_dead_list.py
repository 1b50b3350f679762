"""amqp-job dead list: it shows dead letters, and changes nothing."""

import json
import signal
import threading

import pytest

from support.dead_letters import ENDED, cells, content, dead, numbers
from support.peer import Basic, Queue
from support.processes import wait_until


def listed(bench, queue, *options):
    result = dead(bench, "list", queue.name, "--json", *options)
    assert (result.status, result.stderr) == (0, ""), result
    return [json.loads(line) for line in result.stdout.splitlines()]


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
        ["POSITION", "ID", "ATTEMPTS", "REASON", "STATUS", "HOST", "TIME", "SIZE"],
        ["1", "a", "4", "failed", "3", "pod-1", "2026-02-28T23:59:58Z", "5"],
        ["2", "b", "4", "killed", "KILL", "pod-1", "2026-02-28T23:59:58Z", "6"],
        ["3", "-", "-", "-", "-", "-", "-", "0"],
    ]


NESTED = {"table": {"x": 1, "y": {"z": [None, True]}}, "list": [1, "a", [], {}], "none": None}


def test_list_json(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple", message_id="a", headers={
        **ENDED, "source": "shop", "n": 7, "ratio": 0.5, "ok": True, **NESTED})
    queue.dead.put(b"banana")
    result = dead(bench, "list", queue.name, "--json")
    assert (result.status, result.stderr) == (0, ""), result
    first, second = [json.loads(line) for line in result.stdout.splitlines()]
    assert first == {
        "position": 1, "id": "a", "queue": "fruits", "reason": "failed", "by": "amqp-job", "status": 3, "attempts": 4, "host": "pod-1",
        "time": "2026-02-28T23:59:58Z", "size": 5,
        "headers": {
            **ENDED, "x-amqp-job-time": "2026-02-28T23:59:58Z", "source": "shop", "n": 7, "ratio": 0.5, "ok": True, **NESTED},
    }
    assert second == {"position": 2, "size": 6, "headers": {}}


def test_list_what_the_broker_dead_lettered(bench):
    queue = bench.work_queue("quorum", options=("--arg", "x-delivery-limit=1", "--arg", "x-message-ttl=100"))
    queue.put(b"apple", message_id="a")
    queue.dead.assert_back()
    item = json.loads(dead(bench, "list", queue.name, "--json").stdout)
    assert (item["reason"], item["by"], item["queue"]) == ("expired", "broker", queue.name)
    assert item["time"].startswith("20")
    assert b"expired (broker)" in dead(bench, "list", queue.name).stdout


def test_list_an_item_that_has_been_retried_before(bench):
    """The broker's own record also has the passage through the retry queue."""
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


def test_list_changes_nothing(bench):
    """The order stays, however often they are listed. A quorum queue forgets the order of more than 32 items that are
    given back at once."""
    queue = bench.work_queue()
    for number in range(70):
        queue.dead.put(b"%d" % number, headers=ENDED, content_type="text/plain", message_id=f"id-{number}")
    first = listed(bench, queue)
    for options in [[], ["--limit", "5"], ["--limit", "40"], ["--json"]] * 6:
        assert dead(bench, "list", queue.name, *options).status == 0
    assert listed(bench, queue) == first
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
    """A dead-letter queue that `declare` did not make has a delivery limit, by default from RabbitMQ 4 on."""
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


def test_a_killed_list_loses_nothing(bench):
    queue = bench.work_queue()
    queue.dead.put(*numbers(range(300)))
    way = bench.proxy()
    way.freeze_after(10_000)
    runner = bench.start("list", queue.name, command="dead", url=way.url)
    wait_until(lambda: not way.moving.is_set() and queue.dead.depth() < 250, what="some items in hand")
    runner.send(signal.SIGKILL)
    assert runner.finish().status == -signal.SIGKILL
    way.cut()
    queue.dead.assert_back(300)
    assert sorted(content(queue.dead)) == sorted(numbers(range(300)))


@pytest.mark.any_broker
def test_list_waits_until_all_are_back(bench):
    """Listing waits as long as items keep coming back. Here that takes longer than it would wait without progress."""
    server = bench.peer(*[b"x"] * 4, has_retries=True)
    ready = iter([4, 0, 1, *[2] * 3, *[3] * 3])

    def count(session, channel, method):
        if method.queue == "q.dead" and method.passive:
            answer = next(ready, 4)
            threading.Timer(0.2, session.send, (channel, Queue.DeclareOk("q.dead", answer, 0))).start()
        else:
            session.send(channel, Queue.DeclareOk(method.queue, 0, 0))

    def consume(session, channel, method):
        session.send(channel, Basic.ConsumeOk(method.consumer_tag))
        for _ in range(4):
            session.raw(b"".join(session.delivery(channel, method.consumer_tag, b"x")))

    server.on(Queue.Declare, count)
    server.on(Basic.Consume, consume)
    server.on(Basic.Nack, lambda session, channel, method: None)
    result = dead(bench, "list", "q", url=server.url)
    assert result.status == 0 and len(result.stdout.splitlines()) == 5, result
    assert next(ready, None) is None, "it did not wait"


def test_list_an_empty_queue(bench):
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
