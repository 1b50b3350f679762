"""What commands say while they wait, and when they say it."""

import signal

import pytest

from support.processes import PROMPT, holds_for, wait_until
from support.sockets import refusing_port, silent_port

pytestmark = pytest.mark.any_broker

COMMANDS = {
    "run": ["-q", "any", "--", "true"],
    "publish": ["-q", "any", "apple"],
    "declare": ["any"],
    "status": ["any"],
    "status --watch": ["any", "--watch"],
    "status --drained": ["any", "--drained"],
    "dead": ["list", "any"],
    "manifest": ["job", "-q", "any", "--image", "i", "--secret", "s", "--", "true"],
}


def start(bench, name, url, **options):
    return bench.start(*COMMANDS[name], command=name.split()[0], url=url, **options)


def end(*runners):
    for runner in runners:
        assert runner.runs(), runner.stderr
        runner.send(signal.SIGKILL)
        runner.finish()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_first_failed_attempt_is_a_line_at_once(bench, name):
    port = refusing_port(bench)
    runner = start(bench, name, f"amqp://guest:guest@127.0.0.1:{port}")
    wait_until(lambda: runner.stderr, PROMPT, "a line")
    assert runner.stderr == f"amqp-job: cannot reach the broker at 127.0.0.1:{port}: Connection refused; trying for 60s\n"
    holds_for(lambda: runner.stderr.count("\n") == 1 and runner.runs(), 0.5, "the only line")
    end(runner)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_silent_broker_is_reported_at_a_terminal(bench, terminal, name):
    address = f"127.0.0.1:{silent_port(bench)}"
    runner = start(bench, name, f"amqp://guest:guest@{address}", stderr=terminal.theirs)
    line = f"amqp-job: waiting for an answer from the broker at {address}".encode()
    wait_until(lambda: line in terminal.shown, 1 + PROMPT, "the line")
    end(runner)


def test_an_empty_queue_is_reported_at_a_terminal(bench, queue, terminal):
    runner = bench.start("-q", queue.name, worker=["true"], stderr=terminal.theirs)
    wait_until(lambda: b"waiting for an item in queue" in terminal.shown, 1 + PROMPT, "the line")
    end(runner)


def test_other_consumers_are_reported_at_a_terminal(bench, queue, terminal):
    other = bench.start("-q", queue.name, worker=["true"])
    queue.wait_for_consumer()
    runner = bench.start("-q", queue.name, "--drain", worker=["true"], stderr=terminal.theirs)
    wait_until(lambda: b"waiting for the other consumers" in terminal.shown, 5 + PROMPT, "the line")
    end(runner, other)


def test_an_empty_queue_is_not_reported_in_a_file_at_once(bench, queue):
    runner = bench.start("-q", queue.name, worker=["true"])
    queue.wait_for_consumer()
    holds_for(lambda: not runner.stderr, 1.5, "the silence")
    end(runner)
