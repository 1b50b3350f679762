"""Signals to the runner: its own reaction, and what reaches the worker."""

import os
import signal
import time

import pytest

from support.processes import PROMPT, handles, holds_for, is_pending, wait_until

pytestmark = pytest.mark.any_broker

ENDING = ["TERM", "INT", "HUP", "QUIT"]


def number(name):
    return getattr(signal, "SIG" + name)


# While no item is held (test_connecting.py tests signals during a connect)


@pytest.mark.parametrize("name", ENDING)
def test_a_signal_ends_a_runner_that_waits(bench, name):
    queue = bench.queue()
    runner = bench.start("-q", queue.name, worker=["true"])
    queue.wait_for_consumer()
    runner.send(number(name))
    result = runner.finish(PROMPT)
    assert result.status == 128 + number(name), result
    queue.put(b"apple")
    queue.assert_untouched()


def test_a_signal_ends_a_runner_that_probes_the_queue(bench):
    queue = bench.queue()
    holder_worker = bench.worker("hold")
    queue.put(b"held")
    holder = bench.start("-q", queue.name, worker=holder_worker)
    holder_worker.wait_for("holding")
    runner = bench.start("-q", queue.name, "--when-empty", "exit", worker=["true"])
    runner.handles(signal.SIGTERM)
    queue.wait_for_consumer(2)
    holds_for(runner.runs, 1.5, "the second runner")
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 143
    holder_worker.go()
    assert holder.finish().status == 0


def test_a_signal_ends_a_runner_that_waits_for_the_queue(bench):
    queue = bench.name_queue()
    runner = bench.start("-q", queue.name, "--wait-first", "60s", worker=["true"])
    runner.handles(signal.SIGTERM)
    holds_for(runner.runs, 0.5, "the runner")
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 143


@pytest.mark.parametrize("name", ["USR1", "USR2", "WINCH", "CONT", "PIPE", "CHLD"])
def test_other_signals_do_not_harm_a_runner_that_waits(bench, name):
    queue = bench.queue()
    runner = bench.start("-q", queue.name, worker=["true"])
    queue.wait_for_consumer()
    runner.send(number(name))
    wait_until(lambda: not is_pending(runner.pid, number(name)), what="the signal to be taken")
    queue.put(b"apple")
    assert runner.finish().status == 0
    queue.assert_empty()


@pytest.mark.parametrize("options", [[], ["--drain", "-j", "2"]], ids=" ".join)
def test_ttin_reports_the_state_of_the_runner(bench, options):
    """Nothing else changes. The worker does not get this signal, and the runner goes on."""
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("trap:TTIN", "hold")
    runner = bench.start("-q", queue.name, *options, worker=worker)
    worker.wait_for("holding")
    runner.send(signal.SIGTTIN)
    wait_until(lambda: "state of the runner" in runner.stderr, what="the state")
    (line,) = [line for line in runner.stderr.splitlines() if "state of the runner" in line]
    for words in (f"queue '{queue.name}'", "serving", "working with consumer", "connection: open", "timers: "):
        assert words in line, line
    assert not worker.events("signal") and runner.runs()
    worker.go()
    assert runner.finish().status == 0
    queue.assert_empty()


# While the worker runs


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "WINCH", "CONT"])
def test_signals_reach_the_worker_and_its_group(bench, name):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker(f"child:inner:trap:{name}+hold", f"trap:{name}", "hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")
    inner = worker.child("inner")
    inner.wait_for("holding")
    runner.send(number(name))
    assert worker.wait_for("signal")["name"] == name
    assert inner.wait_for("signal")["name"] == name
    inner.go()
    inner.wait_for("went-on")
    worker.go()
    assert runner.finish().status == 0
    assert len(worker.events("signal")) == 1, "it came more than once"
    queue.assert_empty()


@pytest.mark.parametrize("name", ["TERM", "INT"])
def test_worker_that_dies_of_the_signal(bench, kind, name):
    queue = bench.queue(kind, b"apple")
    worker = bench.worker("trap:INT:5" if name == "INT" else "trap:TERM:5", "hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")
    runner.send(number(name))
    result = runner.finish(PROMPT)
    assert result.status == 128 + number(name), result
    queue.assert_back()


