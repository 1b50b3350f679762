"""run --keep-stderr: the end of a worker's standard error goes into its dead letter. All of it goes to the runner's
standard error as it comes."""

import json
import os
import signal
import sys

import pytest

from support.dead_letters import dead
from support.processes import PROMPT, wait_until

pytestmark = pytest.mark.any_broker

ONCE = ("--max-attempts", "1")


def listed(bench, queue):
    return [json.loads(line) for line in dead(bench, "list", queue.name, "--json").stdout.splitlines()]


def failing(text):
    return ["sh", "-c", f"{text}; exit 3"]


def test_the_end_is_kept_and_all_is_handed_on(bench):
    queue = bench.work_queue("quorum", b"apple")
    worker = failing("printf 'first line\\nno such file: caf\\303\\251\\n' >&2")
    result = bench.run("-q", queue.name, *ONCE, "--keep-stderr", "10", worker=worker)
    assert result.status == 3 and result.stderr.startswith("first line\nno such file: café\n"), result
    (item,) = listed(bench, queue)
    assert item["stderr"] == "le: café\n" and item["headers"]["x-amqp-job-stderr"] == "le: café\n"
    shown = dead(bench, "show", queue.name, "--position", "1", "--stderr")
    assert (shown.status, shown.stdout, shown.stderr) == (0, "le: café\n".encode(), "")
    assert dead(bench, "show", queue.name, "--position", "1").stdout == b"apple"
    assert json.loads(dead(bench, "show", queue.name, "--position", "1", "--json").stdout)["stderr"] == "le: café\n"


def test_without_it_nothing_is_kept_and_standard_error_is_ours(bench):
    queue = bench.work_queue("quorum", b"apple")
    bench.run("-q", queue.name, *ONCE, worker=failing("readlink /proc/self/fd/2 >&2"))
    (item,) = listed(bench, queue)
    assert "stderr" not in item
    dead(bench, "show", queue.name, "--position", "1", "--stderr").assert_error(1, "position 1", "--keep-stderr")


def test_standard_error_that_is_not_text(bench):
    queue = bench.work_queue("quorum", b"apple")
    bench.run("-q", queue.name, *ONCE, "--keep-stderr", "4KiB", worker=failing("printf 'a\\377\\000b' >&2"))
    assert listed(bench, queue)[0]["stderr"] == "a\ufffd\0b"


def test_only_the_last_attempt_counts(bench):
    queue = bench.work_queue("quorum", b"apple")
    result = bench.run(
        "-q", queue.name, "--drain", "--max-attempts", "2", "--retry-delay", "0", "--keep-stderr", "1KiB",
        worker=failing("echo attempt $WORK_ITEM_ATTEMPT >&2"))
    assert result.status == 1, result
    assert listed(bench, queue)[0]["stderr"] == "attempt 2\n"
    assert dead(bench, "replay", queue.name).status == 0
    assert "x-amqp-job-stderr" not in (queue.take()[1].headers or {})


def test_workers_side_by_side(bench):
    queue = bench.work_queue("quorum", *[b"%d" % number for number in range(8)])
    worker = failing("read item; for n in 1 2 3 4 5 6 7 8; do echo item $item >&2; sleep 0.01; done")
    assert bench.run("-q", queue.name, "-n", "8", "-j", "4", *ONCE, "--keep-stderr", "64KiB", worker=worker).status == 1
    items = queue.dead.take_all()
    assert len(items) == 8
    for _, properties, body in items:
        assert properties.headers["x-amqp-job-stderr"] == f"item {body.decode()}\n" * 8


def test_a_worker_s_end_does_not_wait_for_what_it_left_behind(bench):
    """What is left is in a process group of its own. It keeps the pipe open, and goes on writing."""
    queue = bench.work_queue("quorum", b"apple")
    worker = failing("setsid sh -c 'while echo noise; do sleep 0.2; done' >&2 & echo last words >&2")
    result = bench.run("-q", queue.name, *ONCE, "--keep-stderr", "1KiB", worker=worker, timeout=60)
    assert result.status == 3, result
    assert "last words\n" in listed(bench, queue)[0]["stderr"]
    # That process finds the pipe closed.
    bench.assert_nothing_left()


def test_a_worker_that_closes_it(bench):
    queue = bench.work_queue("quorum", b"apple")
    result = bench.run("-q", queue.name, *ONCE, "--keep-stderr", "1KiB", worker=failing("echo a >&2; exec 2>&-; sleep 0.3"))
    assert result.status == 3 and listed(bench, queue)[0]["stderr"] == "a\n", result


FLOOD = [sys.executable, "-c", "import os\nfor _ in range(1600): os.write(2, b'x' * 65535 + b'\\n')\nos.write(2, b'end')\nos._exit(3)"]


def test_a_flood_costs_no_memory(bench):
    """The worker writes 100 MiB, and the runner's standard error accepts that much."""
    queue = bench.work_queue("quorum", b"apple")
    with open(os.devnull, "wb") as nowhere:
        limited = ["sh", "-c", 'ulimit -d 100000; exec "$@"', "sh"]
        runner = bench.start("-q", queue.name, *ONCE, "--keep-stderr", "64KiB", worker=FLOOD, stderr=nowhere, prefix=limited)
        assert runner.finish(60).status == 3
    kept = listed(bench, queue)[0]["stderr"]
    assert kept.endswith("x\nend") and len(kept) == 65_536


