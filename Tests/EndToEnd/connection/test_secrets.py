"""Where passwords must not appear, and which of the runner's settings the worker gets."""

import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import pytest

from support.processes import PYTHON, read_proc, wait_until
from support.users import user

pytestmark = pytest.mark.any_broker

SECRET = "S3cretPassw0rd"


READER = """
import os, sys
for name in "environ", "mem", "fd":
    path = f"/proc/{sys.argv[1]}/{name}"
    try:
        os.listdir(path) if name == "fd" else open(path, "rb").read(0)
        print(name, "readable")
    except PermissionError:
        print(name, "refused")
"""


@pytest.fixture
def secret_user(bench):
    """The URL of a broker's user whose password cannot be confused with anything else."""
    with user(bench, ".*", ".*", ".*", password=SECRET) as made:
        yield made.url


@pytest.mark.parametrize("form", ["--url X", "--url=X"])
def test_password_in_argv_is_overwritten(bench, secret_user, form):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    option = ["--url", secret_user] if form == "--url X" else ["--url=" + secret_user]
    runner = bench.start("-q", queue.name, *option, url=None, worker=worker)
    worker.wait_for("holding")
    command_line = read_proc(runner.pid, "cmdline")
    assert queue.name.encode() in command_line, "the rest has to stay readable"
    assert SECRET.encode() not in command_line
    worker.go()
    result = runner.finish()
    assert result.status == 0, result
    assert SECRET not in result.stderr
    warnings = [line for line in result.lines if line.startswith("amqp-job: ") and "--url" in line]
    assert len(warnings) == 1, result


@pytest.mark.parametrize("command, arguments", [
    ("run", ["-q", "any", "--", "true"]), ("publish", ["-q", "any", "apple"]), ("status", ["any"]), ("declare", ["any"]),
    ("dead", ["list", "any"]),
])
def test_a_login_that_is_refused_is_one_line(bench, secret_user, command, arguments):
    """A password that opens nothing deserves no warning."""
    result = bench.run("--url", secret_user.replace(SECRET, "x" + SECRET), *arguments, url=None, command=command)
    result.assert_error(77, "refused")
    assert SECRET not in result.stderr


def test_no_warning_for_a_url_without_a_password(bench, secret_user):
    queue = bench.queue("quorum", b"apple")
    secret = bench.file("password", SECRET, mode=0o600)
    result = bench.run(
        "-q", queue.name, "--url", secret_user.replace(":" + SECRET, ""), "--password-file", secret,
        url=None, worker=["true"],
    )
    assert (result.status, result.stderr) == (0, ""), result


@pytest.mark.parametrize("log", ["text", "json"])
def test_password_is_never_logged(bench, secret_user, log):
    queue = bench.queue("quorum", b"apple")
    for url, wanted in ((secret_user, 0), (secret_user.replace(SECRET, "x" + SECRET), 77),
                        (f"amqp://u:{SECRET}@127.0.0.1:1", 69)):
        result = bench.run(
            "-q", queue.name, "-v", "--log-format", log, "--connect-timeout", "500ms", url=None,
            env={"AMQP_URL": url}, worker=["true"],
        )
        assert result.status == wanted, result
        assert SECRET not in result.stderr, result


@pytest.mark.parametrize("character, code", [("/", "%2F"), ("?", "%3F"), ("#", "%23"), (",", "%2C"), ("%", "%25")])
def test_a_password_that_needs_percent_encoding(bench, links, character, code):
    """The message says how to write the character, and shows nothing of the password."""
    first, second = "S3cret", "Passw0rd"
    url = f"amqp://u:{first}{character}{second}@127.0.0.1:1/v"
    results = [bench.run("-q", "any", worker=["true"], url=None, env={"BROKER_URL": url})]
    results[0].assert_error(64, "BROKER_URL", f"'{character}'", code)
    results.append(bench.run(command=url, url=None))  # It is in the wrong place.
    if character != ",":  # The originals accept no lists.
        results.append(bench.run(url, "-q", "any", "true", command="-u", url=None, binary=links / "amqp-consume"))
        assert code in results[-1].stderr, results
    for result in results:
        assert result.status != 0, result
        assert first.lower() not in result.stderr.lower() and second.lower() not in result.stderr.lower(), result


