"""A real broker that fails, or takes the item back, while the worker runs."""

import os
import signal

import pytest

from support.amqp import Client
from support.processes import PROMPT, holds_for, is_alive, wait_until

STUBBORN = ("ignore:TERM", "hold")


def held(bench, queue, *arguments, steps=("trap:TERM:0", "hold"), **options):
    """A runner whose worker has started."""
    worker = bench.worker(*steps)
    runner = bench.start("-q", queue.name, *arguments, worker=worker, **options)
    worker.wait_for("holding")
    return runner, worker


def assert_stopped(bench, runner, worker, status, *words):
    result = runner.finish()
    assert result.status == status, result
    errors = [line for line in result.lines if line.startswith("amqp-job: ")]
    assert len(errors) == 1, result
    for word in words:
        assert word.lower() in errors[0].lower(), result
    bench.assert_nothing_left()
    return result


# The broker takes the item back: 76. (test_consumer_timeout.py tests timeouts.)


def test_queue_deleted(bench, kind):
    queue = bench.queue(kind, b"apple")
    runner, worker = held(bench, queue)
    queue.delete()
    result = assert_stopped(bench, runner, worker, 76, queue.name, "the queue was deleted ('amqp-job declare' makes it anew)")
    # Since 4.3 a consumer's end may mean a timeout as well.
    assert ("consumer timeout" in result.stderr) == (bench.broker.version >= (4, 3))
    assert worker.events("signal"), "the worker was not told"


def test_queue_deleted_under_a_worker_that_ignores_term(bench):
    queue = bench.queue("quorum", b"apple")
    runner, worker = held(bench, queue, "--grace", "500ms", steps=STUBBORN)
    queue.delete()
    assert_stopped(bench, runner, worker, 76, queue.name)


def test_queue_deleted_and_the_worker_exits_with_0_at_once(bench):
    """The deletion and the exit arrive together. The item no longer belonged to the runner."""
    queue = bench.queue("classic", b"apple")
    runner, worker = held(bench, queue, steps=("ignore:TERM", "hold"))
    runner.send(signal.SIGSTOP)
    queue.delete()
    worker.go()
    pid = worker.wait_for("went-on")["pid"]
    wait_until(lambda: not is_alive(pid), what="the worker's end")
    runner.send(signal.SIGCONT)
    assert_stopped(bench, runner, worker, 76)


# The connection is lost: 75


def test_connection_closed_by_the_broker(bench):
    vhost = bench.marker
    with bench.broker.vhost(vhost):
        bench.client = Client(f"{bench.broker.url}/{vhost}")
        queue = bench.queue("quorum", b"apple")
        runner, worker = held(bench, queue, url=f"{bench.broker.url}/{vhost}")
        bench.client.close()
        bench.broker.close_connections(vhost)
        assert_stopped(bench, runner, worker, 75, queue.name)
        assert worker.events("signal"), "the worker was not told"
        queue.client = bench.client = Client(f"{bench.broker.url}/{vhost}")
        queue.assert_back()


def test_connection_cut(bench, kind):
    queue = bench.queue(kind, b"apple")
    way = bench.proxy()
    runner, worker = held(bench, queue, url=way.url)
    way.cut()
    assert_stopped(bench, runner, worker, 75, queue.name)
    assert worker.events("signal"), "the worker was not told"
    queue.assert_back()


def test_connection_cut_under_a_worker_that_ignores_term(bench):
    queue = bench.queue("quorum", b"apple")
    way = bench.proxy()
    runner, worker = held(bench, queue, "--grace", "500ms", url=way.url, steps=STUBBORN)
    way.cut()
    assert_stopped(bench, runner, worker, 75)
    queue.assert_back()


def test_connection_frozen(bench):
    """No connection is closed, and only the heartbeats stop. A Kubernetes node that vanished looks like this."""
    queue = bench.queue("quorum", b"apple")
    way = bench.proxy()
    runner, worker = held(bench, queue, "--heartbeat", "1s", url=way.url)
    way.freeze()
    assert_stopped(bench, runner, worker, 75)


def test_connection_cut_with_several_items(bench):
    queue = bench.queue("quorum", b"one", b"two")
    way = bench.proxy()
    runner, worker = held(bench, queue, "-n", "2", url=way.url)
    way.cut()
    assert_stopped(bench, runner, worker, 75)
    queue.assert_back(2)


def test_term_after_the_connection_was_cut(bench):
    """The worker takes its time to end. The status still says that the connection was lost."""
    queue = bench.queue("quorum", b"apple")
    way = bench.proxy()
    runner, worker = held(bench, queue, url=way.url, steps=("trap:TERM", "hold"))
    way.cut()
    worker.wait_for("signal")
    runner.send(signal.SIGTERM)
    worker.go()
    assert runner.finish().status in (75, 143)
    queue.assert_back()


