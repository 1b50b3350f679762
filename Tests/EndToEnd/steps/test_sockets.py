"""amqp-job step: its socket, and what processes that connect may do to it."""

import os
import signal
import socket
import stat
import subprocess

import pytest

from support.processes import PROMPT, is_alive, wait_until
from support.steps import VERSION, Peer

pytestmark = pytest.mark.any_broker


def assert_serves(bench, steps, queue, name="blur"):
    queue.put(b"a")
    result = bench.run("-q", queue.name, *steps.options(name), worker=["cat"])
    assert (result.status, result.stdout) == (0, b"a"), result


# The place


def test_a_socket_that_was_left_behind_is_replaced(bench, steps, queue):
    step = steps.start("blur", ["cat"])
    step.send(signal.SIGKILL)
    step.finish()
    assert stat.S_ISSOCK(steps.socket("blur").stat().st_mode)
    step = steps.start("blur", ["cat"])
    assert_serves(bench, steps, queue)
    assert step.finish().status == 0
    assert os.listdir(steps.directory) == []


def test_a_socket_that_is_in_use_is_not_taken(bench, steps, queue):
    steps.start("blur", ["cat"])
    second = steps.start("blur", ["false"])
    second.finish().assert_error(74, steps.socket("blur"), "in use", "a step waits there")
    assert_serves(bench, steps, queue)


def test_a_file_that_is_no_socket_is_not_touched(steps):
    steps.socket("blur").write_text("precious")
    steps.start("blur", ["cat"]).finish().assert_error(74, steps.socket("blur"), "in use")
    assert steps.socket("blur").read_text() == "precious"


def test_a_directory_that_is_missing(bench, steps):
    result = bench.run("--socket", steps.directory / "no" / "blur.sock", command="step", url=None, worker=["cat"])
    result.assert_error(74, "no/blur.sock", "no such file")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_a_directory_that_may_not_be_written_to(bench, steps):
    bench.directory.chmod(0o755)
    nobody = ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups"]
    steps.start("blur", ["cat"], prefix=nobody).finish().assert_error(74, steps.socket("blur"), "permission denied")


@pytest.mark.parametrize("path", ["", "x" * 108])
def test_a_path_that_no_socket_can_have(bench, path):
    bench.run("--socket", path, command="step", url=None, worker=["cat"]).assert_error(64, "--socket", "107 bytes")


def test_no_path(bench):
    bench.run(command="step", url=None, worker=["cat"]).assert_error(64, "--socket", "AMQP_JOB_SOCKET")


def test_a_path_in_a_variable(bench, steps, queue):
    bench.start(command="step", url=None, worker=["cat"], env={"AMQP_JOB_SOCKET": str(steps.socket("blur"))})
    assert_serves(bench, steps, queue)


@pytest.mark.parametrize("options, word", [
    (["--step", "x" * 120], "107 bytes"), (["--step", ""], "--step"), (["--step", "/run/"], "--step"),
    (["--step", "a\nb"], "--step"), (["--step", "a", "--feed", "file"], "--feed"),
])
def test_names_of_steps_that_are_refused(bench, options, word):
    bench.run("-q", "any", *options, worker=["cat"]).assert_error(64, word)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_whoever_may_enter_the_directory_may_connect(bench, steps, queue):
    """Containers of a pod may have users of their own. The directory's mode keeps others out."""
    steps.start("blur", ["cat"])
    bench.directory.chmod(0o755)
    code = "import socket,sys; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(sys.argv[1])"
    nobody = ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", "/usr/bin/python3", "-IS", "-c", code]
    command = [*nobody, str(steps.socket("blur"))]
    for mode, expected in (0o755, 0), (0o700, 1):
        steps.directory.chmod(mode)
        assert subprocess.run(command, capture_output=True).returncode == expected
    assert_serves(bench, steps, queue)


def test_a_worker_of_another_user_gets_a_large_item_and_gives_one(bench, steps, queue):
    body = os.urandom(2 << 20)
    queue.put(body)
    become = ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups"] if os.geteuid() == 0 else []
    steps.start("blur", [*become, "cp", "/dev/stdin", "/dev/stdout"])
    result = bench.run("-q", queue.name, *steps.options("blur"), worker=["cat"])
    assert (result.status, result.stderr) == (0, "") and result.stdout == body, result.stderr


# Versions


@pytest.mark.parametrize("version", [VERSION - 1, VERSION + 1, -1, 1 << 30])
def test_a_runner_of_another_version(bench, steps, queue, version):
    step = steps.start("blur", ["cat"])
    peer = steps.peer("blur")
    kind, _, ours, program = peer.greet(version)
    assert (kind, ours) == ("H", VERSION) and program
    wait_until(lambda: step.stderr, what="a line about the version")
    (line,) = step.stderr.splitlines()
    assert "0.0.0-test" in line and f"version {version} of" in line and f"version {VERSION}:" in line, line
    peer.socket.close()
    assert_serves(bench, steps, queue)


@pytest.mark.parametrize("version", [VERSION - 1, VERSION + 1])
def test_a_step_of_another_version(bench, steps, queue, version):
    queue.put(b"a")
    server = steps.listener("blur")
    runner = bench.start("-q", queue.name, *steps.options("blur"), worker=["cat"])
    peer = Peer(server.accept()[0])
    kind, _, ours, program = peer.greet(version)
    assert (kind, ours) == ("H", VERSION) and program
    runner.finish().assert_error(78, "step 'blur'", "0.0.0-test", f"version {version} of", f"version {VERSION}:")
    queue.assert_untouched()


