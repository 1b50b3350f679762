"""WORK_ITEM_EXCHANGE and WORK_ITEM_ROUTING_KEY are those of the first publish, however often the item has moved since."""

import signal

import pytest

from support.dead_letters import dead
from support.processes import wait_until

KEY = "order.eu"
CONTEXT = ["sh", "-c", 'printf "%s %s" "$WORK_ITEM_EXCHANGE" "$WORK_ITEM_ROUTING_KEY"; cat >/dev/null; exit ${STATUS:-3}']


@pytest.fixture
def exchange(bench):
    name = bench.marker
    bench.client.channel.exchange_declare(name, "topic", durable=True)
    yield name
    bench.client.channel.exchange_delete(name)


@pytest.fixture(params=["bound", "direct"])
def bound(request, bench, exchange):
    """Puts an item into a queue, and returns what its workers should see."""

    def put(queue, **properties):
        if request.param == "direct":
            queue.put(b"apple", **properties)
            return f" {queue.name}".encode()
        bench.client.channel.queue_bind(queue.name, exchange, "order.#")
        queue.put(b"apple", exchange=exchange, routing_key=KEY, **properties)
        return f"{exchange} {KEY}".encode()

    return put


def attempt(bench, queue, *options, status=3):
    result = bench.run("-q", queue.name, *options, worker=CONTEXT, env={"STATUS": str(status), "TMPDIR": "/tmp"})
    assert result.status == status, result
    return result.stdout


def broker_dead_letters(queue):
    """The queue's delivery limit of 1 dead-letters it."""
    for _ in range(2):
        queue.assert_back()
        method, _, _ = queue.client.channel.basic_get(queue.name)
        queue.client.channel.basic_reject(method.delivery_tag, requeue=True)
    queue.dead.assert_back()


def test_retries(bench, kind, bound):
    queue = bench.work_queue(kind)
    context = bound(queue)
    seen = [attempt(bench, queue, "--retry-delay", "50ms", "--max-attempts", "5") for _ in range(3)]
    assert [*seen, attempt(bench, queue, "--max-attempts", "5", status=0)] == [context] * 4


def test_interruptions(bench, kind, bound):
    queue = bench.work_queue(kind)
    context = bound(queue)
    for _ in range(2):
        worker = bench.worker("trap:TERM:1", "wait-for:TERM")
        runner = bench.start("-q", queue.name, worker=worker)
        worker.wait_for("holding")
        runner.send(signal.SIGTERM)
        assert runner.finish().status == 143
    assert attempt(bench, queue, status=0) == context


def test_crashes(bench, kind, bound):
    """A classic queue does not count attempts, so a copy counts them."""
    queue = bench.work_queue(kind)
    context = bound(queue)
    for _ in range(2):
        assert bench.run("-q", queue.name, "--max-attempts", "5", worker=["sh", "-c", "kill -9 $PPID; sleep 60"]).status == -9
    assert attempt(bench, queue, "--max-attempts", "5", status=0) == context


def test_ten_returns(bench, bound):
    queue = bench.queue("quorum")
    context = bound(queue)
    assert [attempt(bench, queue) for _ in range(12)] == [context] * 12


def test_dead_letters_that_are_replayed(bench, kind, bound):
    """There are several cycles. Each has a retry, and ends in the dead-letter queue."""
    queue = bench.work_queue(kind)
    context = bound(queue)
    for _ in range(3):
        for _ in range(2):
            assert attempt(bench, queue, "--retry-delay", "50ms", "--max-attempts", "2") == context
        queue.dead.assert_back()
        assert dead(bench, "replay", queue.name).status == 0
    assert attempt(bench, queue, status=0) == context


def test_what_the_broker_dead_lettered(bench, bound):
    """This is checked before any runner has made a copy, after that, and once more."""
    queue = bench.work_queue("quorum", options=("--arg", "x-delivery-limit=1"))
    context = bound(queue)
    for _ in range(2):
        broker_dead_letters(queue)
        assert dead(bench, "replay", queue.name).status == 0
        assert attempt(bench, queue, "--retry-delay", "50ms", "--max-attempts", "9") == context
    assert attempt(bench, queue, status=0) == context


