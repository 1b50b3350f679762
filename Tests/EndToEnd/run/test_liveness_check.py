"""`amqp-job check`, and the liveness file that it reads."""

import os
import re
import resource
import signal
import subprocess

import pytest

from support import processes
from support.processes import CAN_ISOLATE, PYTHON, wait_until

pytestmark = pytest.mark.any_broker

SIGN = re.compile(rb"amqp-job alive (\d{20}) (serving|waiting)\n")
PERIOD = 5
SOON = PERIOD + 3  # The next sign of life has to come within these seconds.


@pytest.fixture
def alive(bench):
    """The path of the liveness file. In the end its runner is stopped."""
    yield bench.path("alive")
    for runner in bench.runners:
        runner.process.kill()
        runner.ended.wait()


def check(bench, path, *arguments):
    """The exit status of the check. A complaint is one line."""
    result = bench.run("--liveness-file", path, *arguments, command="check", url=None)
    assert result.stdout == b""
    if result.status == 0:
        assert result.stderr == ""
    else:
        result.assert_error(1, path)
    return result.status


def sign(path):
    """The time of the last sign of life, in nanoseconds, and whether the broker is connected."""
    time, state = SIGN.fullmatch(path.read_bytes()).groups()
    return int(time), state == b"serving"


def assert_goes_on(path):
    """Waits for another sign of life."""
    last, _ = sign(path)
    wait_until(lambda: sign(path)[0] > last, SOON, "the next sign of life")


def test_a_runner_that_waits_for_an_item(bench, alive):
    queue = bench.queue()
    bench.start("-q", queue.name, "--liveness-file", alive, worker=["true"])
    queue.wait_for_consumer()
    wait_until(lambda: sign(alive)[1], what="a sign that the broker is there")
    assert check(bench, alive) == 0
    assert check(bench, alive, "--ready") == 0
    assert_goes_on(alive)


def test_a_runner_whose_worker_runs(bench, alive):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, "--liveness-file", alive, worker=worker)
    worker.wait_for("holding")
    assert_goes_on(alive)
    assert check(bench, alive, "--ready") == 0
    worker.go()
    assert runner.finish().status == 0
    assert not alive.exists()
    assert check(bench, alive) == 1


def test_a_runner_without_a_broker_yet(bench, alive):
    queue = bench.queue()
    way = bench.proxy(listen=False)
    bench.start("-q", queue.name, "--liveness-file", alive, url=way.url, worker=["true"])
    wait_until(alive.exists, what="the liveness file")
    assert check(bench, alive) == 0
    assert check(bench, alive, "--ready") == 1
    assert_goes_on(alive)
    way.listen()
    wait_until(lambda: check(bench, alive, "--ready") == 0, what="readiness")


@pytest.mark.parametrize("on_disconnect", ["stop", "finish", "forever"])
def test_a_broker_outage(spare, spare_broker, on_disconnect):
    """An outage must not restart pods, least of all those that finish their work. A runner with --forever waits longer
    than --connect-timeout."""
    alive = spare.path("alive")
    queue = spare.queue("quorum", *([b"apple"] if on_disconnect == "finish" else []))
    worker = spare.worker("hold")
    options = ["--forever", "--connect-timeout", "1s"] if on_disconnect == "forever" else ["--on-disconnect", on_disconnect]
    runner = spare.start("-q", queue.name, "--liveness-file", alive, *options, worker=worker)
    wait_until(lambda: alive.exists() and alive.read_bytes() and sign(alive)[1], what="a sign that the broker is there")
    if on_disconnect == "finish":
        worker.wait_for("holding")
    spare.client.close()
    spare_broker.stop(keep_data=True)
    wait_until(lambda: not sign(alive)[1], what="a sign that the broker is gone")
    assert_goes_on(alive)
    assert check(spare, alive) == 0
    assert check(spare, alive, "--ready") == 1
    spare_broker.start()
    wait_until(lambda: sign(alive)[1], 40, "a sign that the broker is there again")
    assert check(spare, alive, "--ready") == 0
    if on_disconnect == "forever":
        queue.put(b"apple")
        worker.wait_for("holding")
        worker.go()
    runner.send(signal.SIGTERM)
    runner.finish()
    assert not alive.exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["STOP", "KILL"])
