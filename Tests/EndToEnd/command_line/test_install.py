"""`amqp-job install`."""

import os
import shutil
import signal
import stat
import subprocess
import threading

import pytest

from support.processes import CAN_ISOLATE

pytestmark = pytest.mark.any_broker

NAMES = ["amqp-consume", "amqp-publish", "amqp-declare-queue", "amqp-get", "amqp-delete-queue"]


@pytest.fixture
def target(bench):
    path = bench.path("shared")
    path.mkdir()
    return path


def install(bench, directory, *arguments, **options):
    return bench.run(directory, *arguments, command="install", url=None, **options)


def assert_installed(bench, directory, *others):
    """Asserts that the copy is complete and executable for everybody, and that nothing is beside it except `others`."""
    program = directory / "amqp-job"
    assert program.read_bytes() == open(bench.binary, "rb").read()
    assert stat.S_IMODE(program.stat().st_mode) == 0o755
    assert sorted(os.listdir(directory)) == sorted(["amqp-job", *others])
    answer = subprocess.run([program, "--version"], capture_output=True, check=True)
    assert answer.stdout.startswith(b"amqp-job ")


@pytest.mark.parametrize("umask", [0o022, 0o077, 0])
def test_install(bench, target, umask):
    result = install(bench, target, umask=umask)
    assert (result.status, result.stdout, result.stderr) == (0, b"", "")
    assert_installed(bench, target)


def test_the_installed_one_installs(bench, target):
    install(bench, target)
    other = bench.path("other")
    other.mkdir()
    result = install(bench, other, binary=str(target / "amqp-job"))
    assert result.status == 0, result
    assert_installed(bench, other)
    assert install(bench, target, binary=str(target / "amqp-job")).status == 0, "in its own place"
    assert_installed(bench, target)


@pytest.mark.parametrize("there", ["another version", "read-only", "link", "dangling link"])
def test_what_is_there_is_replaced(bench, target, there):
    program = target / "amqp-job"
    elsewhere = bench.file("elsewhere", "not to be touched")
    if there.endswith("link"):
        program.symlink_to(elsewhere if there == "link" else bench.path("missing"))
    else:
        program.write_text("#!/bin/sh\n")
        program.chmod(0o400 if there == "read-only" else 0o755)
    assert install(bench, target).status == 0
    assert not program.is_symlink()
    assert_installed(bench, target)
    assert elsewhere.read_text() == "not to be touched"


def test_a_running_program_is_replaced_and_goes_on(bench, target):
    install(bench, target)
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, worker=worker, binary=str(target / "amqp-job"))
    worker.wait_for("holding")
    assert install(bench, target).status == 0
    assert_installed(bench, target)
    worker.go()
    assert runner.finish().status == 0


def test_a_program_that_is_started_meanwhile_is_complete(bench, target):
    install(bench, target)
    ended = threading.Event()
    statuses = []

    def use():
        while not ended.is_set():
            statuses.append(subprocess.run([target / "amqp-job", "--version"], stdout=subprocess.DEVNULL).returncode)

    users = [threading.Thread(target=use) for _ in range(3)]
    for user in users:
        user.start()
    try:
        installers = [bench.start(target, command="install", url=None) for _ in range(20)]
        assert [installer.finish().status for installer in installers] == [0] * 20
    finally:
        ended.set()
        for user in users:
            user.join()
    assert set(statuses) == {0}, "an OSError would have ended its thread"
    assert len(statuses) > 20
    assert_installed(bench, target)


def test_as_any_user(bench, target):
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    program = bench.path("amqp-job")
    shutil.copy(bench.binary, program)
    bench.directory.chmod(0o755)
    os.chown(target, 65532, 65532)
    result = install(bench, target, "--links", binary=str(program), user=65532, group=65532, extra_groups=[])
    assert result.status == 0, result
    assert_installed(bench, target, *NAMES)
    result = install(bench, bench.directory, binary=str(program), user=65532, group=65532, extra_groups=[])
    result.assert_error(74, bench.directory / "amqp-job", "denied")


# Links


def test_links(bench, target):
    result = install(bench, target, "--links")
    assert (result.status, result.stdout, result.stderr) == (0, b"", "")
    assert_installed(bench, target, *NAMES)
    assert {os.readlink(target / name) for name in NAMES} == {"amqp-job"}
    shutil.move(target, bench.path("moved"))
    (bench.path("moved") / "amqp-get").stat()  # A broken link would raise an error.
    assert install(bench, bench.path("moved"), "--links").status == 0, "over those that are there"
    assert_installed(bench, bench.path("moved"), *NAMES)


def test_a_link_never_replaces_another_program(bench, target):
    """Such a file may be Debian's amqp-consume."""
    (target / "amqp-get").write_text("precious")
    install(bench, target, "--links").assert_error(74, target / "amqp-get", "exists", "remove it first, or leave out --links")
    assert (target / "amqp-get").read_text() == "precious"


@pytest.mark.parametrize("name", NAMES)
def test_a_link_runs_the_program_of_its_name(bench, target, name):
    install(bench, target, "--links")
    for program in target / name, name:
        done = subprocess.run([program], env={"PATH": str(target)}, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert name in done.stderr and "specified" in done.stderr, done.stderr


# What cannot be done


def test_bad_usage(bench, target):
    install(bench, "").assert_error(64, "DIR")
    bench.run(command="install", url=None).assert_error(64, "DIR")
    install(bench, target, "--link").assert_error(64, "--link")
    install(bench, target, target).assert_error(64, target)
    assert os.listdir(target) == []


def test_a_target_that_is_not_a_directory(bench, target):
    for options in [], ["--links"]:
        install(bench, target / "missing", *options).assert_error(
            74, target / "missing", f"there is no such directory; 'mkdir -p {target}/missing' makes it")
    install(bench, bench.file("file", "")).assert_error(74, "not a directory")
    assert os.listdir(target) == []


def test_a_directory_in_the_place_of_the_program(bench, target):
    (target / "amqp-job").mkdir()
    install(bench, target).assert_error(74, target / "amqp-job", "directory")
    assert os.listdir(target) == ["amqp-job"]


@pytest.mark.skipif(not CAN_ISOLATE, reason="needs a mount of its own")
@pytest.mark.parametrize("options, words", [("size=1m", ["no space"]), ("ro", ["read-only"])])
def test_a_file_system_that_takes_nothing(bench, target, options, words):
    script = f'mount -t tmpfs -o {options} none {target}; "$@"; status=$?; ls -A {target}; exit $status'
    result = install(bench, target, prefix=["unshare", "--mount", "sh", "-c", script, "sh"])
    result.assert_error(74, target / "amqp-job", *words)
    assert result.stdout == b"", "something is left"


def test_a_limit_on_the_size_of_files(bench, target):
    """The kernel also sends SIGXFSZ, which would end it without a message."""
    limited = ["sh", "-c", 'ulimit -f 1000; exec "$@"', "sh"]
    install(bench, target, prefix=limited).assert_error(74, target / "amqp-job", "too large")
    assert os.listdir(target) == []


def test_a_signal_leaves_no_part_of_the_program(bench, target):
    """It is too quick to be killed at a chosen moment. At any moment either the whole program is there, or nothing."""
    for delay in range(20):
        installer = bench.start(target, command="install", url=None)
        installer.ended.wait(delay / 1000)
        installer.send(signal.SIGTERM)
        installer.finish()
        if (target / "amqp-job").exists():
            assert (target / "amqp-job").read_bytes() == open(bench.binary, "rb").read()
