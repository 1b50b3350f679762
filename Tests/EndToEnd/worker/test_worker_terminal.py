"""A worker that uses the terminal (/dev/tty). The kernel stops a process that does so outside the foreground."""

import os
import pty

import pytest

from support.processes import PROMPT, read_proc, wait_until

pytestmark = pytest.mark.any_broker

READS = ["sh", "-c", 'read -r line </dev/tty && echo "got $line"']

# How the runner is started at the terminal $0: as the first process of its session, or as a job of a shell. The shell
# brings a suspended job back to the foreground, or leaves it in the background.
ALONE = 'exec 9<>"$0" && exec "$@"'
BY_A_SHELL = 'exec 9<>"$0" && set -m && { "$@"; status=$?; [ "$status" -lt 145 ] || { echo suspended; fg; status=$?; }; exit "$status"; }'
IN_THE_BACKGROUND = 'exec 9<>"$0" && set -m && { "$@" & wait "$!"; }'


class Terminal:
    def __init__(self):
        self.master, self.slave = pty.openpty()

    def start(self, bench, queue, *options, worker=READS, how=ALONE):
        prefix = ["sh", "-c", how, os.ttyname(self.slave)]
        return bench.start("-q", queue.name, *options, worker=worker, prefix=prefix)

    def type(self, text):
        os.write(self.master, text)

    @property
    def foreground(self):
        """The foreground process group."""
        return os.tcgetpgrp(self.master)

    def wait_for(self, *command):
        """The process of the foreground group that runs this command."""
        words = b"".join(word.encode() + b"\0" for word in command)
        wait_until(lambda: read_proc(self.foreground, "cmdline") == words, what=f"{command[0]} in the terminal's foreground")
        return self.foreground

    def wait_for_change(self, group):
        wait_until(lambda: self.foreground not in (0, group), what="a process group in the terminal's foreground")
        return self.foreground

    def close(self):
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal():
    made = Terminal()
    yield made
    made.close()


def test_a_worker_reads_from_the_terminal(bench, terminal):
    queue = bench.queue("quorum", b"apple", b"pear")
    runner = terminal.start(bench, queue, "-n", "2")
    terminal.type(b"hello\n")
    terminal.type(b"again\n")
    result = runner.finish()
    assert (result.status, result.stdout) == (0, b"got hello\ngot again\n"), result
    assert "stopped" not in result.stderr
    queue.assert_empty()


def test_a_worker_changes_its_settings(bench, terminal):
    queue = bench.queue("classic", b"apple")
    runner = terminal.start(bench, queue, worker=["sh", "-c", "stty -echo </dev/tty && stty -a </dev/tty"])
    result = runner.finish()
    assert result.status == 0 and b" -echo " in result.stdout, result


def test_an_interrupt_ends_the_runner_too(bench, terminal):
    queue = bench.queue("quorum", b"apple")
    runner = terminal.start(bench, queue, "-n", "5")
    terminal.wait_for_change(runner.pid)
    terminal.type(b"\x03")
    assert runner.finish(PROMPT).status == 130
    queue.assert_back()


def test_a_suspend_stops_the_runner_too(bench, terminal):
    queue = bench.queue("quorum", b"apple")
    runner = terminal.start(bench, queue, how=BY_A_SHELL)
    worker = terminal.wait_for(*READS)
    terminal.type(b"\x1a")
    wait_until(lambda: b"suspended" in runner.stdout, what="the shell's turn")
    wait_until(lambda: terminal.foreground == worker, what="the worker in the foreground again")
    terminal.type(b"hello\n")
    result = runner.finish()
    assert result.status == 0 and b"got hello" in result.stdout, result
    queue.assert_empty()


def test_only_one_worker_can_have_the_terminal(bench, terminal):
    queue = bench.queue("quorum", b"apple", b"pear")
    runner = terminal.start(bench, queue, "-n", "2", "-j", "2", "--timeout", "3s", "--grace", "1s")
    wait_until(lambda: runner.stderr.count("SIGTTIN") >= 2, what="a line for each of the workers")
    assert runner.finish().status == 1
    assert "-j 1" in runner.stderr


def test_a_runner_in_the_background_has_none_to_lend(bench, terminal):
    queue = bench.queue("quorum", b"apple")
    runner = terminal.start(bench, queue, "--timeout", "3s", "--grace", "1s", how=IN_THE_BACKGROUND)
    wait_until(lambda: "SIGTTIN" in runner.stderr, what="a line about it")
    assert runner.finish().status == 124