def test_a_runner_that_is_stopped_or_killed(bench, alive, name):
    queue = bench.queue()
    runner = bench.start("-q", queue.name, "--liveness-file", alive, worker=["true"])
    wait_until(lambda: alive.exists() and alive.read_bytes() and sign(alive)[1], what="a sign that the broker is there")
    runner.send(getattr(signal, "SIG" + name))
    assert check(bench, alive, "--max-age", "10s") == 0, "it is not yet too old"
    wait_until(lambda: check(bench, alive, "--max-age", "10s") == 1, 25, "an alarm")
    assert check(bench, alive) == 0, "30 s are the default"
    if name == "STOP":
        runner.send(signal.SIGCONT)
        wait_until(lambda: check(bench, alive, "--max-age", "10s", "--ready") == 0, what="the end of the alarm")


@pytest.mark.parametrize("ending", ["TERM", "69", "failure"])
def test_the_file_is_gone_with_the_runner(bench, alive, ending):
    if ending == "69":
        url = bench.proxy(listen=False).url
        result = bench.run(
            "-q", "any", "--liveness-file", alive, "--connect-timeout", "1s", url=url, worker=["true"]
        )
        assert result.status == 69, result
    else:
        queue = bench.queue("quorum", *([b"apple"] if ending == "failure" else []))
        worker = bench.worker("hold", "exit:3")
        runner = bench.start("-q", queue.name, "--liveness-file", alive, worker=worker)
        queue.wait_for_consumer()
        assert alive.exists()
        if ending == "TERM":
            runner.send(signal.SIGTERM)
        worker.go()
        assert runner.finish().status == (143 if ending == "TERM" else 3)
    assert not alive.exists()


def test_a_runner_takes_over_the_file_of_a_killed_one(bench, alive):
    queue = bench.queue()
    arguments = ["-q", queue.name, "--liveness-file", alive]
    runner = bench.start(*arguments, worker=["true"])
    wait_until(lambda: alive.exists() and sign(alive)[1], what="a runner that is ready")
    runner.send(signal.SIGKILL)
    runner.finish()
    queue.wait_for_consumer(0)
    way = bench.proxy(listen=False)
    bench.start(*arguments, url=way.url, worker=["true"])
    wait_until(lambda: not sign(alive)[1], what="the new runner's word")
    assert check(bench, alive) == 0
    assert check(bench, alive, "--ready") == 1


def test_both_commands_take_the_path_from_the_environment(bench, alive):
    """A probe gets the container's variables. It needs nothing else: no PATH, no HOME, no URL."""
    queue = bench.queue()
    settings = {"AMQP_JOB_LIVENESS_FILE": str(alive)}
    bench.start("-q", queue.name, env=settings, worker=["true"])
    queue.wait_for_consumer()
    subprocess.run([bench.binary, "check"], env=settings, check=True)
    missing = subprocess.run([bench.binary, "check"], env={}, capture_output=True, text=True, check=False)
    assert missing.returncode == 64
    assert "AMQP_JOB_LIVENESS_FILE" in missing.stderr


def test_the_wall_clock_does_not_matter(bench, alive):
    queue = bench.queue()
    bench.start("-q", queue.name, "--liveness-file", alive, worker=["true"])
    queue.wait_for_consumer()
    for time in 0, 1 << 32:
        os.utime(alive, (time, time))
        assert check(bench, alive) == 0


NO_SIGNS = {
    "empty": b"",
    "garbage": b"\xff" * 44,
    "another program's": b"1732560000\n",
    "half of one": b"amqp-job alive 000000000000",
    "of before the last boot": b"amqp-job alive 18446744073709551615 serving\n",
    "of long ago": b"amqp-job alive 00000000000000000001 serving\n",
    "large": b"amqp-job alive 00000000000000000001 serving\n" * 100_000,
}


@pytest.mark.parametrize("what", NO_SIGNS)
def test_a_file_without_a_sign_of_life(bench, what):
    assert check(bench, bench.file("alive", NO_SIGNS[what])) == 1


@pytest.mark.parametrize("what", ["missing", "directory", "pipe", "device", "unreadable"])
def test_paths_that_are_not_files(bench, alive, what):
    if what == "directory":
        alive.mkdir()
    elif what == "pipe":
        os.mkfifo(alive)
    elif what == "device":
        alive.symlink_to("/dev/zero")
    elif what == "unreadable":
        alive.symlink_to(alive)
    assert check(bench, alive) == 1


