"""`amqp-job status --drained`, and probes that receive an item."""

import contextlib
import signal

import pika
import pytest

from support.peer import Basic
from support.processes import holds_for, wait_until


def drained(bench, *queues):
    return bench.run("--drained", *[queue.name for queue in queues], command="status")


def test_empty_queues(bench, kind):
    result = drained(bench, bench.work_queue(kind), bench.queue(kind))
    assert (result.status, result.stdout, result.stderr) == (0, b"", ""), result


def test_an_item_that_is_ready_is_not_touched(bench, kind):
    queue = bench.work_queue(kind, b"apple")
    drained(bench, queue).assert_error(1, queue.name, "ready")
    queue.assert_untouched()


def test_an_item_that_waits_for_another_attempt(bench, kind):
    queue = bench.work_queue(kind)
    queue.retry.put(b"apple", expiration="60000")
    drained(bench, queue).assert_error(1, queue.name, "attempt")
    queue.retry.assert_untouched()


def test_an_item_that_a_runner_holds(bench, kind):
    queue = bench.work_queue(kind, b"apple")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")
    drained(bench, queue).assert_error(1, queue.name, "others consume")
    worker.go()
    assert runner.finish().status == 0
    assert drained(bench, queue).status == 0


def test_one_of_several(bench):
    first, second = bench.queue("quorum"), bench.queue("quorum", b"apple")
    drained(bench, first, second).assert_error(1, second.name)


def test_a_missing_queue(bench):
    queue = bench.name_queue()
    drained(bench, queue).assert_error(66, queue.name)


@pytest.mark.parametrize("option", ["--watch", "--json"])
def test_options_that_exclude_it(bench, option):
    bench.run("any", "--drained", option, command="status").assert_error(64, "--drained")


def test_an_item_that_is_delivered_to_the_last_probe(bench):
    """While the probe holds the item, no count includes it. The queue looks empty, and so drained."""
    peer = bench.peer()

    def consume(session, channel, method):
        if peer.count(Basic.Consume) == 3:
            session.raw(b"".join(session.delivery(channel, method.consumer_tag, b"apple")))
        session.consumers[method.consumer_tag] = channel
        session.send(channel, Basic.ConsumeOk(method.consumer_tag))

    def publish(session, channel, method):
        peer.waiting.append(b"apple")
        session.send(channel, Basic.Ack(1))

    peer.on(Basic.Consume, consume)
    peer.on(Basic.Publish, publish)
    peer.on(Basic.Ack, lambda session, channel, method: None)  # The item is not delivered to the probe again.
    bench.run("queue", "--drained", command="status", url=peer.url).assert_error(1, "items are ready")
    assert peer.count(Basic.Consume) == 3


def test_a_probe_that_is_never_answered(bench):
    """The broker still sends heartbeats."""
    peer = bench.peer(heartbeat=1)
    peer.on(Basic.Consume, lambda session, channel, method: None)
    result = bench.run("queue", "--drained", "--connect-timeout", "2s", command="status", url=peer.url)
    result.assert_error(69, "queue", "127.0.0.1")


@pytest.mark.slow
def test_a_retry_that_comes_due_during_probes_is_taken(bench, kind):
    """The attempt is counted correctly, although probes ask the retry queue for messages.

    RabbitMQ itself counts a return if an item reaches a consumer that is being cancelled, as probes do. That happens to
    1 in about 800 items."""
    queue = bench.work_queue(kind)
    for expiration in range(2500, 5000, 500):
        queue.retry.put(b"apple", expiration=str(expiration))
    lookers = [bench.start("-q", queue.name, "--drain", worker=["sh", "-c", "echo $WORK_ITEM_ATTEMPT"]) for _ in range(4)]
    assert [looker.finish(60).status for looker in lookers] == [0] * 4
    attempts = b"".join(looker.stdout for looker in lookers).split()
    assert len(attempts) == 5 and attempts.count(b"1") >= 4, attempts
    queue.assert_empty()


@pytest.mark.slow
def test_many_probing_runners_end_together(bench, figures):
    queue = bench.work_queue("quorum")
    lookers = [bench.start("-q", queue.name, "--drain", worker=["true"]) for _ in range(12)]
    assert [looker.finish(50).status for looker in lookers] == [0] * 12
    figures.append(f"12 runners find a queue drained: the last after {max(each.seconds for each in lookers):.1f} s")


@pytest.mark.slow
@pytest.mark.parametrize("end", ["kill", "fail"])
def test_no_runner_ends_before_the_last_item_is_done(bench, kind, end):
    """Two pods have nothing to do. They wait for the one that may still give its item back, and then take it."""
    queue = bench.work_queue(kind, b"apple")
    log = bench.path("log")
    holding = bench.worker("hold", "exit:1")
    first = bench.start("-q", queue.name, "--when-empty", "exit", "--retry-delay", "1s", worker=holding)
    holding.wait_for("holding")
    worker = bench.script(f'echo "$(cat)" >>{log}')
    others = [
        bench.start("-q", queue.name, "--when-empty", "exit", "--retry-delay", "1s", worker=worker) for _ in range(2)
    ]
    holds_for(lambda: all(other.runs() for other in others), 5, "the two pods")
    if end == "kill":
        first.send(signal.SIGKILL)
    else:
        holding.go()
    assert first.finish().status != 0
    assert [other.finish(60).status for other in others] == [0, 0]
    assert log.read_text().split() == ["apple"]
    queue.assert_empty()


