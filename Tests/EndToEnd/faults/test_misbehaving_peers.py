"""Scripted servers (peer.py) that misbehave at the moments that matter. One rule holds for all: exit status 0 means
that the ack went through without a sign of refusal, and no item is acked that nobody ran."""

import signal

import pytest

from support.processes import PROMPT, holds_for
from support.peer import Basic, Channel, Connection

pytestmark = pytest.mark.any_broker

CLOSED = Channel.Close(406, "PRECONDITION_FAILED - unknown delivery tag 1", 60, 80)


def run(bench, peer, *arguments, steps=("read",), **options):
    worker = bench.worker(*steps)
    result = bench.run("-q", "queue", *arguments, url=peer.url, worker=worker, **options)
    peer.wait_until_read()
    return worker, result


def test_the_order_of_methods(bench):
    """The prefetch is 1. The consumer is cancelled before the last ack goes out, and then the channel is closed."""
    peer = bench.peer(b"one", b"two", b"three")
    worker, result = run(bench, peer, "-n", "2")
    assert result.status == 0, result
    assert worker.runs == 2
    names = [name for name in peer.names() if name in ("Basic.Qos", "Basic.Consume", "Basic.Ack", "Basic.Cancel",
                                                        "Channel.Close", "Connection.Close")]
    assert names == [
        "Basic.Qos", "Basic.Consume", "Basic.Ack", "Basic.Cancel", "Basic.Ack", "Channel.Close", "Connection.Close"
    ]
    qos = next(method for name, method in peer.seen if name == "Basic.Qos")
    assert (qos.prefetch_count, qos.prefetch_size) == (1, 0)
    acks = [method for name, method in peer.seen if name == "Basic.Ack"]
    assert [(ack.delivery_tag, ack.multiple) for ack in acks] == [(1, False), (2, False)]
    assert len(peer.waiting) == 1


def test_capabilities_are_announced(bench):
    peer = bench.peer(b"one")
    assert run(bench, peer)[1].status == 0
    start = next(method for name, method in peer.seen if name == "Connection.StartOk")
    announced = start.client_properties["capabilities"]
    for name in "consumer_cancel_notify", "connection.blocked", "basic.nack", "authentication_failure_close":
        assert announced.get(name) is True, announced


def refuse(session, channel, method):
    """The close comes at once, most likely before the client's own."""
    session.send(channel, CLOSED)


def refuse_crossing(session, channel, method):
    """The refusal crosses the client's own close, which the server answers as if nothing had happened."""
    session.peer.on(Channel.Close, lambda session, channel, method: session.send(channel, CLOSED, Channel.CloseOk()))


def refuse_connection(session, channel, method):
    session.send(0, Connection.Close(320, "CONNECTION_FORCED - broker forced connection closure", 0, 0))


def drop(session, channel, method):
    session.drop()


def reset(session, channel, method):
    session.drop(reset=True)


def nonsense(session, channel, method):
    session.raw(b"\x07nonsense" * 20)
    session.drop()


@pytest.mark.parametrize(
    "answer, statuses",
    [
        (refuse, {75, 76}),
        (refuse_crossing, {75, 76}),
        (refuse_connection, {75}),
        (drop, {75}),
        (reset, {75}),
        (nonsense, {75}),
    ],
)
def test_ack_that_meets_a_refusal(bench, answer, statuses):
    peer = bench.peer(b"apple")
    peer.on(Basic.Ack, answer)
    worker, result = run(bench, peer, "--connect-timeout", "3s")
    assert worker.runs == 1
    assert result.status in statuses, result
    assert any(line.startswith("amqp-job: ") for line in result.lines), result


def test_consumer_cancelled_before_the_ack(bench):
    """A newer broker's consumer timeout is in transit while the worker exits 0. The late ack is ignored, and channel
    and connection are closed as if nothing had happened."""
    peer = bench.peer(b"apple")
    peer.on(Basic.Cancel, lambda session, channel, method: session.send(
        channel, Basic.Cancel(method.consumer_tag, True), Basic.CancelOk(method.consumer_tag)))
    worker, result = run(bench, peer)
    assert worker.runs == 1
    assert result.status == 76, result


@pytest.mark.parametrize("answer", [drop, reset, nonsense])
@pytest.mark.parametrize("moment", [Channel.Close, Connection.Close])
def test_connection_lost_before_the_clean_close(bench, moment, answer):
    """The item is done, but it may run again. Before the connection's close, the answer to the channel's close may
    already have come."""
    peer = bench.peer(b"apple")
    peer.on(moment, answer)
    worker, result = run(bench, peer, "--connect-timeout", "3s")
    assert worker.runs == 1
    assert result.status == 75 or result.status == 0 and moment is Connection.Close, result


def test_connection_lost_before_its_clean_close(bench):
    """RabbitMQ answers the close of the connection only. Without that answer it is unknown whether the ack arrived."""
    peer = bench.peer(b"apple")
    peer.on(Channel.Close, lambda session, channel, method: None)
    peer.on(Connection.Close, drop)
    worker, result = run(bench, peer, "--connect-timeout", "3s")
    assert worker.runs == 1
    assert result.status == 75, result


