"""Log lines for people and for machines."""

import datetime
import json
import os
import re

import pika
import pytest

from support import processes
from support.processes import CAN_ISOLATE, PYTHON

pytestmark = pytest.mark.any_broker


def test_a_line_per_item(bench):
    queue = bench.queue("quorum")
    queue.put(b"apple", message_id="id-of-the-apple")
    for attempt, command, words in (1, "exit 75", ("75", "given back")), (2, "exit 0", ("acked",)):
        result = bench.run("-q", queue.name, "-v", worker=["sh", "-c", command])
        (line,) = [line for line in result.lines if "id-of-the-apple" in line]
        assert line.startswith("amqp-job: ")
        for word in (*words, f"attempt {attempt}"):
            assert word in line, line
        assert re.search(r"\b\d+\.?\d* ?m?s\b", line), f"no time in {line!r}"


def test_an_attempt_that_the_queue_does_not_count(bench):
    """A classic queue tells that an item came back, but not how many times."""
    queue = bench.queue("classic", b"apple")
    bench.run("-q", queue.name, worker=["false"]).assert_error(1, "attempt 1,")
    bench.run("-q", queue.name, worker=["false"]).assert_error(1, "attempt 2 or a later one,")
    result = bench.run("-q", queue.name, "--log-format", "json", worker=["true"])
    (line,) = [line for line in map(json.loads, result.lines) if "attempt" in line]
    assert (line["attempt"], line["attempt_is_minimum"]) == (2, True)


def test_a_json_line_per_item(bench):
    queue = bench.queue("quorum")
    queue.put(b"apple", message_id='quo"te\\\n\x01é')
    lines = []
    for status in 7, 0:
        result = bench.run("-q", queue.name, "--log-format", "json", worker=["sh", "-c", f"exit {status}"])
        assert result.status == status
        parsed = [json.loads(line) for line in result.lines]  # Each line is JSON.
        lines += [line for line in parsed if "settlement" in line]
    first, second = lines
    assert first["id"] == second["id"] == 'quo"te\\\n\x01é'
    assert (first["attempt"], second["attempt"]) == (1, 2)
    assert (first["status"], second["status"]) == (7, 0)
    assert (first["settlement"], second["settlement"]) == ("given-back", "acked")
    assert isinstance(first["seconds"], float) and 0 <= first["seconds"] < 30
    assert first["queue"] == queue.name


@pytest.mark.parametrize("command, arguments, status", [
    ("run", ["-q", "no-such-queue", "--", "true"], 66), ("run", ["-q", "x", "--feed", "arg", "--", "true"], 64),
    ("publish", ["-q", "no-such-queue", "apple"], 66), ("declare", [""], 64), ("status", ["no-such-queue"], 66),
    ("dead", ["list", "no-such-queue"], 66), ("manifest", ["no-such-kind"], 64),
])
def test_a_failure_as_json(bench, command, arguments, status):
    """They have the form of all other log lines, so that a log collector has to know one form only."""
    result = bench.run("--log-format", "json", *arguments, command=command)
    assert result.status == status, result
    assert [json.loads(line)["level"] for line in result.lines if "level" in line][-1] == "error", result
    assert all(line.startswith("{") for line in result.lines), result


def test_json_of_an_id_that_is_not_utf8(bench):
    peer = bench.peer((b"apple", pika.BasicProperties(message_id=b"\xff\xfe")))
    result = bench.run("-q", "queue", "--log-format", "json", url=peer.url, worker=["true"])
    assert result.status == 0, result
    assert [line for line in map(json.loads, result.lines) if line.get("settlement") == "acked"]


def test_quiet(bench):
    """Only errors are shown."""
    queue = bench.queue("quorum", b"apple")
    result = bench.run(
        "-q", queue.name, "--quiet", url=None, env={"AMQP_URL": bench.broker.url}, worker=["sh", "-c", "exit 3"]
    )
    result.assert_error(3, queue.name)
    result = bench.run("-q", queue.name, "--quiet", url=None, env={"AMQP_URL": bench.broker.url}, worker=["true"])
    assert (result.status, result.stderr) == (0, ""), result
    bench.run("-q", "no-such-queue", "--quiet", worker=["true"]).assert_error(66, "no-such-queue")


TIME = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z"


def test_lines_with_times(bench):
    """Text lines have a time on request, and JSON lines always."""
    queue = bench.queue("quorum", b"apple", b"pear")
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(milliseconds=1)
    text = bench.run("-q", queue.name, "-v", "--log-time", worker=["true"])
    assert text.lines and all(re.match(TIME + " amqp-job: ", line) for line in text.lines), text
    parsed = [json.loads(line) for line in bench.run("-q", queue.name, "--log-format", "json", worker=["true"]).lines]
    times = [text.lines[0].split()[0], *[line["time"] for line in parsed]]
    assert before < datetime.datetime.fromisoformat(times[0].replace("Z", "+00:00"))
    assert times == sorted(times) and all(re.fullmatch(TIME, time) for time in times), times
    failed = bench.run("-q", "no-such-queue", "--log-time", worker=["true"])
    assert failed.status == 66 and re.match(TIME + " amqp-job: ", failed.lines[0]), failed