def test_settings_are_withheld_from_the_worker(bench, secret_user):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker()
    result = bench.run(
        "-v", url=None, worker=worker,
        env={
            "BROKER_URL": secret_user, "QUEUE": queue.name, "AMQP_JOB_TIMEOUT": "30s", "AMQP_SOMETHING": "x",
            "KEPT": "kept", "MY_AMQP_URL": "kept",
        },
    )
    assert result.status == 0, result
    seen = worker.environment
    for name in "BROKER_URL", "QUEUE", "AMQP_JOB_TIMEOUT", "AMQP_SOMETHING":
        assert name not in seen
    assert SECRET not in " ".join(seen.values())
    assert seen["KEPT"] == seen["MY_AMQP_URL"] == "kept"
    lines = [line for line in result.lines if "BROKER_URL" in line]
    assert len(lines) == 1, result
    for name in "QUEUE", "AMQP_JOB_TIMEOUT", "AMQP_SOMETHING":
        assert name in lines[0], result


def test_settings_that_were_not_used_reach_the_worker(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker()
    theirs = {"BROKER_URL": "redis://cache", "QUEUE": "celery"}
    result = bench.run("-q", queue.name, worker=worker, env=theirs)
    assert (result.status, result.stderr) == (0, ""), result
    assert {name: worker.environment.get(name) for name in theirs} == theirs


def test_pass_env(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker()
    theirs = {"AMQP_URL": bench.broker.url, "QUEUE": queue.name, "AMQP_JOB_GRACE": "5s"}
    result = bench.run("--pass-env", url=None, worker=worker, env=theirs)
    assert (result.status, result.stderr) == (0, ""), result
    assert {name: worker.environment.get(name) for name in theirs} == theirs


def test_secret_files_do_not_reach_the_worker(bench):
    """Neither a descriptor nor a variable leads the worker to the content of the file."""
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker()
    assert bench.run("-q", queue.name, worker=worker).status == 0
    assert sorted(worker.start["descriptors"]) == [0, 1, 2]
    assert not any(bench.broker.url in value for value in worker.environment.values())


def test_worker_cannot_read_the_runners_environment(bench):
    """The runner and the worker belong to the same user, who is not root. That user may read its other processes."""
    queue = bench.queue("quorum", b"apple")
    place = pathlib.Path(tempfile.mkdtemp(prefix=bench.marker))
    place.chmod(0o755)
    try:
        binary = shutil.copy(bench.binary, place / "amqp-job")
        os.chmod(binary, 0o755)
        prefix = ["setpriv"]
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            prefix += [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", "--inh-caps=-all"]
        reader = place / "reader.py"
        reader.write_text(READER)
        # An ordinary process of the same user serves as the control.
        ordinary = subprocess.Popen([*prefix, "sleep", "60"], env=bench.environment(), stdin=subprocess.DEVNULL)
        try:
            wait_until(lambda: read_proc(ordinary.pid, "comm") == b"sleep\n", what="the control process")
            seen = subprocess.run(
                [*prefix, PYTHON, str(reader), str(ordinary.pid)], capture_output=True, text=True, timeout=60
            )
            assert "environ readable" in seen.stdout, f"this test cannot tell anything here: {seen}"
        finally:
            ordinary.kill()
            ordinary.wait()
        # The shell prints its process id, and becomes the runner.
        result = bench.run(
            "-q", queue.name, url=None, binary=binary, env={"AMQP_URL": bench.broker.url},
            prefix=[*prefix, "sh", "-c", 'export RUNNER=$$; exec "$@"', "sh"],
            worker=["sh", "-c", f'exec {PYTHON} {reader} "$RUNNER"'],
        )
        assert result.status == 0, result
        assert result.stdout.decode().splitlines() == ["environ refused", "mem refused", "fd refused"]
    finally:
        shutil.rmtree(place)
