"""run --step: limits, signals, and steps and runners that end early."""

import os
import signal

import pytest

from support.processes import PROMPT, holds_for, is_alive, wait_until

pytestmark = pytest.mark.any_broker

ONCE = ("--max-attempts", "1")


def shell(text):
    return ["sh", "-c", text]


# Limits


def test_the_timeout_is_the_item_s_whole_time(bench, steps, queue):
    queue.put(b"a")
    steps.start("detect", shell("sleep 2"))
    worker = bench.worker("hold")
    steps.start("blur", worker)
    result = bench.run("-q", queue.name, *ONCE, "--timeout", "3s", *steps.options("detect", "blur"))
    result.assert_error(124, "step 'blur' ran for longer than 3s", "dead-lettered")
    assert worker.runs == 1 and 3 <= result.seconds < 3 + PROMPT
    assert queue.dead.take()[1].headers["x-amqp-job-step"] == "blur"


def test_the_grace_and_a_kill_reach_the_step_s_worker(bench, steps, queue):
    queue.put(b"a")
    worker = bench.worker("trap:TERM", "hold")
    step = steps.start("blur", worker)
    result = bench.run("-q", queue.name, "--timeout", "1s", "--grace", "1s", *steps.options("blur"))
    result.assert_error(124, "step 'blur'")
    assert worker.has("signal") and not is_alive(worker.start["pid"])
    assert step.finish().status == 0


# Signals to the runner


def test_term_goes_to_the_step_s_worker_and_does_not_count(bench, steps, queue):
    queue.put(b"a")
    worker = bench.worker("hold")
    step = steps.start("blur", worker)
    runner = bench.start("-q", queue.name, *steps.options("blur"), worker=["cat"])
    worker.wait_for("holding")
    runner.send(signal.SIGTERM)
    assert runner.finish().status == 128 + signal.SIGTERM
    assert step.finish().status == 0
    assert bench.run("-q", queue.name, worker=shell("echo $WORK_ITEM_ATTEMPT")).stdout == b"1\n"


def test_a_step_that_finishes_on_term_is_followed_by_no_other(bench, steps, queue):
    queue.put(b"a")
    first, second = bench.worker("trap:TERM:0", "hold"), bench.worker()
    steps.start("detect", first)
    steps.start("blur", second)
    runner = bench.start("-q", queue.name, *steps.options("detect", "blur"))
    first.wait_for("holding")
    runner.send(signal.SIGTERM)
    assert runner.finish().status == 128 + signal.SIGTERM
    assert not second.has("start")
    queue.assert_back()


def test_the_last_step_that_finishes_on_term_is_acked(bench, steps, queue):
    queue.put(b"a")
    worker = bench.worker("trap:TERM:0", "hold")
    steps.start("blur", worker)
    runner = bench.start("-q", queue.name, *steps.options("blur"))
    worker.wait_for("holding")
    runner.send(signal.SIGTERM)
    assert runner.finish().status == 0
    queue.assert_empty()


def test_an_item_may_finish_in_steps_that_got_term_too(bench, steps, queue):
    """A pod's containers get TERM at the same moment."""
    queue.put(b"a")
    first, second = bench.worker("hold"), bench.worker()
    ended = [steps.start("detect", first), steps.start("blur", second)]
    runner = bench.start("-q", queue.name, "--forever", *steps.options("detect", "blur"))
    first.wait_for("holding")
    for each in runner, *ended:
        each.send(signal.SIGTERM)
    for each in ended:
        wait_until(lambda each=each: "waiting for the runner to end" in each.stderr, what="a step that waits")
    wait_until(lambda: "waiting for the workers" in runner.stderr, what="a runner that waits")
    first.go()
    assert runner.finish().status == 0
    assert second.runs == 1
    assert [each.finish().status for each in ended] == [0, 0]
    queue.assert_empty()


def test_a_runner_that_waits_for_a_step_ends_by_a_signal(bench, steps, queue):
    queue.put(b"a")
    runner = bench.start("-q", queue.name, *steps.options("blur"))
    wait_until(lambda: "step 'blur' does not answer" in runner.stderr, what="a line about the step")
    runner.send(signal.SIGTERM)
    result = runner.finish(PROMPT)
    assert result.status == 128 + signal.SIGTERM, result
    queue.assert_untouched()


# Signals to a step


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_a_step_without_a_runner_ends_with_0(bench, steps, number):
    step = steps.start("blur", ["cat"])
    step.send(number)
    result = step.finish(PROMPT)
    assert (result.status, result.stderr) == (0, "")
    assert os.listdir(steps.directory) == []


def test_a_second_signal_ends_a_step_and_costs_the_item_its_attempt(bench, steps, queue):
    queue.put(b"a")
    worker = bench.worker("trap:TERM", "hold")
    step = steps.start("blur", worker, "--grace", "1s")
    runner = bench.start("-q", queue.name, *ONCE, *steps.options("blur"))
    worker.wait_for("holding")
    step.send(signal.SIGTERM)
    wait_until(lambda: "waiting for the runner to end" in step.stderr, what="a step that waits")
    step.send(signal.SIGTERM)
    worker.wait_for("signal")
    assert step.finish().status == 0
    runner.finish().assert_error(137, "step 'blur' was killed by KILL")


# Steps that are not there


