"""A step that is stopped (SIGSTOP) neither runs an item that its runner has given up, nor holds anything up."""

import os
import re
import resource
import signal

import pytest

from support.processes import holds_for, is_alive, read_proc, wait_until

pytestmark = pytest.mark.any_broker


@pytest.fixture
def worker(bench):
    return bench.worker("ignore:TERM", "hold")


@pytest.fixture
def step(steps, worker):
    """A step. It goes on at the end of the test, and ends."""
    step = steps.start("blur", worker)
    yield step
    step.send(signal.SIGCONT)
    step.send(signal.SIGTERM)


def assert_killed(worker, step):
    pid = worker.start["pid"]
    wait_until(lambda: not is_alive(pid), what="the end of the worker")
    assert re.search(rb"^State:\s+T", read_proc(step.pid, "status"), re.MULTILINE), "the step is not stopped"


def guardian(bench, step):
    """The step's guardian, or None."""
    parent = f"PPid:\t{step.pid}\n".encode()
    return next(
        (pid for pid in bench.others() if read_proc(pid, "comm") == b"job-guardian\n" and parent in read_proc(pid, "status")), None)


def test_the_time_of_an_item_goes_on_and_ends_its_worker(bench, steps, queue, step, worker):
    """The step cannot report the end of its worker, and counts as lost."""
    queue.put(b"a")
    options = ("--max-attempts", "1", "--timeout", "2s", "--grace", "0")
    runner = bench.start("-q", queue.name, *options, *steps.options("blur"))
    worker.wait_for("holding")
    step.send(signal.SIGSTOP)
    runner.finish().assert_error(124, "step 'blur' ran for longer than 2s")
    assert_killed(worker, step)
    step.send(signal.SIGCONT)
    assert step.finish().status == 0


def kill_runner_of_stopped(step, runner, worker):
    step.send(signal.SIGSTOP)
    runner.send(signal.SIGKILL)
    runner.finish()
    assert_killed(worker, step)


def test_a_runner_that_is_killed_takes_its_worker_with_it(bench, steps, queue, step, worker):
    queue.put(b"a")
    runner = bench.start("-q", queue.name, *steps.options("blur"))
    worker.wait_for("holding")
    kill_runner_of_stopped(step, runner, worker)
    step.send(signal.SIGCONT)
    assert bench.run("-q", queue.name, "--timeout", "1s", "--grace", "0", *steps.options("blur")).status == 124
    assert step.finish().status == 0 and worker.runs == 2


def test_another_runner_keeps_its_worker(bench, steps, queue, step, worker):
    queue.put(b"a", b"b")
    runners = [bench.start("-q", queue.name, *steps.options("blur")) for _ in range(2)]
    worker.wait_for("holding", count=2)
    step.send(signal.SIGSTOP)
    runners[0].send(signal.SIGKILL)
    runners[0].finish()
    pids = [event["pid"] for event in worker.events("start")]
    wait_until(lambda: [is_alive(pid) for pid in pids].count(False) == 1, what="the end of one worker")
    holds_for(lambda: any(map(is_alive, pids)), 0.5, "the other worker")
    step.send(signal.SIGCONT)
    worker.go()
    assert runners[1].finish().status == 0
    assert step.finish().status == 0


def test_a_guardian_that_was_killed_has_a_successor_that_knows_the_runners(bench, steps, queue, step, worker):
    queue.put(b"a")
    runner = bench.start("-q", queue.name, *steps.options("blur"))
    worker.wait_for("holding")
    first = guardian(bench, step)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: guardian(bench, step) not in (None, first), what="another guardian")
    kill_runner_of_stopped(step, runner, worker)


def test_a_process_with_few_descriptors_has_a_guardian_all_the_same(bench, steps, queue):
    """poll(2) takes no more entries than the process may have descriptors, whether or not there are so many runners."""
    queue.put(b"a")
    worker = bench.worker("hold")
    step = steps.start("blur", worker, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)))
    runner = bench.start("-q", queue.name, *steps.options("blur"))
    worker.wait_for("holding")
    kill_runner_of_stopped(step, runner, worker)
    step.send(signal.SIGCONT)
    step.send(signal.SIGTERM)
    assert step.finish().status == 0


def test_an_item_that_was_given_up_unread_is_not_begun(steps, step, worker):
    """The step reads it when it goes on. Its runner has gone by then."""
    peer = steps.peer("blur")
    peer.greet()
    step.send(signal.SIGSTOP)
    peer.run()
    peer.socket.close()
    step.send(signal.SIGCONT)
    last = steps.peer("blur")
    last.greet()
    last.run()
    worker.wait_for("holding")
    assert worker.runs == 1
    last.send("E")
    assert step.finish().status == 0