@pytest.mark.parametrize("way", ["stopped", "killed"])
def test_broker_goes_down(spare, spare_broker, way):
    queue = spare.queue("quorum", b"apple")
    runner, worker = held(spare, queue)
    spare.client.close()
    if way == "killed":
        spare_broker.kill()
    else:
        spare_broker.stop(keep_data=True)
    assert_stopped(spare, runner, worker, 75)
    assert worker.events("signal"), "the worker was not told"
    spare_broker.start()
    # For some seconds, until the queue has elected a leader, it seems to be empty. That does not count as drained.
    again = spare.worker("read")
    result = spare.run("-q", queue.name, "--when-empty", "exit", worker=again, timeout=60)
    assert result.status == 0, result
    assert again.runs == 1, "the item was not seen"
    queue.assert_empty()


def test_broker_killed_while_waiting(spare, spare_broker):
    queue = spare.queue("quorum")
    runner = spare.start("-q", queue.name, "--connect-timeout", "2s", worker=["true"])
    queue.wait_for_consumer()
    spare.client.close()
    spare_broker.kill()
    result = runner.finish()
    assert result.status == 69, result
    assert "127.0.0.1" in result.lines[-1], result


# Short of something


def test_broker_short_of_memory(spare, spare_broker):
    """The broker stops reading connections that have published. A runner never publishes on the connection on which it
    acks."""
    queue = spare.queue("quorum", b"apple", b"pear")
    with spare_broker.short_of_memory():
        worker = spare.worker("read")
        result = spare.run("-q", queue.name, "-n", "2", worker=worker)
        assert result.status == 0, result
        publisher = spare.start("-q", queue.name, "late", command="publish")
        holds_for(publisher.runs, 1.0, "the wait of the publisher")
    assert publisher.finish().status == 0
    queue.assert_back()


def test_header_of_200_kib(spare, spare_broker):
    """This is more than the usual 128 KiB of a frame. The broker has to be configured to allow it."""
    with spare_broker.setting("frame_max", 1 << 20):
        client = Client(spare_broker.url, frame_max=1 << 20)
        queue = spare.queue("quorum")
        queue.client = client
        small = {f"part-{n}": "x" * 30000 for n in range(12)}  # 360 kB, in headers that are small enough each.
        queue.put(b"apple", headers={"large": "x" * 204800, "small": "fine"})
        queue.put(b"pear", headers=small)
        client.close()
        queue.client = spare.client
        first, second = spare.worker("read"), spare.worker("read")
        result = spare.run("-q", queue.name, worker=first)
        assert result.status == 0, result
        assert first.environment["WORK_ITEM_HEADERS_OMITTED"] == "large"
        assert first.environment["WORK_ITEM_HEADER_SMALL"] == "fine"
        result = spare.run("-q", queue.name, worker=second)
        assert result.status == 0, result
        kept = [name for name in second.environment if name.startswith("WORK_ITEM_HEADER_PART_")]
        total = sum(len(name) + 1 + len(second.environment[name]) for name in kept)
        assert 0 < len(kept) < 12 and total <= 256 * 1024
        omitted = second.environment["WORK_ITEM_HEADERS_OMITTED"].split(",")
        assert sorted(omitted + [name[17:].lower().replace("_", "-") for name in kept]) == sorted(small)
        queue.assert_empty()


# Long work


@pytest.mark.slow
def test_worker_of_30_seconds_under_a_heartbeat_of_5(bench):
    """The worker never reads its input. The runner has to keep the connection alive while that pipe is full."""
    queue = bench.queue("quorum", os.urandom(1_000_000))
    worker = bench.worker("sleep:30")
    result = bench.run("-q", queue.name, "--heartbeat", "5", worker=worker, timeout=90)
    assert (result.status, result.stderr) == (0, ""), result
    assert result.seconds > 29
    assert worker.runs == 1
    queue.assert_empty()


@pytest.mark.slow
def test_vanished_peer_is_noticed_within_two_heartbeats(bench):
    queue = bench.queue("quorum", b"apple")
    way = bench.proxy()
    worker = bench.worker("trap:TERM:0", "hold")
    runner = bench.start("-q", queue.name, "--heartbeat", "5s", url=way.url, worker=worker)
    worker.wait_for("holding")
    way.freeze()
    result = runner.finish(60)
    assert result.status == 75, result
    assert 4 < result.seconds < 10 + 1 + PROMPT