def test_nothing_is_taken_before_every_step_answers(bench, steps, queue):
    queue.put(b"a")
    detect = bench.worker()
    steps.start("detect", detect)
    runner = bench.start("-q", queue.name, *steps.options("detect", "blur"))
    wait_until(lambda: runner.stderr, what="a line about the step")
    (line,) = runner.stderr.splitlines()
    assert "step 'blur' does not answer" in line and str(steps.socket("blur")) in line, line
    assert queue.consumers() == 0 and not detect.has("start")
    steps.start("blur", ["cat"])
    assert runner.finish().status == 0
    assert detect.runs == 1


def test_steps_that_never_answer(bench, steps, queue):
    queue.put(b"a")
    result = bench.run("-q", queue.name, "--connect-timeout", "1500ms", *steps.options("blur"), worker=["cat"])
    assert result.status == 69, result
    assert "not all steps answer" in result.lines[-1] and "--connect-timeout" in result.lines[-1]
    assert f"step 'blur' at {steps.socket('blur')} does not" in result.lines[-1]
    queue.assert_untouched()


def test_a_step_that_ended_with_a_runner_that_could_not_work_is_explained(bench, steps, queue):
    step = steps.start("blur", ["cat"])
    assert bench.run("-q", f"{queue.name}-missing", *steps.options("blur")).status == 66
    assert step.finish().status == 0
    runner = bench.start("-q", queue.name, *steps.options("blur"))
    wait_until(lambda: runner.stderr, what="a line about the step")
    assert "ended with its last runner" in runner.stderr, runner.stderr
    queue.put(b"a")
    steps.start("blur", ["cat"])
    assert runner.finish().status == 0


def test_a_directory_without_steps_is_a_mistake(bench, steps):
    bench.run("-q", "q", *steps.options(), worker=["cat"]).assert_error(64, "--step-dir goes with --step")


def test_words_that_name_no_step_are_explained(bench, steps, queue):
    for word in "peel,cut", "peel cut":
        bench.run("-q", queue.name, *steps.options(word)).assert_error(64, "names one step", "--step cut --step peel")
    result = bench.run("-q", queue.name, "--connect-timeout", "1500ms", "--step", "s/peel")
    assert result.status == 69 and "did you mean s/peel.sock?" in result.lines[0], result


def test_a_step_that_is_lost_is_a_failed_attempt(bench, steps, queue):
    queue.put(b"a", message_id="7")
    worker = bench.worker("hold")
    step = steps.start("blur", worker)
    runner = bench.start("-q", queue.name, *ONCE, *steps.options("blur"))
    worker.wait_for("holding")
    step.send(signal.SIGKILL)
    runner.finish().assert_error(1, "item 7", "step 'blur' was lost", "dead-lettered")
    wait_until(lambda: not is_alive(worker.start["pid"]), what="the end of the worker")
    headers = queue.dead.take()[1].headers
    assert (headers["x-amqp-job-reason"], headers["x-amqp-job-step"]) == ("step lost", "blur")


def test_a_step_that_returns_is_used_again(bench, steps, queue):
    queue.put(b"a")
    worker = bench.worker("hold")
    step = steps.start("blur", worker)
    runner = bench.start("-q", queue.name, "--retry-delay", "0", "-n", "2", *steps.options("blur"), worker=["cat"])
    worker.wait_for("holding")
    step.send(signal.SIGKILL)
    wait_until(lambda: "was lost" in runner.stderr, what="a line about the step")
    step.finish()
    holds_for(runner.runs, 0.5, "the runner, which waits for the step")
    steps.start("blur", shell('cat; echo " $WORK_ITEM_ATTEMPT"'))
    wait_until(lambda: runner.stdout == b"a 2\n", what="the item's end")
    # Two items were asked for, and one attempt failed.
    assert runner.finish().status == 1
    queue.assert_empty()


def test_a_step_that_does_not_return_costs_no_attempt(bench, steps, queue):
    queue.put(b"a")
    worker = bench.worker("hold")
    step = steps.start("detect", worker)
    blur = steps.start("blur", ["cat"])
    runner = bench.start("-q", queue.name, "--connect-timeout", "2s", *steps.options("detect", "blur"))
    worker.wait_for("holding")
    blur.send(signal.SIGKILL)
    blur.finish()
    worker.go()
    result = runner.finish()
    result.assert_error(69, "a step does not answer", "step 'blur'", "goes back as it was")
    assert step.finish().status == 0
    assert bench.run("-q", queue.name, worker=shell("echo $WORK_ITEM_ATTEMPT")).stdout == b"1\n"


# Runners that are lost


def test_a_runner_that_is_killed_takes_the_worker_in_the_step_with_it(bench, steps, queue):
    queue.put(b"a")
    worker = bench.worker("trap:TERM", "hold")
    step = steps.start("blur", worker)
    runner = bench.start("-q", queue.name, *steps.options("blur"))
    worker.wait_for("holding")
    runner.send(signal.SIGKILL)
    wait_until(lambda: not is_alive(worker.start["pid"]), what="the end of the worker")
    assert step.runs()
    queue.assert_back()
    # The step is there for the next runner.
    worker.go()
    assert bench.run("-q", queue.name, *steps.options("blur")).status == 0
    assert worker.runs == 2 and step.finish().status == 0


def test_a_lost_connection_stops_the_worker_in_the_step(bench, steps, queue):
    queue.put(b"a")
    worker = bench.worker("hold")
    steps.start("blur", worker)
    proxy = bench.proxy()
    runner = bench.start("-q", queue.name, *steps.options("blur"), url=proxy.url)
    worker.wait_for("holding")
    proxy.cut()
    result = runner.finish()
    assert result.status == 75, result
    assert not is_alive(worker.start["pid"])
    queue.assert_back()
