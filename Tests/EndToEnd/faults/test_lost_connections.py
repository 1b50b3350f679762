"""Connections that are lost while the runner holds no item, or while a worker runs."""

import os
import signal

import pytest

from support.processes import holds_for, wait_until


def away(bench, queue, *arguments, steps=("hold",)):
    """A runner with `--on-disconnect finish` whose worker runs, and its proxy to the broker."""
    proxy = bench.proxy()
    worker = bench.worker("read", *steps)
    runner = bench.start(
        "-q", queue.name, "--on-disconnect", "finish", *arguments, url=proxy.url, worker=worker)
    worker.wait_for("holding")
    return proxy, runner, worker


def put(queue, *bodies):
    for number, body in enumerate(bodies):
        queue.put(body, message_id=f"id-{number}")


@pytest.mark.parametrize("managed", [False, True])
def test_what_comes_back_is_acked_and_not_run_again(bench, kind, managed):
    queue = bench.work_queue(kind) if managed else bench.queue(kind)
    put(queue, b"apple" * 100_000)
    proxy, runner, worker = away(bench, queue)
    proxy.cut()
    queue.assert_back()
    holds_for(lambda: queue.depth() == 1 and runner.runs(), 1, "an item that its own runner does not take twice")
    worker.go()
    result = runner.finish()
    assert result.status == 0, result
    assert worker.runs == 1
    queue.assert_empty()


def test_an_item_that_others_have_taken_is_not_claimed(bench, kind):
    queue = bench.queue(kind)
    put(queue, b"apple", b"pear")
    proxy, runner, worker = away(bench, queue)
    proxy.cut()
    queue.assert_back(2)
    assert bench.run("-q", queue.name, worker=["cat"]).stdout in (b"apple", b"pear")
    if kind == "classic":  # This is the item that came back.
        worker.go()
        result = runner.finish()
        assert result.status == 75, result
        assert worker.runs == 1
        queue.assert_back()
    else:
        runner.send(signal.SIGKILL)


def test_an_item_that_does_not_come_back(bench):
    queue = bench.queue("quorum")
    put(queue, b"apple")
    proxy, runner, worker = away(bench, queue, "--finish-window", "1s")
    proxy.cut()
    queue.assert_back()
    queue.take()
    worker.go()
    result = runner.finish()
    assert result.status == 75, result
    assert "--finish-window" in result.stderr


def test_an_item_without_an_id(bench):
    queue = bench.queue("quorum", b"apple")
    proxy, runner, worker = away(bench, queue)
    proxy.cut()
    queue.assert_back()
    worker.go()
    result = runner.finish()
    assert result.status == 75, result
    assert "message id" in result.stderr
    queue.assert_back()


def test_several_items_and_one_that_comes_back(bench, kind):
    queue = bench.queue(kind)
    put(queue, b"one", b"two", b"three")
    proxy, runner, worker = away(bench, queue, "--drain", "-j", "2", steps=("hold", "echo:done"))
    worker.wait_for("holding", 2)
    proxy.cut()
    queue.assert_back(3)
    worker.go()
    result = runner.finish(60)
    assert result.status == 0, result
    assert worker.runs == 3
    queue.assert_empty()


def test_an_idle_runner_carries_on(bench, kind):
    queue = bench.queue(kind)
    proxy = bench.proxy()
    end = bench.path("end")
    os.mkfifo(end)
    worker = ["sh", "-c", f"cat; read _ <{end}; true"]
    runner = bench.start("-q", queue.name, "--forever", url=proxy.url, worker=worker)
    for body in b"one", b"two":
        queue.wait_for_consumer()
        queue.put(body)
        wait_until(lambda body=body: body in runner.stdout, what="the item")
        heard = proxy.heard
        open(end, "w").close()
        wait_until(lambda heard=heard: proxy.handed_on > heard, what="the answer that makes sure of the ack")
        assert runner.runs(), "it ended"
        proxy.cut()
    queue.wait_for_consumer()
    runner.send(signal.SIGTERM)
    assert runner.finish().status == 0


def test_several_brokers_in_turn(bench):
    """The first broker goes away for good while the runner is idle."""
    queue = bench.queue("quorum")
    first, second = bench.proxy(), bench.proxy()
    runner = bench.start("-q", queue.name, url=f"{first.url},{second.url}", worker=["cat"])
    queue.wait_for_consumer()
    first.close()
    wait_until(lambda: second.accepted, what="a connection by the other way")
    queue.put(b"apple")
    result = runner.finish()
    assert (result.status, result.stdout) == (0, b"apple")
