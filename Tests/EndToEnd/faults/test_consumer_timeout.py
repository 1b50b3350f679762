"""A worker that runs for longer than the broker lets a consumer hold an item. What sets that timeout depends on the
version of RabbitMQ. So does its effect: the broker closes the channel or, since 4.3, cancels the consumer and
ignores a late ack."""

import contextlib
import signal

import pika.exceptions
import pytest

from support.processes import holds_for, is_alive, wait_until

TIMEOUT = 4000  # In milliseconds. The broker checks it every second.


def effect(version, kind, setting):
    """What this setting does, in this version and for this kind of queue."""
    if version < (4, 0):
        return {"server": "stops", "policy": "refused", "argument": "ignored"}[setting]
    if version < (4, 3) or kind == "quorum":
        return "stops"
    return "refused" if setting == "argument" else "ignored"


def server(spare):
    return spare.broker.setting("consumer_timeout", TIMEOUT)


def policy(spare):
    return spare.broker.policy(spare.marker, "^" + spare.marker, f'{{"consumer-timeout":{TIMEOUT}}}')


def start(bench, queue, *steps, **options):
    worker = bench.worker(*steps)
    runner = bench.start("-q", queue.name, worker=worker, **options)
    worker.wait_for("holding")
    return runner, worker


def end_unseen(way, worker):
    """Lets the worker exit 0, and returns once the broker has said that it takes the item back."""
    before = way.heard
    worker.go()
    pid = worker.wait_for("went-on")["pid"]
    wait_until(lambda: not is_alive(pid), what="the worker's end")
    wait_until(lambda: way.heard > before, what="word from the broker")


def assert_taken_back(result, queue, *words):
    errors = [line for line in result.lines if line.startswith("amqp-job: ")]
    assert result.status == 76 and len(errors) == 1, result
    assert all(word in errors[0] for word in [queue.name, *words]), result
    queue.assert_back()


@pytest.mark.parametrize("setting", ["server", "policy", "argument"])
def test_worker_longer_than_the_timeout(spare, kind, setting):
    expected = effect(spare.broker.version, kind, setting)
    arguments = {"x-consumer-timeout": TIMEOUT} if setting == "argument" else {}
    within = {"server": server, "policy": policy}.get(setting, contextlib.nullcontext)
    if expected == "refused":
        with pytest.raises((pika.exceptions.ChannelClosedByBroker, AssertionError), match="consumer.timeout"):
            with within(spare):
                spare.queue(kind, **arguments)
        return
    with within(spare):
        queue = spare.queue(kind, b"apple", **arguments)
        runner, worker = start(spare, queue, "trap:TERM:0", "hold")
        if expected == "stops":
            assert_taken_back(runner.finish(), queue, "timeout")
            assert worker.events("signal"), "the worker was not told"
        else:
            holds_for(runner.runs, TIMEOUT / 1000 + 3, "the runner")
            worker.go()
            assert runner.finish().status == 0
            queue.assert_empty()


def test_worker_that_exits_with_0_at_the_same_time(spare):
    with server(spare):
        queue = spare.queue("quorum", b"apple")
        way = spare.proxy()
        runner, worker = start(spare, queue, "ignore:TERM", "hold", url=way.url)
        runner.send(signal.SIGSTOP)
        end_unseen(way, worker)
        runner.send(signal.SIGCONT)
        assert_taken_back(runner.finish(), queue, "timeout")


def test_ack_that_comes_too_late(spare):
    """The ack is in transit while the broker takes the item back."""
    with server(spare):
        queue = spare.queue("quorum", b"apple")
        way = spare.proxy()
        runner, worker = start(spare, queue, "hold", url=way.url)
        way.freeze()
        end_unseen(way, worker)
        way.thaw()
        assert_taken_back(runner.finish(), queue)
