"""amqp-job declare --consumer-timeout: how long a consumer may hold an item."""

import pytest

from support.declarations import dead_lettering, declare, declared


def heeds_consumer_timeout(bench, kind):
    return (3, 12) <= bench.broker.version and (kind == "quorum" or bench.broker.version < (4, 3))


def test_consumer_timeout(bench, kind):
    queue = bench.work_queue(declare=False)
    result = declare(bench, queue.name, "--type", kind, "--consumer-timeout", "2m")
    assert result.status == 0, result
    heeds = heeds_consumer_timeout(bench, kind)
    if heeds:
        assert result.stderr == ""
    else:
        assert len(result.lines) == 1 and "consumer timeout" in result.stderr and queue.name in result.stderr, result
    assert declared(queue, **dead_lettering(queue.dead.name, kind), **({"x-consumer-timeout": 120_000} if heeds else {}))


def test_consumer_timeout_is_kept(bench, kind):
    """A broker that knows this argument takes an item back from a consumer that is too slow."""
    if not heeds_consumer_timeout(bench, kind):
        pytest.skip("this broker does not heed it")
    queue = bench.work_queue(kind, options=("--consumer-timeout", "1s"))
    queue.put(b"apple")
    runner = bench.start("-q", queue.name, worker=["sleep", "100"])
    queue.wait_for_consumer()
    assert runner.finish(90).status == 76
    queue.assert_back()


@pytest.mark.parametrize("options", [
    ["--consumer-timeout", "0"], ["--consumer-timeout", "soon"], ["--arg", "x-consumer-timeout=60000"],
    ["--delete", "--consumer-timeout", "1m"],
], ids=" ".join)
def test_impossible_consumer_timeout(bench, options):
    declare(bench, "any", *options).assert_error(64, "--consumer-timeout")