def test_the_runners_standard_error_is_read_late(bench):
    """The worker waits when the pipes are full, as it would without the runner. It goes on as soon as somebody reads."""
    queue = bench.work_queue("quorum", b"apple")
    reader, writer = os.pipe()
    with open(reader, "rb") as ours:
        with open(writer, "wb") as theirs:
            size = 1_000_000
            flood = [sys.executable, "-c", f"import os\nfor _ in range({size // 1000}): os.write(2, b'x' * 1000)\nos._exit(3)"]
            runner = bench.start("-q", queue.name, *ONCE, "--keep-stderr", "1KiB", worker=flood, stderr=theirs)
        queue.wait_for_consumer()
        wait_until(lambda: bench.others(), what="a worker")
        data = ours.read()
        assert runner.finish().status == 3
    assert data.count(b"x") >= size
    assert listed(bench, queue)[0]["stderr"] == "x" * 1024


def test_a_worker_that_waits_for_a_reader_is_ended(bench):
    queue = bench.work_queue("quorum", b"apple")
    reader, writer = os.pipe()
    with open(reader, "rb"), open(writer, "wb") as theirs:
        filled = bench.path("filled")
        worker = ["sh", "-c", f"head -c 50000 /dev/zero >&2; touch {filled}; exec cat /dev/zero >&2"]
        runner = bench.start("-q", queue.name, *ONCE, "--keep-stderr", "1KiB", worker=worker, stderr=theirs)
        wait_until(filled.exists, what="a worker that writes")
        runner.send(signal.SIGTERM)
        assert runner.finish(PROMPT).status == 128 + signal.SIGTERM
    queue.assert_back()


def test_the_runners_standard_error_is_never_read(bench):
    """Output that fits into the pipes delays no worker, and a full pipe of the runner delays no item."""
    queue = bench.work_queue("quorum", b"1", b"2", b"3")
    reader, writer = os.pipe()
    with open(reader, "rb"), open(writer, "wb") as theirs:
        worker = failing("head -c 40000 /dev/zero | tr '\\0' x >&2")
        runner = bench.start("-q", queue.name, "-n", "3", *ONCE, "--keep-stderr", "1KiB", worker=worker, stderr=theirs)
        assert runner.finish().status == 1
    assert [item["stderr"] for item in listed(bench, queue)] == ["x" * 1024] * 3


def test_the_runners_standard_error_is_closed(bench):
    queue = bench.work_queue("quorum", b"1", b"2")
    closing = ["sh", "-c", 'exec "$@" 2>&-', "sh"]
    for prefix in closing, ["sh", "-c", '("$@"; echo $? >"$HOME/status") 2>&1 >/dev/null | true; exit "$(cat "$HOME/status")"', "sh"]:
        worker = failing("sleep 0.3; head -c 100000 /dev/zero >&2; echo end >&2")
        assert bench.run("-q", queue.name, *ONCE, "--keep-stderr", "1KiB", worker=worker, prefix=prefix).status == 3
    assert [item["stderr"][-4:] for item in listed(bench, queue)] == ["end\n"] * 2


def test_kept_output_gives_way_to_the_items_headers(bench):
    """A frame has 128 KiB. Every broker would refuse a larger copy, and the item would stay in its queue for ever."""
    queue = bench.work_queue("quorum")
    queue.put(b"apple", headers={"large": "y" * 100_000})
    worker = failing("head -c 65536 /dev/zero | tr '\\0' x >&2")
    result = bench.run("-q", queue.name, *ONCE, "--keep-stderr", "64KiB", worker=worker)
    assert result.status == 3, result.stderr[-300:]
    _, properties, _ = queue.dead.take()
    kept = properties.headers["x-amqp-job-stderr"]
    assert properties.headers["large"] == "y" * 100_000 and 1000 < len(kept) < 31_000 and set(kept) == {"x"}


def test_a_done_item_s_last_words_are_handed_on(bench):
    queue = bench.work_queue("quorum", b"apple")
    result = bench.run("-q", queue.name, "--keep-stderr", "1KiB", worker=["sh", "-c", "echo fine >&2"])
    assert (result.status, result.stderr) == (0, "fine\n")


@pytest.mark.parametrize("options", [
    ("--keep-stderr", "65KiB"), ("--keep-stderr", "x"), ("--keep-stderr", "1KiB", "--on-failure", "reject"),
    ("--keep-stderr", "1KiB", "--assume", "classic"),
])
def test_values_that_are_refused(bench, options):
    bench.run("-q", "any", *options, worker=["true"]).assert_error(64, "--keep-stderr")


def test_a_queue_without_dead_letters(bench):
    queue = bench.queue("quorum", b"apple")
    bench.run("-q", queue.name, "--keep-stderr", "1KiB", worker=["true"]).assert_error(78, queue.name, "--keep-stderr")
    result = bench.run("-q", queue.name, "--keep-stderr", "0", worker=["sh", "-c", "echo $WORK_ITEM_REDELIVERED"])
    assert (result.status, result.stdout) == (0, b"false\n"), result
