"""amqp-job status --joblog: what arrives, what is done, and how many runners that needs."""

import json
import signal

import pytest

from support.processes import PROMPT, wait_until


def looks(runner):
    """The output of a watch so far."""
    return [json.loads(line) for line in runner.stdout.splitlines(keepends=True) if line.endswith(b"\n")]


def status(bench, queue, log, *arguments):
    return bench.start(queue.name, "--joblog", str(log), *arguments, command="status")


def test_the_runners_job_log_says_what_is_done(bench):
    queue, log = bench.queue("quorum"), bench.file("log", "")
    watch, text = (status(bench, queue, log, "--watch", "--interval", "100ms", *more) for more in (["--json"], []))
    wait_until(lambda: looks(watch) and text.stdout, what="a first look")
    queue.put(*[b"0"] * 4, b"1")
    result = bench.run("-q", queue.name, "-n", "5", "--joblog", str(log), worker=["sh", "-c", 'sleep 0.2; exit "$(cat)"'])
    assert result.status == 1
    wait_until(lambda: looks(watch)[-1]["completions"], what="what was done")
    last = looks(watch)[-1]
    assert last["arrivals"] == pytest.approx(max(0, last["completions"] + last["net_change"]), abs=0.01)
    assert last["service_time"] >= 0.2 and last["advice"] >= 1
    wait_until(lambda: b"each, advice: " in text.stdout, what="the same in words")
    for each in (watch, text):
        each.send(signal.SIGTERM)
        assert each.finish(PROMPT).status == 143


@pytest.mark.any_broker
def test_two_looks(bench):
    queue = bench.queue("quorum", *[b"x"] * 30)
    log = bench.file("log", "1\th\t1700000000.000\t    20.000\t1\t0\t0\t0\tx\n")
    result = status(bench, queue, log, "--json", "--interval", "200ms", "-j", "2").finish()
    assert (result.status, result.stderr) == (0, ""), result
    (found,) = map(json.loads, result.stdout.splitlines())
    assert {name: found[name] for name in ("ready", "net_change", "arrivals", "completions")} == {
        "ready": 30, "net_change": 0, "arrivals": 0, "completions": 0}
    # That attempt was years ago.
    assert (found["service_time"], found["advice"]) == (None, None)


@pytest.mark.any_broker
@pytest.mark.parametrize("path", ["nothing/here", "."])
def test_a_job_log_that_cannot_be_read(bench, path):
    status(bench, bench.queue("quorum"), bench.path(path), "--watch").finish().assert_error(74, "job log", "--joblog")


@pytest.mark.any_broker
def test_a_job_log_that_is_not_there_yet(bench):
    log = bench.path("log")
    result = status(bench, bench.queue("quorum"), log, "--watch").finish()
    result.assert_error(74, "job log", f"a runner makes it ('amqp-job run --joblog {log}')")


@pytest.mark.any_broker
@pytest.mark.parametrize("text", ["a\tb\n", "Seq\tHost\nx", '{"a": 1}\n'])
def test_a_file_that_is_no_job_log(bench, text):
    log = bench.file("log", text)
    status(bench, bench.queue("quorum"), log, "--watch").finish().assert_error(74, f"{log} is not a job log")


@pytest.mark.any_broker
def test_a_job_log_is_that_of_one_queue(bench):
    result = bench.run("a", "b", "--watch", "--joblog", str(bench.file("log", "")), command="status")
    result.assert_error(64, "--joblog", "one queue")
