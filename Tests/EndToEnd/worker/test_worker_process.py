"""The worker's view: its place among the processes."""

import os
import pathlib
import signal
import subprocess

import pytest

from support.processes import CAN_ISOLATE, PROMPT, PYTHON

pytestmark = pytest.mark.any_broker


def test_own_process_group(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")
    start = worker.start
    assert start["group"] == start["pid"] != os.getpgid(runner.pid)
    worker.go()
    assert runner.finish().status == 0


def test_starts_with_a_clean_slate(bench):
    """The worker has descriptors 0, 1 and 2 only. No signal is blocked, or ignored that was not ignored before."""
    with open("/proc/self/status", encoding="ascii") as status:
        (ours,) = [int(line.split()[1], 16) for line in status if line.startswith("SigIgn:")]
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python does this itself, and undoes it for what it starts.
        ours &= ~(1 << (number - 1))
    ignored = b"%016x" % ours
    queue = bench.queue("quorum", b"apple", b"pear")
    worker = bench.worker()
    assert bench.run("-q", queue.name, worker=worker).status == 0
    assert sorted(worker.start["descriptors"]) == [0, 1, 2]
    result = bench.run("-q", queue.name, worker=["grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"])
    assert result.stdout.split() == [b"SigBlk:", b"0" * 16, b"SigIgn:", ignored], result.stdout


def without_its_loader():
    """A program for another C library, as one for musl is on this machine."""
    return pathlib.Path("/bin/true").read_bytes().replace(b"/lib64/ld-linux", b"/lib64/no-linux")


@pytest.mark.parametrize("content, status, reason", [
    (b"", 126, "Exec format error"), (b"\x7fELF" + bytes(60), 126, "Exec format error"),
    (without_its_loader(), 127, "No such file"),
], ids=["empty", "for another machine", "loader missing"])
@pytest.mark.parametrize("command", [["run", "--drain"], ["amqp-consume"]], ids=["run", "amqp-consume"])
def test_a_file_that_is_no_program(bench, links, command, content, status, reason):
    """A script is not given to a shell either. The item is not to blame: it is not dead-lettered, and no attempt is
    counted."""
    queue = bench.work_queue("quorum", b"apple", b"pear")
    program = str(bench.file("worker", content, mode=0o755))
    for _ in range(4):
        if command[0] == "run":
            bench.run("-q", queue.name, *command[1:], worker=[program]).assert_error(status, reason, queue.name)
        else:
            host, port = bench.broker.address
            words = [links / "amqp-consume", f"--server={host}", f"--port={port}", "-q", queue.name, program]
            done = subprocess.run(words, env=bench.environment(), capture_output=True, text=True, timeout=60)
            assert done.returncode == status and reason in done.stderr, done
    result = bench.run("-q", queue.name, "-n", "2", worker=["sh", "-c", "echo $WORK_ITEM_ATTEMPT"])
    assert (result.status, result.stdout) == (0, b"1\n1\n"), result
    queue.assert_empty()
    queue.dead.assert_empty()


def test_a_broken_pipe_ends_a_program_of_the_worker(bench):
    """Some runtimes start a runner with SIGPIPE ignored. `yes` would then go on and complain."""
    queue = bench.queue("quorum", b"apple")
    result = bench.run("-q", queue.name, worker=["sh", "-c", "yes | head -n 1"])
    assert (result.status, result.stdout, result.stderr) == (0, b"y\n", ""), result


def test_directory_and_mask_are_the_runners(bench):
    queue = bench.queue("quorum", b"apple")
    result = bench.run(
        "-q", queue.name, worker=["sh", "-c", "pwd; umask"], cwd="/usr", preexec_fn=lambda: os.umask(0o027)
    )
    assert result.stdout.split() == [b"/usr", b"0027"]


@pytest.mark.parametrize("ignore", [(), ("ignore:TERM", "ignore:HUP")], ids=["willing", "ignoring"])
def test_what_it_leaves_running_is_ended(bench, ignore):
    """A background child that holds standard output would keep its reader waiting."""
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("child:inner:" + "+".join((*ignore, "hold")), "echo:done", "hold")
    runner = bench.start("-q", queue.name, "--grace", "1s", worker=worker, stdout=subprocess.PIPE)
    worker.child("inner").wait_for("holding")
    worker.go()
    output = runner.process.stdout.read()  # This reads to the end, when the child no longer holds the pipe.
    assert output == b"done\n"
    assert runner.finish().status == 0
    assert worker.child("inner").runs == 1
    assert not bench.others()
    queue.assert_empty()


def test_what_it_leaves_running_after_a_failure_is_ended(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("child:inner:hold", "hold", "exit:3")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.child("inner").wait_for("holding")
    worker.go()
    assert runner.finish().status == 3
    assert worker.child("inner").runs == 1
    bench.assert_nothing_left()


@pytest.mark.skipif(not CAN_ISOLATE, reason="namespaces are not to be had here")
def test_reaps_orphans_as_pid_1(bench):
    queue = bench.queue("quorum", b"apple")
    code = """
import os, sys, time

def zombies():
    for entry in filter(str.isdigit, os.listdir('/proc')):
        try:
            stat = open(f'/proc/{entry}/stat').read()
        except OSError:
            continue
        if stat.rsplit(')', 1)[1].split()[0] == 'Z':
            yield entry

if os.fork() == 0:
    os.setsid()
    orphan = os.fork()
    if orphan == 0:
        while os.getppid() != 1:
            time.sleep(0.01)
        open(sys.argv[1], 'w').write(str(os.getpid()))
    os._exit(0)
os.wait()
deadline = time.monotonic() + 5
while time.monotonic() < deadline:
    if os.path.exists(sys.argv[1]) and not list(zombies()):
        sys.exit(0)
    time.sleep(0.05)
sys.exit(9)
"""
    namespace = ["unshare", "--pid", "--fork", "--mount-proc"]
    result = bench.run("-q", queue.name, worker=[PYTHON, "-c", code, str(bench.path("orphan"))], prefix=namespace)
    assert result.status == 0, f"orphans were left as zombies: {result}"
    queue.assert_empty()


@pytest.mark.skipif(not CAN_ISOLATE, reason="namespaces are not to be had here")
def test_term_as_pid_1(bench):
    """The kernel delivers to PID 1 only the signals that it handles."""
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("trap:TERM:5", "hold")
    outer = bench.start("-q", queue.name, worker=worker, prefix=["unshare", "--pid", "--fork", "--mount-proc"])
    worker.wait_for("holding")
    inner = int(open(f"/proc/{outer.pid}/task/{outer.pid}/children").read().split()[0])
    os.kill(inner, signal.SIGTERM)
    assert outer.finish(PROMPT).status == 143
    queue.assert_back()
