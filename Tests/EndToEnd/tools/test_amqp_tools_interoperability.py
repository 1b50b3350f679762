"""Debian's amqp-tools at the other end, and as the measure."""

import shutil
import subprocess

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("amqp-consume"), reason="amqp-tools are not installed")


def tool(bench, name, *arguments, **options):
    host, port = bench.broker.address
    return subprocess.run(
        [name, f"--server={host}", f"--port={port}", *arguments],
        env=bench.environment(), capture_output=True, timeout=60, **options,
    )


@pytest.mark.parametrize("publisher", ["amqp-publish", "amqp-job"])
@pytest.mark.parametrize("consumer", ["amqp-consume", "amqp-job"])
def test_amqp_tools_and_amqp_job_understand_each_other(bench, publisher, consumer):
    queue = bench.queue("classic")
    body = b"apple \xff\0 pear"
    if publisher == "amqp-publish":
        assert tool(bench, "amqp-publish", "-r", queue.name, "-p", input=body).returncode == 0
    else:
        result = bench.run("-q", queue.name, command="publish", stdin=bench.input(body))
        assert result.status == 0, result
    queue.assert_back(1)
    if consumer == "amqp-consume":
        done = tool(bench, "amqp-consume", "-q", queue.name, "-c", "1", "cat")
        assert (done.returncode, done.stdout) == (0, body)
    else:
        result = bench.run("-q", queue.name, worker=["cat"])
        assert (result.status, result.stdout) == (0, body), result
    queue.assert_empty()


def test_amqp_consume_reports_success_for_a_failed_worker(bench):
    """This is why amqp-job exists: the worker exits 3, the tool exits 0, and the item is still there."""
    queue = bench.queue("classic", b"apple")
    worker = bench.script("cat >/dev/null; exit 3")  # A worker that reads nothing may kill the tool by SIGPIPE.
    done = tool(bench, "amqp-consume", "-q", queue.name, "-c", "1", *worker)
    assert done.returncode == 0
    queue.assert_back(1)
    assert bench.run("-q", queue.name, worker=worker).status == 3
    queue.assert_back(1)