def test_control_characters_of_a_step_are_not_printed(bench, steps, queue):
    server = steps.listener("blur")
    runner = bench.start("-q", queue.name, *steps.options("blur"), worker=["cat"])
    peer = Peer(server.accept()[0])
    peer.send("H", number=2, text="\x1b[31mred\nline")
    assert peer.receive()[0] == "H"
    result = runner.finish()
    result.assert_error(78, "red")
    assert "\x1b" not in result.stderr


# Rubbish


RUBBISH = [b"GET / HTTP/1.1\r\n\r\n", b"x", b"\0" * 256, b"R" * 4096, b"R" + bytes(8), b"E" + bytes(8)]


@pytest.mark.parametrize("packet", RUBBISH)
def test_rubbish_ends_the_connection_and_nothing_else(bench, steps, queue, packet):
    step = steps.start("blur", ["cat"])
    peer = steps.peer("blur")
    peer.socket.send(packet)
    assert peer.receive()[0] == "H"
    assert peer.receive() is None
    assert step.runs()
    assert_serves(bench, steps, queue)


def test_who_connects_and_says_nothing_holds_nothing_up(bench, steps, queue):
    step = steps.start("blur", ["cat"])
    silent = [steps.peer("blur") for _ in range(20)]
    assert_serves(bench, steps, queue)
    assert step.finish().status == 0
    assert all(peer.receive()[0] == "H" for peer in silent)


def test_many_connections_use_up_no_descriptors(bench, steps, queue):
    """Those that find no room wait, and the step works on."""
    limited = ["sh", "-c", 'ulimit -n 100; exec "$@"', "sh"]
    step = steps.start("blur", ["cat"], prefix=limited)
    peers = [steps.peer("blur") for _ in range(70)]
    wait_until(lambda: peers[0].receive(), what="an answer")
    for peer in peers:
        peer.socket.close()
    assert_serves(bench, steps, queue)
    assert step.finish().status == 0


def test_a_run_without_its_descriptors_is_refused(bench, steps, queue):
    steps.start("blur", ["cat"])
    peer = steps.peer("blur")
    peer.greet()
    peer.send("R", 3)
    assert peer.receive()[:2] == ("N", 3)
    peer.run(3)
    assert peer.receive() == ("X", 3, 0, "")
    peer.socket.close()
    assert_serves(bench, steps, queue)


def test_only_variables_of_items_can_be_passed(bench, steps):
    worker = bench.worker()
    step = steps.start("blur", worker)
    peer = steps.peer("blur")
    peer.greet()
    peer.run(variables=b"WORK_ITEM_ID=7\0PATH=/tmp\0LD_PRELOAD=/tmp/x.so\0")
    assert peer.receive() == ("X", 0, 0, "")
    assert worker.environment["WORK_ITEM_ID"] == "7" and "LD_PRELOAD" not in worker.environment
    assert worker.environment["PATH"] != "/tmp"
    peer.send("E")
    assert step.finish().status == 0


@pytest.mark.parametrize("last", [b"R" + bytes(8), b"?", None], ids=["a slot in use", "rubbish", "nothing"])
def test_a_runner_that_errs_or_leaves_loses_its_workers(bench, steps, last):
    worker = bench.worker("trap:TERM", "hold")
    step = steps.start("blur", worker)
    peer = steps.peer("blur")
    peer.greet()
    peer.run()
    worker.wait_for("holding")
    if last:
        peer.socket.send(last)
    else:
        peer.socket.close()
    wait_until(lambda: not is_alive(worker.start["pid"]), what="the end of the worker")
    assert step.runs()
    step.send(signal.SIGTERM)
    assert step.finish(PROMPT).status == 0


@pytest.mark.parametrize("packet", [*RUBBISH, b"X" + bytes(4) + b"\xff\xff\xff\x7f", b"K" + bytes(8)])
def test_a_step_that_speaks_nonsense_is_lost(bench, steps, queue, packet):
    queue.put(b"a")
    server = steps.listener("blur")
    runner = bench.start("-q", queue.name, "--max-attempts", "1", *steps.options("blur"))
    peer = Peer(server.accept()[0])
    peer.greet()
    assert peer.receive()[:2] == ("R", 0)
    peer.socket.send(packet)
    runner.finish().assert_error(1, "step 'blur' was lost")


def test_an_end_that_nobody_asked_for_acks_nothing(bench, steps, queue):
    """The second step says that its worker has exited 0 before it was given one."""
    queue.put(b"a")
    first = bench.worker("hold")
    steps.start("detect", first)
    server = steps.listener("blur")
    runner = bench.start("-q", queue.name, *steps.options("detect", "blur"))
    peer = Peer(server.accept()[0])
    peer.greet()
    first.wait_for("holding")
    peer.send("X")
    first.go()
    assert peer.receive()[:2] == ("R", 0)
    assert runner.runs()
    peer.send("X", number=3)
    runner.finish().assert_error(3, "step 'blur' exited with 3")


def test_a_socket_of_another_kind_is_no_step(bench, steps, queue):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(steps.socket("blur")))
        server.listen()
        result = bench.run("-q", queue.name, "--connect-timeout", "1500ms", *steps.options("blur"))
        assert result.status == 69 and "wrong type" in result.stderr, result
