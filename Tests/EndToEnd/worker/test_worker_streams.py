"""The worker's view: its standard streams and its arguments."""

import hashlib
import json
import os
import signal

import pytest

from support.processes import PATIENCE, PYTHON, is_alive, wait_until

pytestmark = pytest.mark.any_broker


@pytest.mark.parametrize("length", [0, 1, 65536, 131072, 16 << 20])
def test_body_byte_for_byte(bench, length):
    body = os.urandom(length)
    queue = bench.queue("quorum", body)
    worker = bench.worker("read")
    assert bench.run("-q", queue.name, worker=worker).status == 0
    (end,) = worker.events("end-of-input")
    assert end["length"] == length
    assert end["sha256"] == hashlib.sha256(body).hexdigest()
    queue.assert_empty()


@pytest.mark.parametrize(
    "steps",
    [(), ("read:1500000",), ("close-stdin", "sleep:0.3"), ("sleep:0.3",)],
    ids=["reads nothing", "reads half", "closes stdin and runs on", "runs without reading"],
)
def test_worker_that_does_not_read_it_all(bench, steps):
    queue = bench.queue("quorum", os.urandom(3_000_000))
    worker = bench.worker(*steps)
    result = bench.run("-q", queue.name, worker=worker)
    assert (result.status, result.stderr) == (0, ""), result
    assert worker.runs == 1
    queue.assert_empty()


def test_tiny_bodies_that_nobody_reads(bench):
    """The worker may exit before or after the body has been written. The result must be the same."""
    queue = bench.queue("classic", *[b"tiny"] * 60)
    result = bench.run("-q", queue.name, "-n", "60", worker=["true"], timeout=60)
    assert result.status == 0 and "60 of 60 done" in result.stderr and len(result.lines) == 1, result
    queue.assert_empty()


def test_slow_reader(bench):
    queue = bench.queue("quorum", os.urandom(1 << 20))
    worker = bench.worker("slowly")
    assert bench.run("-q", queue.name, worker=worker).status == 0
    assert worker.events("end-of-input")[0]["length"] == 1 << 20


@pytest.mark.parametrize("depth", ["worker", "child of the worker"])
@pytest.mark.parametrize("way", ["killed", "stopped first"])
def test_no_end_of_file_before_the_end(bench, depth, way):
    """The runner is killed while it feeds the worker. The kernel then closes its end of the pipe at once. Whatever
    reads the other end must be dead before it can take that for the end of the body."""
    queue = bench.queue("classic", bytes(32 << 20))
    for attempt in range(3):
        reader = bench.worker("slowly" if way == "killed" else "read")
        if depth == "worker":
            command = reader
        else:
            command = bench.script(" ".join(reader.command) + "; exit $?")
        if way == "killed":
            runner = bench.start("-q", queue.name, worker=command)
            reader.wait_for("progress", 2, timeout=2 * PATIENCE)
        else:
            # A reader that waits in read() is woken by the closed pipe.
            runner = bench.start("-q", queue.name, worker=command)
            reader.wait_for("reading", timeout=2 * PATIENCE)
            runner.send(signal.SIGSTOP)
            pid = reader.start["pid"]
            wait_until(lambda: waits_in_pipe(pid) or not is_alive(pid), what="a reader that has read all")
        runner.send(signal.SIGKILL)
        runner.finish()
        bench.assert_nothing_left()
        for end in reader.events("end-of-input"):
            assert end["length"] == 32 << 20, f"attempt {attempt}: an item of {end['length']} bytes was seen"
        if not reader.has("end-of-input"):
            queue.assert_back()


def waits_in_pipe(pid):
    try:
        with open(f"/proc/{pid}/syscall") as syscall:
            words = syscall.read().split()
    except OSError:
        return False
    return words[:2] == [{"x86_64": "0", "aarch64": "63"}[os.uname().machine], "0x0"]  # read(0, …)


# Standard output and error


def test_output_is_the_runners_own(bench):
    queue = bench.queue("quorum", b"apple")
    result = bench.run("-q", queue.name, worker=["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert result.status == 3
    assert result.stdout == b"out\n"
    assert "err" in result.lines


def test_output_closed_by_its_reader(bench):
    """The worker, not the runner, gets the broken pipe."""
    queue = bench.queue("quorum", b"apple")
    reading, writing = os.pipe()
    os.close(reading)
    runner = bench.start("-q", queue.name, worker=["sh", "-c", "trap '' PIPE; echo out || exit 7"], stdout=writing)
    os.close(writing)
    assert runner.finish().status == 7
    queue.assert_back()


def test_output_that_is_closed(bench):
    """The worker fails, too: it has not done what it cannot write."""
    queue = bench.queue("quorum", b"apple")
    result = bench.run("-q", queue.name, worker=["cat"], prefix=["sh", "-c", 'exec "$@" >&-', "sh"])
    assert result.status == 1, result
    queue.assert_back()


def test_arguments_are_untouched(bench):
    queue = bench.queue("quorum", b"1", b"2", b"3")
    words = ["--queue", "x", "-n", "7", "--", "", "a b", "*", "$HOME", "{}", "--help"]
    worker = bench.worker()
    code = "import sys, json; json.dump(sys.argv[1:], sys.stdout)"
    result = bench.run("-q", queue.name, worker=[PYTHON, "-c", code, *words])
    assert result.status == 0
    assert json.loads(result.stdout) == words
    # Without `--`, options end at the first word that is not an option.
    result = bench.run("-q", queue.name, PYTHON, "-c", code, "-q", "y", "-v")
    assert result.status == 0, result
    assert json.loads(result.stdout) == ["-q", "y", "-v"]
    result = bench.run("-q", queue.name, PYTHON, "-c", code, "a", "--", "b")
    assert result.status == 0, result
    assert json.loads(result.stdout) == ["a", "--", "b"]
    assert not worker.has("start")
