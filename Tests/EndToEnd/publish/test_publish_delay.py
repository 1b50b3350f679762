"""publish --delay and --at: items get to their queue later, and none is lost."""

import datetime
import time

import pytest

from support.processes import PATIENCE
from support.users import user

LADDER = r"amqp-job\.delay\..*"


def publish(bench, queue, *words, **options):
    result = bench.run("-q", queue.name, *words, command="publish", **options)
    assert result.status == 0, result
    return result


def arrivals(queue, count):
    """The messages that another program's consumer gets, each with the time at which it came."""
    channel, found = queue.client.channel, []
    for method, properties, body in channel.consume(queue.name, auto_ack=True, inactivity_timeout=PATIENCE):
        assert method is not None, f"{count - len(found)} items are missing"
        found.append((time.time(), method, properties, body))
        if len(found) == count:
            break
    channel.cancel()
    return found


def in_seconds(seconds):
    """A whole second that is so far ahead, and the same as an argument."""
    at = int(time.time()) + seconds
    return at, datetime.datetime.fromtimestamp(at, datetime.timezone.utc).isoformat()


def test_items_come_when_they_are_due(bench, kind):
    queue, began = bench.queue(kind), time.time()
    at, argument = in_seconds(5)
    publish(bench, queue, "--at", argument, "last")
    publish(bench, queue, "--delay", "3s", "second", "third")
    publish(bench, queue, "--delay", "1s", "first")
    publish(bench, queue, "--delay", "0", "at once")
    found = arrivals(queue, 5)
    assert sorted(body for *_, body in found[2:4]) == [b"second", b"third"]
    assert [found[index][3] for index in (0, 1, 4)] == [b"at once", b"first", b"last"]
    for (came, method, _, body), due in zip(found, (began, began + 1, began + 3, began + 3, at)):
        assert came >= due, (body, came - due)
        assert (method.exchange, method.routing_key, method.redelivered) == ("", queue.name, False)
    assert found[4][2].timestamp == at


@pytest.mark.parametrize("end", ["", ".with.dots", " # * %2E 1"], ids=["plain", "dots", "marks"])
def test_a_worker_sees_what_it_sees_of_any_other_item(bench, end):
    queue = bench.name_queue("quorum")
    queue.name += end
    bench.client.channel.queue_declare(queue.name, durable=True, arguments={"x-queue-type": "quorum"})
    words = ("--message-id", "m", "--header", "own=1", "apple")
    shown = ["sh", "-c", "env | grep ^WORK_ITEM_ | grep -v TIMESTAMP; cat"]
    publish(bench, queue, *words)
    direct = bench.run("-q", queue.name, worker=shown)
    publish(bench, queue, "--delay", "1s", *words)
    delayed = bench.run("-q", queue.name, worker=shown)
    assert (delayed.status, sorted(delayed.stdout.split(b"\n"))) == (0, sorted(direct.stdout.split(b"\n"))), delayed
    assert b"WORK_ITEM_ATTEMPT=1" in delayed.stdout


def test_a_delayed_item_is_retried_and_dead_lettered_as_any_other(bench, kind):
    queue = bench.work_queue(kind)
    publish(bench, queue, "--delay", "1s", "apple")
    result = bench.run(
        "-q", queue.name, "-n", "2", "--max-attempts", "2", "--retry-delay", "100ms", worker=["sh", "-c", "echo $WORK_ITEM_ATTEMPT; exit 3"])
    assert (result.status, result.stdout) == (1, b"1\n2\n"), result
    headers = queue.dead.take()[1].headers
    assert (headers["x-amqp-job-exchange"], headers["x-amqp-job-routing-key"]) == ("", queue.name)
    assert not [name for name in headers if "death" in name]


def test_an_item_waits_through_a_restart_of_the_broker(spare, spare_broker):
    queue, began = spare.queue("quorum"), time.time()
    publish(spare, queue, "--delay", "3s", "apple")
    spare_broker.stop(keep_data=True)
    spare_broker.start()
    [(came, _, _, body)] = arrivals(queue, 1)
    assert body == b"apple" and came >= began + 3


def test_a_full_queue_holds_up_no_other(bench):
    """The broker tries again to hand on what a queue rejects, some dozens at a time."""
    full, free = bench.queue("quorum", **{"x-max-length": 1, "x-overflow": "reject-publish"}), bench.queue("quorum")
    publish(bench, full, "--delay", "1s", *map(str, range(100)))
    publish(bench, free, "--delay", "2s", "apple")
    assert [body for *_, body in arrivals(free, 1)] == [b"apple"]


def test_the_age_of_an_item_counts_from_when_it_is_due(bench):
    queue = bench.work_queue()
    publish(bench, queue, "--delay", "3s", "apple")
    result = bench.run("-q", queue.name, "--max-item-age", "2s", worker=["cat"])
    assert (result.status, result.stdout) == (0, b"apple"), result


def test_results_of_delayed_items(bench):
    queue = bench.work_queue()
    waiting = bench.start("-q", queue.name, "--wait", "--delay", "1s", "apple", command="publish")
    assert bench.run("-q", queue.name, "--result-queue", "reply-to", worker=["cat"]).status == 0
    result = waiting.finish()
    assert (result.status, result.stdout) == (0, b"apple"), result


def test_a_missing_queue_is_told_at_once(bench):
    queue = bench.name_queue("quorum")
    bench.run("-q", queue.name, "--delay", "1h", "apple", command="publish").assert_error(66, queue.name)


def test_a_time_that_has_passed_is_told(bench):
    queue = bench.queue("classic")
    result = publish(bench, queue, "--at", "2020-02-29T12:00:00+01:00", "apple")
    assert "--at has passed" in result.stderr and queue.take()[2] == b"apple"


def test_permissions(bench):
    queue = bench.queue("quorum")
    with user(bench, configure=LADDER, write=f"{LADDER}|amq\\.default|{queue.name}", read=LADDER) as publisher:
        assert publisher.run("-q", queue.name, "--delay", "1s", "apple", command="publish").status == 0
    assert [body for *_, body in arrivals(queue, 1)] == [b"apple"]
    with user(bench, write=f"amq\\.default|{queue.name}") as publisher:
        result = publisher.run("-q", queue.name, "--delay", "1s", "apple", command="publish")
        result.assert_error(77, "amqp-job.delay.*", "--delay")


@pytest.mark.any_broker
@pytest.mark.parametrize("words", [
    ("--exchange", "amq.direct", "--delay", "1s"), ("-q", "q", "--expiration", "5s", "--delay", "1s"), ("-q", "q", "--priority", "9", "--delay", "1s"),
    ("-q", "q", "--delay", "1s", "--at", "2999-01-01T00:00:00Z"), ("-q", "q", "--at", "12:30"), ("-q", "q", "--delay", "9321h"),
    ("-q", "q", "--from", "dir:/tmp", "--delay", "1s"),
])
def test_usage(bench, words):
    bench.run(*words, *([] if "--from" in words else ["apple"]), command="publish").assert_error(64, words[-2])


@pytest.mark.any_broker
def test_a_line_of_json_that_would_not_be_delayed_is_refused(bench):
    queue = bench.queue("classic")
    source = bench.input(b'{"body": "a", "properties": {"expiration": 1000}}\n')
    bench.run("-q", queue.name, "--delay", "1s", "--jsonl", command="publish", stdin=source).assert_error(64, "expiration", "--delay")
