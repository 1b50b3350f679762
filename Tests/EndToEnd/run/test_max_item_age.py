"""run --max-item-age: an item that is too old is dead-lettered without being run."""

import time

import pytest

from support.dead_letters import content, dead

HOUR = 3600
SHOWN = ["sh", "-c", "cat; printf ' %s ' $WORK_ITEM_TIMESTAMP"]


def test_items_that_are_too_old_are_dead_lettered_and_can_be_replayed(bench, kind):
    queue, now = bench.work_queue(kind), int(time.time())
    queue.put(b"old", message_id="m", timestamp=now - 2 * HOUR)
    queue.put(b"young", timestamp=now - HOUR // 2)
    queue.put(b"ahead", timestamp=now + 9 * HOUR)
    queue.put(b"ageless")
    runner = ("-q", queue.name, "--drain", "--max-item-age", "1h")
    result = bench.run(*runner, worker=["cat"])
    assert (result.status, result.stdout) == (1, b"youngaheadageless"), result
    assert "--max-item-age" in result.stderr and "1 dead-lettered" in result.stderr
    assert b"expired" in dead(bench, "list", queue.name, "--reason", "expired").stdout
    assert dead(bench, "replay", queue.name, "--reason", "expired").status == 0
    result = bench.run(*runner, worker=SHOWN)
    assert (result.status, result.stdout) == (0, b"old %d " % (now - 2 * HOUR)), result
    queue.assert_empty()


def test_what_publish_makes_has_an_age(bench):
    queue, before = bench.work_queue(), int(time.time())
    assert bench.run("-q", queue.name, "apple", command="publish").status == 0
    result = bench.run("-q", queue.name, "--max-item-age", "1h", worker=["sh", "-c", "echo $WORK_ITEM_TIMESTAMP"])
    assert result.status == 0 and before <= int(result.stdout) <= time.time()


def test_the_owners_exchange_takes_what_is_too_old(bench):
    queue, target = bench.queue("quorum", **{"x-dead-letter-exchange": "amq.direct", "x-dead-letter-routing-key": bench.marker}), bench.queue()
    bench.client.channel.queue_bind(target.name, "amq.direct", bench.marker)
    queue.put(b"old", timestamp=1)
    bench.run("-q", queue.name, "--max-item-age", "1h", worker=["cat"]).assert_error(1, "too old", "amq.direct")
    _, properties, body = target.take()
    assert (body, properties.headers["x-amqp-job-reason"], properties.timestamp) == (b"old", "expired", 1)


@pytest.mark.parametrize("arguments", [{}, {"x-dead-letter-exchange": "missing"}], ids=["plain", "missing-exchange"])
def test_a_queue_without_a_place_for_dead_letters_is_refused(bench, arguments):
    queue = bench.queue("quorum", **arguments)
    queue.put(b"old", timestamp=1)
    bench.run("-q", queue.name, "--max-item-age", "1h", worker=["cat"]).assert_error(78, queue.name, "--max-item-age")
    assert content(queue) == [b"old"]
