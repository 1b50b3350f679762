"""Peers that let everyone in, and lose every connection: no storm of connections, and an end at last."""

import signal
import subprocess

import pytest

from support.peer import Basic, Confirm, Queue
from support.processes import PROMPT

pytestmark = pytest.mark.any_broker

# With pauses of 250, 500, 1000 and 2000 ms, a first one without, and one when the time is over.
MOST_CONNECTIONS = 8


def drop_after(method):
    """It answers as it should, and hangs up."""

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
        *arguments, "--connect-timeout", "4s", url=peer.url, command=command, worker=worker, timeout=4 + 3 * PROMPT
    )
    assert result.status == 69, result
    assert 3.5 < result.seconds
    assert len(peer.sessions) <= MOST_CONNECTIONS


def test_publishing_what_comes_later(bench):
    """A connection that waits for something to publish is no proof either."""
    peer = bench.peer()
    drop_after(Confirm.Select)(peer)
    runner = bench.start(
        "-q", "queue", "--lines", "--connect-timeout", "4s", url=peer.url, command="publish", stdin=subprocess.PIPE
    )
    try:
        assert runner.finish(4 + 3 * PROMPT).status == 69
    finally:
        runner.process.stdin.close()
    assert len(peer.sessions) <= MOST_CONNECTIONS


def test_who_has_served_for_ever_waits_on(bench):
    peer = bench.peer()
    drop_after(Basic.Consume)(peer)
    runner = bench.start("-q", "queue", "--forever", "--connect-timeout", "1s", url=peer.url, worker=["true"])
    peer.wait_for_connection(4, timeout=20)
    assert runner.runs()
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 0
