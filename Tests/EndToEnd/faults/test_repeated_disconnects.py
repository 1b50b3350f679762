"""Peers that accept every login and drop every connection. The runner makes no storm of connections, and gives up in
time."""

import signal
import subprocess

import pytest

from support.peer import Basic, Confirm, Queue
from support.processes import PROMPT

pytestmark = pytest.mark.any_broker

# The pauses are 250, 500, 1000 and 2000 ms. One attempt comes before the first pause, and one when the time is over.
MOST_CONNECTIONS = 8


def drop_after(method):
    """Answers correctly, and then drops the connection."""

    def answer(session, channel, received):
        session.answer(channel, received)
        session.drop()

    return lambda peer: peer.on(method, answer)


COMMANDS = {
    "consume-ok": (drop_after(Basic.Consume), "run", ["-q", "queue"], ["true"]),
    "declare-ok": (drop_after(Queue.Declare), "run", ["-q", "queue"], ["true"]),
    "publish": (drop_after(Confirm.Select), "publish", ["-q", "queue", "a"], None),
    "watch": (drop_after(Queue.Declare), "status", ["queue", "--watch", "--interval", "100ms"], None),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_connections_that_are_lost_at_once(bench, name):
    prepare, command, arguments, worker = COMMANDS[name]
    peer = bench.peer()
    prepare(peer)
    result = bench.run(
        *arguments, "--connect-timeout", "4s", url=peer.url, command=command, worker=worker, timeout=4 + PROMPT
    )
    assert result.status == 69, result
    assert 3.5 < result.seconds
    assert len(peer.sessions) <= MOST_CONNECTIONS


def test_a_publisher_that_waits_for_input_gives_up(bench):
    """A connection that waits for something to publish is no proof either."""
    peer = bench.peer()
    drop_after(Confirm.Select)(peer)
    runner = bench.start(
        "-q", "queue", "--lines", "--connect-timeout", "4s", url=peer.url, command="publish", stdin=subprocess.PIPE
    )
    try:
        assert runner.finish(4 + PROMPT).status == 69
    finally:
        runner.process.stdin.close()
    assert len(peer.sessions) <= MOST_CONNECTIONS


def test_a_runner_that_has_served_for_ever_keeps_waiting(bench):
    peer = bench.peer()
    drop_after(Basic.Consume)(peer)
    runner = bench.start("-q", "queue", "--forever", "--connect-timeout", "1s", url=peer.url, worker=["true"])
    peer.wait_for_connection(4)
    assert runner.runs()
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 0
