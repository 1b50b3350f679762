"""Items that are not as AMQP wants them: each is an item's trouble, and never the queue's."""

import json
import subprocess

import pytest

from dead_letters import dead
from processes import wait_until
from raw_publisher import publish_raw

# Flags that announce more flags, which are not there.
UNREADABLE = b"\x00\x01"
# RabbitMQ does not look at the last bit, nor does anybody who reads the properties behind it.
READABLE = b"\x80\x01\x0atext/plain"


def put(bench, queue, properties, body=b"odd"):
    if not publish_raw(bench.broker.url, queue.name, properties, body):
        pytest.skip("this RabbitMQ does not take such properties")
    wait_until(lambda: queue.depth() == 1, what="the item")


def test_it_is_dead_lettered_with_its_properties_and_the_others_go_on(bench):
    queue = bench.work_queue("classic")
    put(bench, queue, UNREADABLE)
    queue.put(b"one", b"two")
    result = bench.run("-q", queue.name, "--drain", "-j", "2", worker=["cat"], timeout=40)
    assert result.status == 1, result
    assert sorted([result.stdout[:3], result.stdout[3:]]) == [b"one", b"two"]
    assert sum("properties cannot be read" in line for line in result.lines) == 1, result
    queue.assert_empty()
    (line,) = dead(bench, "list", queue.name, "--json").stdout.splitlines()
    assert json.loads(line)["reason"] == "malformed", line
    _, properties, body = queue.dead.take()
    assert body == b"odd" and properties.headers["x-amqp-job-properties"] == UNREADABLE


def test_items_that_came_back_are_not_multiplied_by_it(bench):
    """Each of them is counted by a copy when it is met, and none is met over and over again."""
    queue = bench.work_queue("classic")
    put(bench, queue, UNREADABLE)
    queue.put(b"one", b"two", b"three")
    channel = bench.client.channel
    tags = [channel.basic_get(queue.name)[0].delivery_tag for _ in range(4)]
    channel.basic_nack(tags[-1], multiple=True, requeue=True)
    queue.assert_back(4)
    result = bench.run(
        "-q", queue.name, "--drain", "-j", "2", "--max-attempts", "9", worker=["true"], timeout=40)
    assert result.status == 1, result
    queue.assert_empty()
    assert queue.dead.depth() == 1 and queue.retry.depth() == 0


def test_on_a_plain_queue_it_goes_to_the_tail_as_it_came(bench):
    queue = bench.queue("classic")
    put(bench, queue, UNREADABLE)
    queue.put(b"one")
    result = bench.run("-q", queue.name, "-n", "2", worker=["cat"])
    assert (result.status, result.stdout) == (1, b"one"), result
    queue.assert_back()
    # No worker has it, still: its properties are the same.
    again = bench.run("-q", queue.name, worker=["cat"])
    again.assert_error(1, "properties cannot be read")
    queue.assert_back()


@pytest.mark.parametrize("tool, status", [("amqp-consume", 0), ("amqp-get", 0)])
def test_the_tools_hand_its_body_over(bench, links, tool, status):
    queue = bench.queue("classic")
    put(bench, queue, UNREADABLE)
    words = [str(links / tool), "-u", bench.broker.url, "-q", queue.name]
    words += ["-c", "1", "cat"] if tool == "amqp-consume" else []
    done = subprocess.run(words, env=bench.environment(), capture_output=True, timeout=20)
    assert (done.returncode, done.stdout) == (status, b"odd"), done
    queue.assert_empty()


def test_flags_that_mean_nothing_are_no_trouble(bench):
    queue = bench.queue("classic")
    put(bench, queue, READABLE)
    result = bench.run("-q", queue.name, worker=["sh", "-c", "cat; printf %s $WORK_ITEM_CONTENT_TYPE"])
    assert (result.status, result.stdout) == (0, b"oddtext/plain"), result
    queue.assert_empty()