def test_term_while_settling(bench):
    """The answer to the close is late. The settlement is still finished. RabbitMQ answers only the close of the
    connection."""
    peer = bench.peer(b"apple")
    pending = []
    peer.on(Channel.Close, lambda session, channel, method: None)
    peer.on(Connection.Close, lambda session, channel, method: pending.append(session))
    runner = bench.start("-q", "queue", url=peer.url, worker=["true"])
    peer.wait_for(Connection.Close)
    runner.send(signal.SIGTERM)
    holds_for(runner.runs, 0.5, "the settlement")
    pending[0].send(0, Connection.CloseOk())
    assert runner.finish(PROMPT).status == 0


def test_term_while_settling_is_not_finished(bench):
    """The runner waits five seconds at most."""
    peer = bench.peer(b"apple")
    peer.on(Channel.Close, lambda session, channel, method: None)
    peer.on(Connection.Close, lambda session, channel, method: None)
    runner = bench.start("-q", "queue", url=peer.url, worker=["true"])
    peer.wait_for(Connection.Close)
    runner.send(signal.SIGTERM)
    result = runner.finish(5 + PROMPT)
    assert result.status == 75, result


def test_settling_that_is_never_answered(bench):
    """The runner ends without a signal, too."""
    peer = bench.peer(b"apple", heartbeat=2)
    peer.on(Channel.Close, lambda session, channel, method: session.freeze())
    _, result = run(bench, peer, "--heartbeat", "2s", timeout=60)
    assert result.status == 75, result


# While the worker runs


@pytest.mark.parametrize("ignore", [(), ("ignore:TERM",)], ids=["willing", "ignoring TERM"])
def test_peer_that_goes_silent_while_the_worker_runs(bench, ignore):
    peer = bench.peer(b"apple", heartbeat=1)
    worker = bench.worker(*ignore, "hold")
    runner = bench.start("-q", "queue", "--heartbeat", "1s", "--grace", "1s", url=peer.url, worker=worker)
    worker.wait_for("holding")
    peer.sessions[0].freeze()
    result = runner.finish(2 + 1 + PROMPT)
    assert result.status == 75, result
    assert any(line.startswith("amqp-job: ") for line in result.lines), result
    bench.assert_nothing_left()


def test_peer_that_goes_silent_after_the_consume(bench):
    peer = bench.peer(heartbeat=1)
    runner = bench.start("-q", "queue", "--heartbeat", "1s", "--connect-timeout", "2s", url=peer.url, worker=["true"])
    peer.wait_for(Basic.Consume)
    peer.refuse_connections()
    peer.sessions[0].freeze()
    result = runner.finish(60)
    assert result.status == 69, result
    assert "127.0.0.1" in result.lines[-1], result


def test_heartbeats_while_the_worker_runs_and_reads_nothing(bench):
    peer = bench.peer(bytes(3_000_000), heartbeat=1)
    worker = bench.worker("hold")
    runner = bench.start("-q", "queue", "--heartbeat", "1s", url=peer.url, worker=worker)
    worker.wait_for("holding")
    peer.wait_for_heartbeats(peer.heartbeats + 4)
    worker.go()
    assert runner.finish().status == 0


def test_the_brokers_heartbeat_counts_where_it_is_shorter(bench):
    peer = bench.peer(b"apple", heartbeat=1)
    worker = bench.worker("hold")
    runner = bench.start("-q", "queue", "--heartbeat", "10m", url=peer.url, worker=worker)
    worker.wait_for("holding")
    peer.wait_for_heartbeats(3)
    worker.go()
    assert runner.finish().status == 0


def cancel(session):
    channel, consumer = session.consumer
    session.send(channel, Basic.Cancel(consumer, True))


def close_channel(session):
    session.send(session.consumer[0], Channel.Close(406, "PRECONDITION_FAILED - delivery timeout", 0, 0))


LOSSES = {
    "dropped": (lambda session: session.drop(), 75),
    "reset": (lambda session: session.drop(reset=True), 75),
    "nonsense": (lambda session: session.raw(b"\xff" * 100), 75),
    "connection closed": (lambda session: session.send(0, Connection.Close(320, "CONNECTION_FORCED", 0, 0)), 75),
    "channel closed": (close_channel, 76),
    "cancelled": (cancel, 76),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_item_lost_while_the_worker_runs(bench, loss):
    """The worker is stopped. Even if it exits 0 on TERM, nothing is acked any more."""
    act, status = LOSSES[loss]
    peer = bench.peer(b"apple")
    worker = bench.worker("trap:TERM:0", "hold")
    runner = bench.start("-q", "queue", "--connect-timeout", "3s", url=peer.url, worker=worker)
    worker.wait_for("holding")
    act(peer.sessions[0])
    result = runner.finish()
    assert result.status == status, result
    assert worker.events("signal"), "the worker was not told"
    peer.wait_until_read()
    assert peer.count(Basic.Ack) == 0
    assert any(line.startswith("amqp-job: ") for line in result.lines), result
