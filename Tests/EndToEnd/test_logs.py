"""Lines for people and for machines."""

import json
import re

import pika
import pytest

import processes
from processes import CAN_ISOLATE, PYTHON

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


def test_a_json_line_per_item(bench):
    queue = bench.queue("quorum")
    queue.put(b"apple", message_id='quo"te\\\n\x01é')
    lines = []
    for status in 7, 0:
        result = bench.run("-q", queue.name, "--log-format", "json", worker=["sh", "-c", f"exit {status}"])
        assert result.status == status
        parsed = [json.loads(line) for line in result.lines]  # each of them
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
    """As any other line of the log, so that whoever collects it need not know two forms."""
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
    """Errors alone."""
    queue = bench.queue("quorum", b"apple")
    result = bench.run(
        "-q", queue.name, "--quiet", url=None, env={"AMQP_URL": bench.broker.url}, worker=["sh", "-c", "exit 3"]
    )
    result.assert_error(3, queue.name)
    result = bench.run("-q", queue.name, "--quiet", url=None, env={"AMQP_URL": bench.broker.url}, worker=["true"])
    assert (result.status, result.stderr) == (0, ""), result
    bench.run("-q", "no-such-queue", "--quiet", worker=["true"]).assert_error(66, "no-such-queue")


@pytest.mark.skipif(not CAN_ISOLATE, reason="namespaces are not to be had here")
def test_termination_log(bench):
    """Where Kubernetes offers it, the line goes there too, within the 4 KiB that it takes."""
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
    assert copy.read_bytes() == b""


def start_waiting(bench):
    queue = bench.queue("quorum")
    return queue, bench.start("-q", queue.name, worker=["true"])


@pytest.mark.slow
@pytest.mark.limit(100)
@pytest.mark.background(prepare=start_waiting)
def test_a_line_a_minute_while_waiting(prepared):
    queue, runner = prepared
    processes.wait_until(lambda: runner.stderr, 90, "a line that says what is waited for")
    assert queue.name in runner.stderr
    queue.put(b"apple")
    result = runner.finish()
    assert result.status == 0, result
    queue.assert_empty()
