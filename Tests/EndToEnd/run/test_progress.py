"""run --progress: how far the work has come, on standard error."""

import json
import re

import pytest

from support.processes import wait_until

pytestmark = pytest.mark.any_broker

SPEAKS = ["sh", "-c", 'item=$(cat); echo "out $item"; echo "err $item" >&2; printf "last $item"; sleep 0.7']


def test_a_line_a_while_without_a_terminal(bench):
    queue = bench.queue("quorum", b"1", b"2", b"3")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, "-n", "3", "--progress", worker=worker)
    worker.wait_for("holding")
    line = f"amqp-job: {queue.name}: 0 done, 3 left\n"
    wait_until(lambda: runner.stderr.count(line) >= 2, what="two lines")
    worker.go()
    result = runner.finish()
    assert result.status == 0 and f"amqp-job: {queue.name}: 3 done, 0 left" in result.lines[-2], result


@pytest.mark.parametrize("options", [["--quiet"], ["--log-format", "json"]], ids=" ".join)
def test_progress_is_shown_whatever_the_log_is_like(bench, options):
    queue = bench.queue("quorum", b"1", b"2")
    result = bench.run("-q", queue.name, "-n", "2", "--progress", *options, worker=["false"])
    assert result.status == 1, result
    if "json" in options:
        shown = [entry for entry in map(json.loads, result.lines) if "left" in entry]
        assert (shown[-1]["done"], shown[-1]["failed"], shown[-1]["left"]) == (0, 2, 0), result
    else:
        assert f"amqp-job: {queue.name}: 0 done, 2 failed, 0 left" in result.stderr, result


def test_what_is_left_until_the_queue_is_drained(bench):
    """The items of the retry queue and those in hand count, too."""
    queue = bench.work_queue("quorum", *[b"x"] * 5)
    queue.retry.put(b"x", expiration="1000")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, "--drain", "--progress", worker=worker)
    worker.wait_for("holding")
    wait_until(lambda: f"{queue.name}: 0 done, 6 left\n" in runner.stderr, what="what is left")
    worker.go()
    result = runner.finish()
    assert result.status == 0 and f"{queue.name}: 6 done, 0 left" in result.stderr, result


def test_what_is_done_and_what_is_left_add_up(bench):
    queue = bench.work_queue("quorum", *[b"x"] * 20)
    result = bench.run("-q", queue.name, "--drain", "--progress", worker=["sleep", "0.2"])
    shown = [(int(done), int(left)) for done, left in re.findall(r": (\d+) done, (\d+) left", result.stderr)]
    assert result.status == 0 and shown[-1] == (20, 0), result
    # An ack may be on its way when the broker tells the depth.
    assert len(shown) > 2 and all(abs(done + left - 20) <= 1 for done, left in shown), result


@pytest.mark.parametrize("options", [[], ["--output", "tag"], ["--keep-stderr", "1KiB"]], ids=["inherit", "tag", "keep-stderr"])
def test_neither_log_lines_nor_workers_output_are_garbled(bench, terminal, options):
    """On a terminal the progress is one line, which is redrawn below all others, and removed at the end."""
    queue = bench.work_queue("quorum")
    for number in range(4):
        queue.put(b"%d" % number, message_id=f"i{number}")
    runner = bench.start(
        "-q", queue.name, "--drain", "--progress", "-v", *options, worker=SPEAKS, stdout=terminal.theirs, stderr=terminal.theirs)
    assert runner.finish().status == 0
    shown = terminal.shown.decode()
    assert re.search(re.escape(queue.name) + r"  \[#+-*\] +\d+%  \d done  \d left", shown), shown
    *lines, last = terminal.lines
    tagged = "tag" in options
    told = [line for line in lines if not line.startswith("amqp-job: ")]
    expected = [f"i{n}\t{word} {n}" if tagged else f"{word} {n}" for n in range(4) for word in ("out", "err", "last")]
    assert sorted(told) == sorted(expected) and last == "", terminal.lines
    assert len([line for line in lines if line.endswith("done; acked")]) == 4, terminal.lines


def test_only_what_goes_to_a_terminal_passes_through_the_runner(bench, terminal):
    queue = bench.queue("quorum", b"x")
    worker = ["sh", "-c", "readlink /proc/$$/fd/1; readlink /proc/$$/fd/2; printf end"]
    runner = bench.start("-q", queue.name, "-n", "1", "--progress", worker=worker, stderr=terminal.theirs)
    assert runner.finish().status == 0
    output, error, end = runner.stdout.decode().split("\n")
    assert output.endswith(".stdout") and error.startswith("pipe:") and end == "end"


def test_it_costs_nothing_without_it(bench):
    queue = bench.queue("quorum", b"x")
    worker = ["sh", "-c", "readlink /proc/$$/fd/2"]
    assert b"pipe:" not in bench.run("-q", queue.name, worker=worker).stdout


def test_a_runner_without_an_end_has_no_progress(bench):
    result = bench.run("-q", "any", "--forever", "--progress", worker=["true"])
    result.assert_error(64, "--progress", "--drain", "--forever")
