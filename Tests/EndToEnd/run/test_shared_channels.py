"""Slots that share a channel. RabbitMQ gives what one channel of a lost connection held to the consumers of another, although
that one is lost, too, and counts each time."""

import signal

import pytest

from support.processes import wait_until


def in_batches(size):
    return ["--batch", str(size), "--feed", "lines", "--batch-wait", "1h"]


@pytest.mark.parametrize("options, slots", [
    (in_batches(50), 50), (["-j", "20"], 20), (["-j", "3", *in_batches(10)], 30),
], ids=["batch", "workers", "batches"])
def test_a_runner_that_is_killed_counts_once_for_each_item(bench, options, slots):
    if "-j" in options and bench.broker.version < (4, 3):
        pytest.skip("there, an item that is held for too long costs its whole channel, so workers do not share one")
    queue = bench.work_queue("quorum", *[b"%d" % number for number in range(5)])
    for _ in range(3):
        runner = bench.start("-q", queue.name, "--drain", *options, worker=["sleep", "1000"])
        wait_until(lambda: queue.depth() == 0 and queue.consumers() == slots, what="the items in hand")  # noqa: B023
        runner.send(signal.SIGKILL)
        assert runner.finish().status == -signal.SIGKILL
        queue.assert_back(5)
    assert [properties.headers["x-delivery-count"] for _, properties, _ in queue.take_all()] == [3] * 5


def test_a_broker_that_limits_the_consumers_of_a_channel(spare):
    if spare.broker.version < (3, 12):
        pytest.skip("this broker has no such limit")
    queue = spare.work_queue("quorum", *[b"%d" % number for number in range(8)])
    with spare.broker.setting("consumer_max_per_channel", 3):
        result = spare.run("-q", queue.name, "-n", "8", *in_batches(8), worker=["sh", "-c", 'echo "$WORK_ITEM_COUNT"'], timeout=60)
    assert (result.status, result.stdout) == (0, b"8\n"), result
    assert "consumer_max_per_channel" in result.stderr
    queue.assert_empty()
