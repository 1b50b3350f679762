"""Zero as the value of an option: no limit, or no time."""

import pytest

from support.processes import PROMPT, wait_until

pytestmark = pytest.mark.any_broker


def test_no_limit_of_time(bench, queue):
    queue.put(b"apple")
    result = bench.run(
        "-q", queue.name, "--timeout", "0", "--connect-timeout", "0", "--max-item-size", "0", "--drain-timeout", "0", "--drain",
        "--wait-first", "0", "--quiet", worker=["cat"])
    assert (result.status, result.stdout, result.stderr) == (0, b"apple", ""), result
    result = bench.run(queue.name, "--until", "drained", "--drain-timeout", "0", command="status")
    assert (result.status, result.stdout, result.stderr) == (0, b"", ""), result


def test_zero_outweighs_the_environment(bench, queue):
    queue.put(b"apple")
    result = bench.run(
        "-q", queue.name, "--timeout", "0", worker=["sh", "-c", "sleep 0.4; cat"], env={"AMQP_JOB_TIMEOUT": "100ms"})
    assert (result.status, result.stdout) == (0, b"apple"), result


@pytest.mark.parametrize("command", ["run", "status", "publish"])
def test_no_limit_for_an_outage(bench, queue, command):
    """As a duration, zero would end it at once."""
    queue.put(b"apple")
    proxy = bench.proxy(listen=False)
    worker = ["true"] if command == "run" else None
    process = bench.start(
        "-q", queue.name, "--connect-timeout", "0", *(["a"] if command == "publish" else []), command=command, url=proxy.url,
        worker=worker)
    with pytest.raises(AssertionError, match="still runs"):
        process.finish(0.5)
    proxy.listen()
    assert process.finish().status == 0


def test_no_grace(bench, queue):
    queue.put(b"apple")
    result = bench.run(
        "-q", queue.name, "--timeout", "300ms", "--grace", "0", worker=bench.script("trap '' TERM\nwhile :; do sleep 0.1; done\n"),
        timeout=PROMPT)
    assert result.status == 124, result


def test_no_delay(bench, queue):
    queue.put(b"apple")
    result = bench.run("-q", queue.name, "--retry-delay", "0", "--max-attempts", "2", worker=["false"])
    assert result.status == 1, result
    wait_until(lambda: queue.depth() == 1, PROMPT / 2, "the item to be back at once")
    redelivered, properties, body = queue.take()
    assert body == b"apple" and properties.headers["x-amqp-job-attempts"] == 1
