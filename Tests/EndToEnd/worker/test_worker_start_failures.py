"""Workers that cannot be started because the system lacks resources. That is neither a failure of the item nor an
attempt."""

import errno
import os
import resource
import shutil

import pytest

from support.processes import CAN_ISOLATE

pytestmark = pytest.mark.any_broker

ROUNDS = 22  # RabbitMQ 4 drops an item at its 21st return.

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")


def failing(call, code, when="1+"):
    """A command prefix: this system call fails in the runner, from the first call on."""
    return ["strace", "--quiet=all", "--signal=none", "-o", "/dev/null", "-e", f"inject={call}:error={code}:when={when}"]


def next_attempt(bench, queue):
    result = bench.run("-q", queue.name, worker=["sh", "-c", "cat >/dev/null; echo $WORK_ITEM_ATTEMPT"])
    assert result.status == 0, result
    return int(result.stdout)


@needs_strace
@pytest.mark.parametrize("code", ["EAGAIN", "ENOMEM"])
@pytest.mark.parametrize("declared", [False, True], ids=["plain", "declared"])
def test_no_process_for_a_worker(bench, kind, declared, code):
    queue = bench.work_queue(kind, b"apple") if declared else bench.queue(kind, b"apple")
    for _ in range(4):
        result = bench.run("-q", queue.name, worker=["true"], prefix=failing("vfork", code))
        result.assert_error(70, queue.name, os.strerror(getattr(errno, code)), "goes back as it was")
        queue.assert_back()
    assert next_attempt(bench, queue) == 1
    if declared:
        queue.dead.assert_empty()
        queue.retry.assert_empty()


@needs_strace
def test_an_item_is_not_used_up(bench):
    queue = bench.queue("quorum", b"apple")
    for _ in range(ROUNDS):
        result = bench.run("-q", queue.name, worker=["true"], prefix=failing("vfork", "EAGAIN"))
        result.assert_error(70, queue.name, "goes back as it was")
        queue.assert_back()
    assert next_attempt(bench, queue) == 1


@needs_strace
def test_a_shortage_that_passes(bench):
    queue = bench.queue("quorum", b"apple")
    result = bench.run("-q", queue.name, worker=["cat"], prefix=failing("vfork", "EAGAIN", when="1..2"))
    assert (result.status, result.stdout, result.stderr) == (0, b"apple", ""), result


@needs_strace
@pytest.mark.parametrize("options", [["-n", "4", "-j", "4"], ["--drain", "-j", "2"]], ids=["count", "drain"])
def test_several_items(bench, options):
    queue = bench.work_queue("quorum", *[b"apple"] * 6)
    result = bench.run("-q", queue.name, *options, worker=["true"], prefix=failing("vfork", "EAGAIN"))
    assert result.status == 70, result
    queue.assert_back(6)
    assert [(properties.headers or {}).get("x-amqp-job-attempts", 0) for _, properties, _ in queue.take_all()] == [0] * 6
    queue.dead.assert_empty()
    queue.retry.assert_empty()


@needs_strace
def test_no_guardian(bench):
    """The guardian is started before any item is taken."""
    queue = bench.queue("quorum", b"apple")
    result = bench.run("-q", queue.name, worker=["true"], prefix=failing("clone", "EAGAIN"))
    result.assert_error(70, "temporarily unavailable")
    queue.assert_untouched()


@pytest.mark.skipif(os.geteuid() != 0 or not CAN_ISOLATE, reason="needs another user")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_user_with_too_many_processes(bench, host):
    """No thread can be started then either, such as the one that looks up the broker for copies."""
    queue = bench.queue("quorum", b"apple")
    bench.directory.chmod(0o755)
    url = bench.broker.url.replace("127.0.0.1", host)
    # The first worker takes the last process, because the runner and its guardian take two.
    user = 60000 + os.getpid() % 5000
    queue.put(b"pear")
    limits = ["prlimit", "--nproc=3:3", "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    result = bench.run(
        "-q", queue.name, "-n", "2", "-j", "2", worker=["sleep", "2"], prefix=limits, url=None, env={"BROKER_URL": url})
    assert result.status == 70, result
    assert any("temporarily unavailable" in line.lower() and "goes back as it was" in line for line in result.lines), result
    assert not any("no copy" in line for line in result.lines), result
    queue.assert_back()
    assert next_attempt(bench, queue) == 1


def test_too_few_descriptors_for_a_worker(bench):
    """Tries every limit from too few descriptors up to enough. The item is run, or goes back unchanged."""
    queue = bench.work_queue("quorum", b"apple")
    seen = []
    for most in range(3, 40):
        def limit(most=most):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

        result = bench.run("-q", queue.name, worker=["true"], preexec_fn=limit)
        seen.append(result.status)
        if result.status == 0:
            break
        result.assert_error(result.status, "too many open files")
        assert result.status in (70, 74), (most, result)
        queue.assert_back()
    assert seen[-1] == 0 and len(seen) > 3, seen
    queue.dead.assert_empty()
    queue.retry.assert_empty()


def test_a_log_that_may_not_grow(bench):
    """Only the log lines are lost. The kernel sends SIGXFSZ, too."""
    queue = bench.queue("quorum", b"apple")
    log = bench.file("log", b"x" * 4096 * 512)
    limited = ["sh", "-c", f'ulimit -f 4096; exec "$@" 2>>{log}', "sh"]
    assert bench.run("-q", queue.name, worker=["false"], prefix=limited).status == 1
    assert log.stat().st_size == 4096 * 512
    queue.assert_back()


@pytest.mark.parametrize("options", [(), ("--feed", "file")], ids=["stdin", "file"])
def test_a_file_size_limit_leaves_the_worker_its_signal(bench, options):
    """The worker has SIGXFSZ as it was before."""
    queue = bench.queue("quorum", b"apple")
    limited = ["sh", "-c", 'ulimit -f 4096; exec "$@"', "sh"]
    worker = ["sh", "-c", f"head -c 5000000 /dev/zero >{bench.path('large')}"]
    result = bench.run("-q", queue.name, *options, "--raw-status", worker=worker, prefix=limited)
    assert result.status == 128 + 25, result
