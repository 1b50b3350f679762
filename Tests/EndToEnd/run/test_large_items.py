"""Items that are larger than the memory that a runner should use."""

import hashlib
import os
import re
import signal

import pytest

from support.processes import read_proc

MOST_MEMORY = 32 << 20
SIZE = 100 << 20


def peak_memory(pid):
    """The peak memory, in bytes."""
    return int(re.search(rb"^VmHWM:\s+(\d+) kB", read_proc(pid, "status"), re.MULTILINE)[1]) << 10


@pytest.fixture(scope="module")
def large():
    return os.urandom(1 << 20) * (SIZE >> 20)


@pytest.mark.slow
def test_a_large_item_is_handed_on_whole_in_little_memory(bench, kind, large, figures):
    queue = bench.queue(kind, large)
    worker = bench.worker("read", "hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding", timeout=60)
    figures.append(f"an item of 100 MiB, {kind} queue: peak memory {peak_memory(runner.pid) / (1 << 20):.1f} MiB")
    assert peak_memory(runner.pid) < MOST_MEMORY
    assert worker.events("end-of-input")[0]["sha256"] == hashlib.sha256(large).hexdigest()
    worker.go()
    assert runner.finish().status == 0
    queue.assert_empty()


@pytest.mark.slow
def test_a_large_item_is_moved_in_little_memory(bench, large):
    queue = bench.work_queue("classic", large)
    worker = bench.worker("exit:1")
    runner = bench.start("-q", queue.name, "-n", "2", "--retry-delay", "100ms", worker=worker)
    worker.wait_for("start", timeout=60)
    held = bench.worker("read", "hold")
    assert runner.finish(60).status == 1
    runner = bench.start("-q", queue.name, worker=held)
    held.wait_for("holding", timeout=60)
    assert peak_memory(runner.pid) < MOST_MEMORY
    assert held.events("end-of-input")[0]["sha256"] == hashlib.sha256(large).hexdigest()
    held.go()
    assert runner.finish().status == 0


def test_files_leave_nothing(bench):
    """The names of the files are removed before the files are written."""
    queue = bench.queue("quorum", b"x" * 3_000_000)
    spool = bench.path("spool")
    spool.mkdir()
    worker = bench.worker("read", "hold")
    runner = bench.start("-q", queue.name, "--spool-dir", spool, worker=worker)
    worker.wait_for("holding")
    assert list(spool.iterdir()) == []
    runner.send(signal.SIGKILL)
    runner.finish()
    assert list(spool.iterdir()) == []


def test_a_file_size_limit(bench):
    queue = bench.queue("quorum", b"x" * 3_000_000)
    limited = ["sh", "-c", 'ulimit -f 1000; exec "$@"', "sh"]
    result = bench.run("-q", queue.name, worker=["true"], prefix=limited)
    assert result.status == 74, result
    assert queue.name in result.stderr
    queue.assert_back()


def test_a_connection_lost_amid_a_large_item(bench, large):
    """The worker has not been started, because it would get only a part."""
    queue = bench.queue("classic", large[: 20 << 20])
    proxy = bench.proxy()
    worker = bench.worker("read")
    runner = bench.start("-q", queue.name, url=proxy.url, worker=worker)
    proxy.cut_after(5 << 20)
    assert runner.finish().status == 0
    assert worker.runs == 1
    assert worker.events("end-of-input")[0]["length"] == 20 << 20


@pytest.mark.parametrize("limit", ["-v", "-d"], ids=["address space", "data"])
def test_little_memory(bench, limit):
    """With however little memory: an item that may be kept in memory is run, or no item is taken."""
    queue = bench.queue("classic", bytes(40 << 20))
    options = ["-q", queue.name, "--spool-above", "400MiB"]
    seen = []
    for size in range(4_000, 400_000, 4_000):
        prefix = ["sh", "-c", f'ulimit {limit} {size}; exec "$@"', "sh"]
        if bench.run(command="--version", url=None, prefix=prefix).status != 0:
            continue  # Not even the program can be loaded.
        result = bench.run(*options, worker=["true"], prefix=prefix)
        seen.append(result.status)
        if result.status == 0:
            break
        result.assert_error(70, "memory", "nothing was taken")
        queue.assert_back()
    assert seen[0] == 70 and seen[-1] == 0, seen
    queue.assert_empty()
    # With more memory, more items are kept there, but never too many.
    for more in range(size, size + 200_000, 20_000):
        queue.put(bytes(40 << 20))
        prefix = ["sh", "-c", f'ulimit {limit} {more}; exec "$@"', "sh"]
        result = bench.run(*options, worker=["true"], prefix=prefix)
        assert (result.status, result.stderr) == (0, ""), (more, result)