@pytest.mark.parametrize("max_age", ["9s", "0", "soon", ""])
def test_bad_max_age(bench, alive, max_age):
    result = bench.run("--liveness-file", alive, "--max-age", max_age, command="check", url=None)
    result.assert_error(64, "--max-age")


# A file that cannot be used


@pytest.mark.parametrize("what, words", [
    ("link", ["symbolic link"]), ("dangling link", ["symbolic link"]), ("link to itself", ["symbolic link"]),
    ("link to a runner's", ["symbolic link"]), ("hard link", ["hard link"]),
])
def test_links_are_not_followed(bench, alive, what, words):
    """A user who may write to the file's directory must not decide which file a runner writes or makes."""
    queue = bench.queue("quorum", b"apple")
    content = b"amqp-job alive 00000000000000000001 serving\n" if what == "link to a runner's" else b""
    target = bench.path("target")
    if what == "link to itself":
        alive.symlink_to(alive)
    else:
        if what != "dangling link":
            target.write_bytes(content)
        alive.hardlink_to(target) if what == "hard link" else alive.symlink_to(target)
    result = bench.run("-q", queue.name, "--liveness-file", alive, worker=["true"])
    result.assert_error(74, alive, "--liveness-file", *words)
    assert alive.is_symlink() or what == "hard link"
    assert target.exists() == ("dangling" not in what and "itself" not in what)
    assert not target.exists() or target.read_bytes() == content
    queue.assert_untouched()


def test_a_probe_follows_no_link(bench, alive):
    queue = bench.queue()
    bench.start("-q", queue.name, "--liveness-file", alive, worker=["true"])
    queue.wait_for_consumer()
    link = bench.path("link")
    link.symlink_to(alive)
    bench.run("--liveness-file", link, command="check", url=None).assert_error(1, link, "symbolic link")
    directory = bench.path("directory")
    directory.symlink_to(bench.directory)
    assert check(bench, directory / "alive") == 0, "on the way to it links are as good as any"


@pytest.mark.parametrize("what", ["missing directory", "directory", "another program's"])
def test_a_runner_does_not_start_without_its_file(bench, what):
    queue = bench.queue("quorum", b"apple")
    path = {
        "missing directory": bench.path("missing") / "alive",
        "directory": bench.directory,
        "another program's": bench.file("precious", "do not touch\n"),
    }[what]
    result = bench.run("-q", queue.name, "--liveness-file", path, worker=["true"])
    result.assert_error(74, path, "--liveness-file")
    if what == "another program's":
        assert path.read_text() == "do not touch\n"
    queue.assert_untouched()


def test_a_file_that_cannot_be_written_any_more_ends_nothing(bench, alive):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    # The log goes through another process, which may write. Popen would reset SIGXFSZ, by which the kernel ends the
    # process.
    through = ["bash", "-c", 'exec "$@" 2> >(exec cat >&2)', "bash"]
    runner = bench.start(
        "-q", queue.name, "--liveness-file", alive, worker=worker, prefix=through, restore_signals=False)
    worker.wait_for("holding")
    resource.prlimit(runner.pid, resource.RLIMIT_FSIZE, (0, 0))
    wait_until(lambda: "liveness file" in runner.stderr, SOON, "a warning")
    worker.go()
    assert runner.finish().status == 0
    bench.assert_nothing_left()
    assert len(runner.stderr.splitlines()) == 1, "it is said once"


@pytest.mark.skipif(not CAN_ISOLATE, reason="needs a mount of its own")
def test_a_probe_leaves_the_termination_log_to_the_runner(bench, alive):
    copy = bench.path("termination-log")
    isolate = [PYTHON, "-IS", str(processes.HERE / "isolate.py"), "termination-log", str(copy)]
    result = bench.run("--liveness-file", alive, command="check", url=None, prefix=isolate)
    assert result.status == 1
    assert copy.read_text() == ""


def test_what_is_no_liveness_file_is_said_to_be_none(bench):
    for path in bench.directory, bench.file("other", "text"):
        result = bench.run("--liveness-file", path, command="check", url=None)
        assert result.status == 1 and f"this is no runner's liveness file ({path})" in result.stderr, result
