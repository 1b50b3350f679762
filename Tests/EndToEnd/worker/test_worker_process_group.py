"""A worker that leaves its process group still gets every signal, and gets it once."""

import os
import signal

import pytest

from support.processes import PROMPT, holds_for, is_alive, wait_until

pytestmark = pytest.mark.any_broker

GROUPS = pytest.mark.parametrize("steps", [(), ("leave-group",)], ids=["in its group", "gone"])


def left(worker, steps):
    if steps:
        start = worker.start
        assert worker.wait_for("left-group")["group"] != start["group"] == start["pid"]


@GROUPS
def test_timeout(bench, steps):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("trap:TERM", *steps, "wait-for:TERM")
    result = bench.run("-q", queue.name, "--timeout", "1s", worker=worker)
    left(worker, steps)
    assert result.status == 124, result
    assert [event["name"] for event in worker.events("signal")] == ["TERM"]
    queue.assert_back()


@GROUPS
def test_kill_after_the_timeout(bench, steps):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("ignore:TERM", *steps, "hold")
    result = bench.run("-q", queue.name, "--timeout", "1s", "--grace", "300ms", worker=worker)
    left(worker, steps)
    assert result.status == 124, result
    assert not bench.others()
    queue.assert_back()


@GROUPS
@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT", "USR1", "WINCH", "CONT"])
def test_signals_are_passed_on_once(bench, steps, name):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker(*steps, f"trap:{name}", "trap:USR2", "wait-for:USR2")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")
    left(worker, steps)
    runner.send(getattr(signal, "SIG" + name))
    worker.wait_for("signal")
    runner.send(signal.SIGUSR2)
    assert runner.finish().status == 0
    assert [event["name"] for event in worker.events("signal")] == [name, "USR2"]
    queue.assert_empty()


@GROUPS
def test_second_term_kills(bench, steps):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("trap:TERM", *steps, "hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")
    left(worker, steps)
    runner.send(signal.SIGTERM)
    worker.wait_for("signal")
    holds_for(runner.runs, 1.1, "the runner's patience")  # Two signals within a second would count as one.
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 143
    assert not bench.others()
    queue.assert_back()


def test_what_it_leaves_behind_in_its_group(bench):
    """Signals reach the processes that stayed, and at the worker's end these are ended."""
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("child:inner:trap:USR1+hold", "leave-group", "trap:USR1", "hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.child("inner").wait_for("holding")
    worker.wait_for("holding")
    left(worker, ("leave-group",))
    runner.send(signal.SIGUSR1)
    assert worker.child("inner").wait_for("signal")["name"] == "USR1"
    worker.wait_for("signal")
    worker.go()
    assert runner.finish().status == 0
    assert worker.child("inner").runs == 1
    assert not bench.others()
    queue.assert_empty()


@pytest.mark.parametrize("steps", [
    ("leave-group",), ("outlive-parent",), ("leave-group", "outlive-parent"), ("ignore:TERM", "leave-group", "outlive-parent"),
], ids="+".join)
def test_end_of_the_runner(bench, steps):
    """Even SIGKILL ends the worker. A process that becomes another user loses its parent-death signal."""
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker(*steps, "hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")
    runner.send(signal.SIGKILL)
    assert runner.finish().status == -signal.SIGKILL
    wait_until(lambda: not is_alive(worker.start["pid"]), PROMPT, "the worker's end")
    bench.assert_nothing_left()
    queue.assert_back()


def test_end_of_the_runner_after_another_guardian(bench):
    """The first guardian was killed. The next one also knows the workers that run."""
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("leave-group", "outlive-parent", "hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")

    def guardian():
        (pid,) = [pid for pid in bench.others() if pid != worker.start["pid"]] or [None]
        return pid

    first = wait_until(guardian, what="a guardian")
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: guardian() not in (None, first), what="another guardian")
    runner.send(signal.SIGKILL)
    runner.finish()
    bench.assert_nothing_left()
    queue.assert_back()


def test_a_guardian_that_does_not_listen_stops_nothing(bench):
    queue = bench.queue("classic", *[b"apple"] * 600)
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, "-n", "600", worker=["sh", "-c", f"[ -e {worker.log}.go ] || {' '.join(worker.command)}"])
    worker.wait_for("holding")
    (guardian,) = [pid for pid in bench.others() if open(f"/proc/{pid}/comm").read() == "job-guardian\n"]
    os.kill(guardian, signal.SIGSTOP)
    worker.go()
    wait_until(lambda: queue.depth() == 0, 40, "the end of the items")
    os.kill(guardian, signal.SIGCONT)
    assert runner.finish().status == 0
    queue.assert_empty()