def test_a_file_of_its_own(bench):
    """Errors go to standard error, too. The earlier content of the file stays."""
    queue = bench.queue("quorum", b"apple", b"pear")
    log = bench.file("log", "before\n")
    options = ("-q", queue.name, "--log-file", log)
    result = bench.run(*options, "-v", worker=["sh", "-c", "echo worker >&2"])
    assert (result.status, result.lines) == (0, ["worker"]), result
    result = bench.run(*options, worker=["sh", "-c", "exit 3"])
    result.assert_error(3, "exited with 3")
    lines = log.read_text().splitlines()
    assert lines[0] == "before" and "acked" in lines[-2] and lines[-1] == result.lines[0], lines


@pytest.mark.parametrize("command, arguments", [
    ("publish", ["-q", "no-such-queue", "apple"]), ("declare", ["a", "--delete", "--if-empty", "-q", "b"]),
    ("status", ["no-such-queue"]), ("dead", ["list", "no-such-queue"]), ("run", ["-q", "x", "-n", "none", "--", "true"]),
])
def test_every_commands_log_has_a_file(bench, command, arguments):
    log = bench.path("log")
    result = bench.run("--log-time", *arguments, command=command, env={"AMQP_JOB_LOG_FILE": str(log)})
    lines = [*log.read_text().splitlines(), *result.lines]
    assert result.status in (64, 66) and len(lines) == 2 and all(re.match(TIME, line) for line in lines), result
    assert len({re.sub(TIME, "", line) for line in lines}) == 1, lines


def test_a_file_that_cannot_be_opened(bench):
    queue = bench.queue("quorum", b"apple")
    for path, reason in (bench.path("missing") / "log", "no such file"), (bench.directory, "directory"):
        result = bench.run("-q", queue.name, "--log-file", path, worker=["true"])
        result.assert_error(74, str(path), reason, "--log-file")
    queue.assert_untouched()


def test_a_file_that_takes_no_more(bench):
    """The work goes on, and the lines go to standard error. One log file is on a full disk, the other is a pipe that
    nobody reads fast enough."""
    queue = bench.queue("quorum", b"apple", b"pear")
    result = bench.run("-q", queue.name, "-v", "--log-file", "/dev/full", worker=["true"])
    assert result.status == 0 and "acked" in result.stderr, result
    pipe = bench.path("pipe")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    bench.closers.append(lambda: os.close(reader))
    while True:
        try:
            os.write(reader, b"x" * 4096)
        except BlockingIOError:
            break
    result = bench.run("-q", queue.name, "-v", "--log-file", pipe, worker=["true"])
    assert result.status == 0 and "acked" in result.stderr, result


@pytest.mark.skipif(not CAN_ISOLATE, reason="namespaces are not to be had here")
def test_termination_log(bench):
    """Where Kubernetes provides the file, the line goes there, too. The file takes at most 4 KiB."""
    copy = bench.path("termination-log")
    isolate = [PYTHON, "-IS", str(processes.HERE / "isolate.py"), "termination-log", str(copy)]
    result = bench.run("-q", "no-such-queue", worker=["true"], prefix=isolate)
    result.assert_error(66, "no-such-queue")
    assert copy.read_text().strip() == result.stderr.strip()
    bench.run("-q", "any", "--timeout", "x" * 20000, worker=["true"], prefix=isolate)
    assert 0 < copy.stat().st_size <= 4096
    queue = bench.queue("quorum", b"apple")
    result = bench.run("-q", queue.name, worker=["true"], prefix=isolate)
    assert result.status == 0
    done = json.loads(copy.read_text())
    assert done.pop("seconds") >= 0 and done == {"attempt": 1, "settlement": "acked", "status": 0}
    for number in range(3):
        queue.put(b"pear", message_id=f"pear-{number}")
    result = bench.run("-q", queue.name, "-n", "3", worker=["true"], prefix=isolate)
    assert result.status == 0, result
    done = json.loads(copy.read_text())
    assert done["acked"] == 3 and done["items"] == ["pear-0", "pear-1", "pear-2"], done


@pytest.mark.slow
def test_a_line_a_minute_while_waiting(bench):
    queue = bench.queue("quorum")
    runner = bench.start("-q", queue.name, worker=["true"])
    processes.wait_until(lambda: runner.stderr, 90, "a line that says what is waited for")
    assert queue.name in runner.stderr
    queue.put(b"apple")
    result = runner.finish()
    assert result.status == 0, result
    queue.assert_empty()