@pytest.fixture
def held_up(bench):
    """The retry queue of this queue hands an item on, and the full queue refuses it. The limit is in a policy, which no
    client can see. Nobody sees the item until the broker tries again, which takes minutes."""
    queue = bench.work_queue("quorum", b"BAD")
    with bench.broker.policy(bench.marker, f"^{queue.name}$", '{"max-length": 2}'):
        assert bench.run("-q", queue.name, "--retry-delay", "2s", worker=["false"]).status == 1
        assert queue.marks.depth() == 1
        for _ in range(6):  # This fills the queue.
            with contextlib.suppress(pika.exceptions.NackError):
                queue.put(b"another")
        queue.retry.assert_back(0)
        yield queue


def test_what_a_policy_holds_up_is_not_drained(bench, held_up):
    options = ("-q", held_up.name, "--drain", "--drain-timeout", "8s")
    runners = [bench.start(*options, worker=["true"]) for _ in range(2)]
    for runner in runners:
        result = runner.finish()
        assert result.status == 75 and "not drained" in result.stderr, result
    assert held_up.depth() == 0
    drained(bench, held_up).assert_error(1, "on their way back")


def test_a_runner_killed_with_a_returned_item_leaves_no_mark(bench, kind):
    """A runner dies while the item is in its socket or in its hands. The next runner settles the item, and removes its
    mark."""
    queue = bench.work_queue(kind, b"apple")
    assert bench.run("-q", queue.name, "--retry-delay", "2s", worker=["false"]).status == 1
    queue.wait_for_consumer(0)  # A quorum queue forgets the consumer of that run a moment after its connection has ended.
    first = bench.start("-q", queue.name, worker=["true"])
    queue.wait_for_consumer()
    first.send(signal.SIGSTOP)
    wait_until(lambda: queue.retry.depth() == 0 and queue.depth() == 0, 30, "the item in the frozen runner's socket")
    first.send(signal.SIGKILL)
    first.finish()
    assert bench.run("-q", queue.name, worker=["true"]).status == 0
    queue.assert_empty()
    assert queue.marks.depth() == 0


def test_what_came_back_is_waited_for_no_more(bench, kind):
    queue = bench.work_queue(kind, b"apple", b"pear")
    fails_once = bench.script('[ "$WORK_ITEM_ATTEMPT" -gt 1 ]')
    runners = [
        bench.start("-q", queue.name, "--drain", "--retry-delay", "1s", worker=fails_once) for _ in range(2)]
    assert [runner.finish().status for runner in runners] == [0, 0]
    queue.assert_empty()
    assert queue.marks.depth() == 0


@pytest.mark.parametrize("limit", [{"x-max-length": 2}, {"x-max-length-bytes": 100}])
def test_a_queue_that_would_hold_items_up_is_refused(bench, limit):
    queue = bench.work_queue("quorum")
    queue.delete()
    arguments = {
        "x-queue-type": "quorum", "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue.dead.name,
        "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish", **limit}
    queue.client.channel.queue_declare(queue.name, durable=True, arguments=arguments)
    queue.put(b"apple")
    for options in [(), ("--drain",), ("-n", "9", "--when-empty", "exit")]:
        bench.run("-q", queue.name, *options, worker=["cat"]).assert_error(78, queue.name, "x-max-length")
    drained(bench, queue).assert_error(78, queue.name, "x-max-length")
    queue.assert_untouched()


@pytest.mark.parametrize("stranger", [{"x-message-ttl": 1000}, {}])
def test_queues_that_only_have_the_names_are_no_retry_queues(bench, stranger):
    """An item that is put into such a queue is lost."""
    for plain in (True, False):
        queue = bench.work_queue("quorum", declare=not plain)
        if plain:
            queue.client.channel.queue_declare(queue.name, durable=True)
            queue.client.channel.queue_declare(queue.dead.name, durable=True)
        queue.retry.delete()
        queue.client.channel.queue_declare(queue.retry.name, durable=True, arguments=stranger)
        queue.put(b"apple")
        result = bench.run("-q", queue.name, "--drain", worker=["sh", "-c", "exit 4"])
        assert result.status == 78 and queue.retry.name in result.stderr, result
        queue.assert_back()
        assert queue.take()[2] == b"apple"


def test_a_runner_that_gives_up_says_what_is_in_the_way(bench):
    queue = bench.queue()
    with bench.client.connection.channel() as channel:
        channel.basic_consume(queue.name, lambda *_: None)
        bench.run("-q", queue.name, "--drain", "--drain-timeout", "12s", worker=["true"]).assert_error(
            75, "--drain-timeout", "others consume")