def test_a_runner_on_the_dead_letter_queue(bench, bound):
    queue = bench.work_queue("quorum", options=("--arg", "x-delivery-limit=1"))
    context = bound(queue)
    broker_dead_letters(queue)
    assert attempt(bench, queue.dead, status=0) == context
    context = bound(queue)
    assert attempt(bench, queue, "--max-attempts", "1") == context
    queue.dead.assert_back()
    assert attempt(bench, queue.dead, status=0) == context


def test_amqp_consume(bench, kind, bound, links):
    queue = bench.work_queue(kind)
    context = bound(queue)
    for status in 3, 0:
        result = bench.run(
            "--url", bench.broker.url, "-q", queue.name, "-c", "1", *CONTEXT, binary=str(links / "amqp-consume"),
            command="--heartbeat=30", url=None, env={"STATUS": str(status)}, timeout=60)
        assert (result.status, result.stdout) == (status, context), result


FOREIGN = [
    {"x-amqp-job-exchange": 7, "x-amqp-job-routing-key": ["x"]},
    {"x-amqp-job-exchange": "elsewhere"},
    {"x-death": [{"queue": 1}, 7]},
    {"x-amqp-job-exchange": "elsewhere", "x-amqp-job-routing-key": "x"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=["other types", "one of two", "deaths", "both"])
def test_headers_that_others_wrote(bench, headers, exchange):
    """For an item that was published to an exchange, the delivery tells the exchange and the key, whatever headers it
    has. No headers keep an item from its worker."""
    queue = bench.work_queue()
    bench.client.channel.queue_bind(queue.name, exchange, "order.#")
    queue.put(b"apple", exchange=exchange, routing_key=KEY, headers=headers)
    context = f"{exchange} {KEY}".encode()
    assert attempt(bench, queue, "--retry-delay", "50ms") == context
    assert attempt(bench, queue, status=0) == context
    queue.put(b"apple", headers=headers)
    attempt(bench, queue, "--retry-delay", "50ms")
    attempt(bench, queue, status=0)
    wait_until(lambda: queue.depth() == 0, what="an empty queue")


def test_the_rest_of_what_a_worker_sees(bench, kind):
    """Properties and headers are the same at each attempt, except those that describe the delivery."""
    queue = bench.work_queue(kind)
    queue.put(
        b"apple", message_id="id", content_type="text/plain", content_encoding="x", priority=3, correlation_id="c",
        reply_to=queue.name, timestamp=1700000000, type="t", app_id="a", user_id="guest", expiration="600000", headers={
            "own": "kept", "n": 7, "ok": True, "CC": [queue.name + "-none"], "traceparent": "00-1-2-01"})
    about = ("ATTEMPT", "REDELIVERED", "HEADER_X_AMQP_JOB_", "HEADER_X_DELIVERY_COUNT", "HEADER_X_FIRST_DEATH_",
             "HEADER_X_LAST_DEATH_")

    def seen(status, *options):
        worker = bench.worker("read", f"exit:{status}")
        assert bench.run("-q", queue.name, *options, worker=worker).status == status
        return {
            name: value for name, value in worker.environment.items()
            if name.startswith(("WORK_ITEM_", "TRACEPARENT")) and not name.removeprefix("WORK_ITEM_").startswith(about)}

    first = seen(3, "--retry-delay", "50ms")
    assert {"WORK_ITEM_PRIORITY", "WORK_ITEM_TIMESTAMP", "WORK_ITEM_HEADER_OWN", "TRACEPARENT"} <= first.keys()
    assert seen(3, "--max-attempts", "2") == first
    queue.dead.assert_back()
    assert dead(bench, "replay", queue.name).status == 0
    assert seen(0) == first
