"""Several parallel workers in one runner, and runners that go on."""

import signal

import pytest

from support.processes import PROMPT, holds_for, is_alive, wait_until

pytestmark = pytest.mark.any_broker


def held(bench, queue, *arguments, count, steps=("trap:TERM:0", "hold")):
    """A runner, as soon as `count` of its workers have started."""
    worker = bench.worker(*steps)
    runner = bench.start("-q", queue.name, *arguments, worker=worker)
    worker.wait_for("holding", count)
    return runner, worker


def test_workers_run_side_by_side_and_no_item_is_held_without_one(bench, kind):
    queue = bench.queue(kind, *[b"%d" % n for n in range(5)])
    runner, worker = held(bench, queue, "-n", "4", "-j", "2", count=2)
    holds_for(lambda: worker.runs == 2 and queue.depth() == 3, 0.5, "two workers, and three items that wait")
    worker.go()
    assert runner.finish().status == 0
    assert worker.runs == 4
    queue.assert_untouched(1)


def test_more_workers_than_items_are_wanted(bench, kind):
    queue = bench.queue(kind, b"one", b"two", b"three")
    worker = bench.worker()
    assert bench.run("-q", queue.name, "-n", "2", "-j", "8", worker=worker).status == 0
    assert worker.runs == 2
    queue.assert_untouched(1)


def test_many_items_are_each_done_once(bench, kind):
    queue = bench.queue(kind, *[b"%d" % n for n in range(100)])
    result = bench.run("-q", queue.name, "--drain", "-j", "4", worker=["sh", "-c", 'echo "$(cat)"'], timeout=60)
    assert result.status == 0, result
    assert sorted(result.stdout.split(), key=int) == [b"%d" % n for n in range(100)]
    queue.assert_empty()


def test_a_failure_ends_no_other_worker(bench):
    queue = bench.queue("quorum", b"bad", b"good", b"fine")
    log = bench.path("log")
    script = bench.script(f'body=$(cat); echo "$body" >>{log}; [ "$body" != bad ]')
    result = bench.run("-q", queue.name, "-n", "3", "-j", "3", worker=script)
    assert result.status == 1, result
    assert sorted(log.read_text().split()) == ["bad", "fine", "good"]
    queue.assert_back()


def test_term_reaches_every_worker(bench):
    queue = bench.queue("quorum", b"one", b"two", b"three")
    runner, worker = held(bench, queue, "--drain", "-j", "2", count=2, steps=("trap:TERM", "wait-for:TERM"))
    runner.send(signal.SIGTERM)
    assert runner.finish().status == 143
    assert len(worker.events("signal")) == 2
    queue.assert_untouched(1)


def test_forever_lets_its_workers_end(bench):
    queue = bench.queue("quorum", b"one", b"two", b"three")
    runner, worker = held(bench, queue, "--forever", "-j", "2", count=2)
    runner.send(signal.SIGTERM)
    holds_for(runner.runs, 0.5, "the runner")
    worker.go()
    result = runner.finish()
    assert result.status == 0, result
    assert not worker.has("signal") and worker.runs == 2
    queue.assert_untouched(1)


def test_forever_with_nothing_in_hand(bench):
    queue = bench.queue("quorum")
    runner = bench.start("-q", queue.name, "--forever", worker=["true"])
    queue.wait_for_consumer()
    runner.send(signal.SIGTERM)
    result = runner.finish(PROMPT)
    assert result.status == 0, result


def test_a_second_term_reaches_workers_that_might_have_ended(bench):
    queue = bench.queue("quorum", b"one")
    runner, worker = held(bench, queue, "--on-term", "finish", count=1, steps=("trap:TERM:3", "wait-for:TERM"))
    runner.send(signal.SIGTERM)
    holds_for(lambda: not worker.has("signal"), 1.2, "a worker that is left alone")
    runner.send(signal.SIGTERM)
    worker.wait_for("signal")
    assert runner.finish().status == 143
    queue.assert_back()


def test_all_workers_go_with_the_runner(bench):
    queue = bench.queue("quorum", b"one", b"two", b"three")
    runner, worker = held(bench, queue, "--forever", "-j", "3", count=3, steps=("ignore:TERM", "hold"))
    runner.send(signal.SIGKILL)
    runner.finish()
    for event in worker.events("start"):
        wait_until(lambda pid=event["pid"]: not is_alive(pid), what="the worker's end")
    queue.assert_back(3)


def test_a_poison_item_slows_the_runner_down(bench, kind):
    """The failed item comes back at once, and the good ones behind it are still done."""
    queue = bench.queue(kind, b"poison")
    log = bench.path("log")
    script = bench.script(f'echo run >>{log}; exit 1')
    runner = bench.start("-q", queue.name, "--forever", worker=script)
    wait_until(lambda: log.exists() and log.read_text().count("run") >= 4, what="four runs")
    holds_for(lambda: log.read_text().count("run") <= 6, 1.5, "the pause")
    runner.send(signal.SIGTERM)
    assert runner.finish().status == 0
    queue.assert_back()


def test_drain_has_its_time(bench):
    queue = bench.queue("quorum", b"poison")
    result = bench.run("-q", queue.name, "--drain", "--drain-timeout", "2s", worker=["false"])
    assert result.status == 75, result
    assert "--drain-timeout" in result.stderr


def test_a_time_to_drain_is_for_runners_that_drain(bench):
    bench.run("-q", "any", "--forever", "--drain-timeout", "1s", worker=["true"]).assert_error(64, "--drain")


@pytest.mark.parametrize("options", [("-n", "2", "--drain"), ("--drain", "--forever"), ("-n", "1", "--forever")])
def test_extents_exclude_each_other(bench, options):
    bench.run("-q", "any", *options, worker=["true"]).assert_error(64, "--drain", "--forever")


@pytest.mark.parametrize("value", ["0", "-1", "1001", "x"])
def test_bad_parallelism(bench, value):
    bench.run("-q", "any", "-j", value, worker=["true"]).assert_error(64, "parallelism")