def test_worker_with_no_handler(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 143
    queue.assert_back()


def test_worker_that_finishes_its_item(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("trap:TERM", "wait-for:TERM", "sleep:0.5")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")
    runner.send(signal.SIGTERM)
    assert runner.finish().status == 0
    queue.assert_empty()


def test_worker_that_ignores_term(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("ignore:TERM", "hold")
    runner = bench.start("-q", queue.name, "--grace", "500ms", worker=worker)
    worker.wait_for("holding")
    runner.send(signal.SIGTERM)
    result = runner.finish()
    assert result.status == 143, result
    bench.assert_nothing_left()
    queue.assert_back()


def test_second_term_kills_at_once(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("trap:TERM", "hold")
    runner = bench.start("-q", queue.name, "--grace", "1h", worker=worker)
    worker.wait_for("holding")
    runner.send(signal.SIGTERM)
    worker.wait_for("signal")
    holds_for(runner.runs, 1.3, "the runner")  # Within a second, another TERM counts as an echo of the first.
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 143
    bench.assert_nothing_left()
    queue.assert_back()


def test_two_terms_at_once_count_as_one(bench):
    """Both the container's runtime and a shell may pass the signal on."""
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("trap:TERM", "hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")
    runner.send(signal.SIGTERM)
    wait_until(lambda: not is_pending(runner.pid, signal.SIGTERM), what="the runner's reaction")
    runner.send(signal.SIGTERM)
    worker.wait_for("signal")
    holds_for(runner.runs, 0.3, "the runner")
    worker.go()
    assert runner.finish().status == 0
    queue.assert_empty()


def test_more_than_one_item_asked_for(bench):
    """The item in hand may be finished and the next one is not begun. The runner has not done what it was asked to do."""
    queue = bench.queue("quorum", b"one", b"two")
    worker = bench.worker("trap:TERM:0", "hold")
    runner = bench.start("-q", queue.name, "-n", "2", worker=worker)
    worker.wait_for("holding")
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 143
    assert worker.runs == 1
    queue.assert_untouched(1)


def test_last_of_several_items(bench):
    """All items were done, the last one after the signal."""
    queue = bench.queue("quorum", b"one", b"two")
    first = bench.path("first")
    worker = bench.worker("trap:TERM:0", "hold")
    script = bench.script(f'if mkdir {first} 2>/dev/null; then exit 0; fi; exec {" ".join(worker.command)}')
    runner = bench.start("-q", queue.name, "-n", "2", worker=script)
    worker.wait_for("holding")
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 0
    queue.assert_empty()


def test_term_to_a_stopped_worker(bench):
    """A stopped process does not react to TERM. It has to be killed in the end, without waiting for it."""
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, "--grace", "1s", worker=worker)
    pid = worker.wait_for("holding")["pid"]
    os.kill(pid, signal.SIGSTOP)
    runner.send(signal.SIGTERM)
    assert runner.finish().status == 143
    bench.assert_nothing_left()
    queue.assert_back()


def test_runner_stopped_and_continued(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")
    runner.send(signal.SIGSTOP)
    wait_until(lambda: stopped(runner.pid), what="the runner's stop")
    runner.send(signal.SIGCONT)
    worker.go()
    assert runner.finish().status == 0
    queue.assert_empty()


def stopped(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "T"


# Killed


@pytest.mark.parametrize("name", ["KILL", "STOP-KILL"])
def test_runner_killed_while_the_worker_runs(bench, kind, name):
    """The item is back. Neither the worker nor its child is left, although they ignore every signal that can be
    ignored."""
    queue = bench.queue(kind, b"apple")
    ignore = "ignore:TERM", "ignore:HUP", "ignore:INT"
    worker = bench.worker(*ignore, f"child:inner:{'+'.join(ignore)}+hold", "hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")
    worker.child("inner").wait_for("holding")
    if name == "STOP-KILL":
        runner.send(signal.SIGSTOP)
        wait_until(lambda: stopped(runner.pid), what="the runner's stop")
    runner.send(signal.SIGKILL)
    assert runner.finish().status == -signal.SIGKILL
    bench.assert_nothing_left()
    queue.assert_back()


def test_runner_killed_at_random_moments_loses_nothing(bench):
    """There are forty items, and the runner is killed over and over. All items are done in the end."""
    items = [b"%d" % n for n in range(40)]
    queue = bench.queue("classic", *items)
    log = bench.path("log")
    worker = bench.script(f'body=$(cat) && echo "$body" >>{log}')
    pause = 0.01
    for _ in range(25):
        runner = bench.start("-q", queue.name, "-n", "40", worker=worker)
        time.sleep(pause)  # The moment is arbitrary on purpose.
        pause = pause * 1.7 % 0.15
        runner.send(signal.SIGKILL)
        runner.finish()
    bench.assert_nothing_left()
    result = bench.run("-q", queue.name, "-n", "40", "--when-empty", "exit", worker=worker, timeout=60)
    assert result.status == 0, result
    assert set(log.read_text().split()) == {item.decode() for item in items}
    queue.assert_empty()


def test_term_at_random_moments_tells_the_truth(bench):
    """Whenever the signal comes, exit status 0 means that the item is gone. Any other status means that it is still
    there."""
    count = 40
    queue = bench.queue("quorum", *[b"%d" % n for n in range(count)])
    statuses, pause = [], 0.002
    for _ in range(count):
        runner = bench.start("-q", queue.name, worker=["sh", "-c", "cat >/dev/null; exit 0"])
        wait_until(lambda: handles(runner.pid, signal.SIGTERM) or not runner.runs(), what="the runner's start")
        time.sleep(pause)  # The moment is arbitrary on purpose.
        pause = pause * 1.6 % 0.02
        runner.send(signal.SIGTERM)
        statuses.append(runner.finish(PROMPT).status)
    assert set(statuses) <= {0, 143}, statuses
    queue.assert_back(count - statuses.count(0))
