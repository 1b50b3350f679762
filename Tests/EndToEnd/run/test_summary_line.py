"""The last line of `run`, if more than one item was asked for."""

import json
import re
import signal

import pytest

from support.processes import wait_until

pytestmark = pytest.mark.any_broker

FAILS_ONCE = '[ "$(cat)" = good ] || [ "$WORK_ITEM_ATTEMPT" -gt 1 ]'


def place(bench, queue):
    host, port = bench.broker.address
    return f"queue '{queue.name}' at {host}:{port}"


def last(result):
    """The last line, with its times replaced."""
    return re.sub(r" in [0-9msh]+$", " in TIME", result.lines[-1].removeprefix("amqp-job: "))


def test_all_items_done(bench):
    queue = bench.queue("quorum", b"apple", b"pear")
    result = bench.run("-q", queue.name, "-n", "2", worker=["true"])
    assert (result.status, len(result.lines)) == (0, 1), result
    assert last(result) == f"{place(bench, queue)}: 2 of 2 done in TIME"


def test_drained(bench):
    queue = bench.work_queue("classic", b"good", b"bad", b"good")
    worker = bench.script(FAILS_ONCE)
    result = bench.run("-q", queue.name, "--drain", "--retry-delay", "0", worker=worker)
    assert result.status == 0, result
    assert last(result) == f"{place(bench, queue)} is drained: 3 done, 1 retried in TIME"
    assert result.stderr.count("drained") == 1, result


def test_drained_with_a_dead_letter(bench):
    queue = bench.work_queue("quorum", b"good", b"bad")
    worker = bench.script('[ "$(cat)" = good ]')
    result = bench.run("-q", queue.name, "--drain", "--max-attempts", "2", "--retry-delay", "0", worker=worker)
    assert result.status == 1, result
    assert last(result) == (
        f"{place(bench, queue)} is drained: 1 done, 1 retried, 1 dead-lettered into queue '{queue.dead.name}' in TIME")


def test_some_failed(bench):
    queue = bench.queue("quorum", b"bad", b"bad")
    result = bench.run("-q", queue.name, "-n", "2", worker=["false"])
    assert (result.status, last(result)) == (1, f"{place(bench, queue)}: 0 of 2 done, 2 given back in TIME"), result


@pytest.mark.parametrize("options, status", [(["--forever"], 0), (["-n", "5"], 143)])
def test_stopped_by_a_signal(bench, options, status):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker()
    runner = bench.start("-q", queue.name, *options, "-v", worker=worker)
    wait_until(lambda: "acked" in runner.stderr, what="the item done")
    runner.send(signal.SIGTERM)
    result = runner.finish()
    wanted = "1 of 5" if status else "1"
    assert result.status == status and result.stderr.count("stopped") == 1, result
    assert last(result) == f"stopped by TERM; {place(bench, queue)}: {wanted} done in TIME"


def test_an_error_comes_before_the_summary(bench):
    """If nothing was taken, it is the only line."""
    queue = bench.queue("quorum", b"apple", b"pear")
    holding = bench.worker("hold")
    other = bench.start("-q", queue.name, worker=holding)
    holding.wait_for("holding")
    options = ("-q", queue.name, "--drain", "--drain-timeout", "2s")
    result = bench.run(*options, worker=["true"])
    assert result.status == 75 and "is not drained after 2s" in result.lines[0], result
    assert last(result) == f"{place(bench, queue)}: 1 done in TIME" and len(result.lines) == 2, result
    bench.run(*options, worker=["true"]).assert_error(75, "is not drained after 2s")
    holding.go()
    assert other.finish().status == 0


def test_summary_as_json(bench):
    queue = bench.work_queue("quorum", b"apple")
    result = bench.run("-q", queue.name, "--drain", "--log-format", "json", worker=["true"])
    line = json.loads(result.lines[-1])
    assert line["level"] == "notice" and 2 < line["seconds"] < 60, line
    counts = ("queue", "done", "retried", "given_back", "dead_lettered", "not_settled")
    assert [line[name] for name in counts] == [queue.name, 1, 0, 0, 0, 0]


def test_runs_without_a_summary(bench):
    """A single item has its exit status. With --quiet only errors are shown."""
    queue = bench.queue("quorum", *[b"apple"] * 3)
    for options in ["-n", "1"], ["-n", "2", "--quiet"]:
        result = bench.run("-q", queue.name, *options, worker=["true"])
        assert (result.status, result.stderr) == (0, ""), result
