"""An item that fails again and again is not dropped by its broker's delivery limit, which RabbitMQ 4.x sets to 20
returns by default. If the queue has a dead-letter exchange, its owner wants the limit to work."""

import pytest

from support.users import user


def attempts(bench, queue, times):
    """Fails this many times, and returns the attempts that the workers were told."""
    seen = []
    for _ in range(times):
        result = bench.run("-q", queue.name, worker=["sh", "-c", "printf %s $WORK_ITEM_ATTEMPT; cat; exit 3"])
        assert result.status == 3, result
        seen.append(result.stdout)
    return seen


def test_item_outlives_the_limit(bench):
    queue = bench.queue("quorum", **{"x-delivery-limit": 20})
    queue.put(b"-apple", message_id="id", headers={"own": "kept", "x-own": 7})
    assert attempts(bench, queue, 25) == [b"%d-apple" % number for number in range(1, 26)]
    result = bench.run("-q", queue.name, worker=["sh", "-c", "env | grep ^WORK_ITEM_"])
    assert result.status == 0
    variables = dict(line.split("=", 1) for line in result.stdout.decode().splitlines())
    assert variables["WORK_ITEM_ATTEMPT"] == "26"
    assert variables["WORK_ITEM_ID"] == "id"
    assert variables["WORK_ITEM_HEADER_OWN"] == "kept"
    assert variables["WORK_ITEM_HEADER_X_OWN"] == "7"


def test_an_item_whose_runner_dies_each_time_outlives_the_limit(bench):
    """A killed runner cannot put the item back as a copy. The next runner does that before it runs the item."""
    queue = bench.queue("quorum", b"poison", **{"x-delivery-limit": 20})
    for _ in range(25):
        assert bench.run("-q", queue.name, worker=["sh", "-c", "kill -9 $PPID; sleep 60"]).status == -9
    result = bench.run("-q", queue.name, worker=["sh", "-c", "printf %s $WORK_ITEM_ATTEMPT; cat"])
    assert (result.status, result.stdout) == (0, b"26poison")


def test_a_copy_goes_to_the_tail(bench):
    """Otherwise one item would block the others for ever."""
    queue = bench.queue("quorum", b"poison", **{"x-delivery-limit": 20})
    attempts(bench, queue, 10)
    queue.put(b"fine")
    assert bench.run("-q", queue.name, worker=["cat"]).stdout == b"fine"
    assert bench.run("-q", queue.name, worker=["cat"]).stdout == b"poison"


def test_no_copy_where_publishing_is_refused(bench):
    """The user may only consume. The item itself goes back without a run, and a message names the missing permission."""
    queue = bench.queue("quorum", b"apple")
    attempts(bench, queue, 10)
    with user(bench, configure=[queue.name], read=[queue.name]) as worker:
        worker.run("-q", queue.name, worker=["false"]).assert_error(77, queue.name, "amq.default")
    queue.assert_back()


def test_the_owners_limit_is_not_put_off(bench):
    """A dead-letter exchange means that the owner wants the limit to work."""
    queue, dead = bench.queue("quorum", **{"x-delivery-limit": 12, "x-dead-letter-exchange": "amq.direct"}), bench.queue()
    bench.client.channel.queue_bind(dead.name, "amq.direct", queue.name)
    queue.put(b"poison")
    attempts(bench, queue, 13)
    dead.assert_back()
    queue.assert_empty()


@pytest.mark.parametrize("options", [("--max-attempts", "2"), ("--max-attempts", "9", "--reject-on", "3,4")])
def test_attempts_end_in_the_owners_exchange(bench, kind, options):
    queue, dead = bench.queue(kind, **{"x-dead-letter-exchange": "amq.direct", "x-dead-letter-routing-key": bench.marker}), bench.queue()
    bench.client.channel.queue_bind(dead.name, "amq.direct", bench.marker)
    queue.put(b"poison", message_id="id", headers={"own": "kept"})
    result = bench.run("-q", queue.name, *options, "--drain", worker=["sh", "-c", "exit 3"])
    assert result.status == 1, result
    dead.assert_back()
    _, properties, body = dead.take()
    assert (body, properties.message_id, properties.headers["own"]) == (b"poison", "id", "kept")
    assert properties.headers["x-amqp-job-status"] == 3 and properties.headers["x-amqp-job-queue"] == queue.name


def test_an_exchange_that_leads_nowhere_takes_no_item(bench):
    queue = bench.queue("quorum", b"poison", **{"x-dead-letter-exchange": "amq.headers"})
    result = bench.run("-q", queue.name, "--reject-on", "3", worker=["sh", "-c", "exit 3"])
    assert result.status == 3, result
    queue.assert_back()


def test_an_exchange_that_is_missing_is_told_before_an_item_is_taken(bench):
    queue = bench.queue("quorum", b"poison", **{"x-dead-letter-exchange": bench.marker})
    result = bench.run("-q", queue.name, "--reject-on", "3", worker=["sh", "-c", "exit 3"])
    result.assert_error(78, "make that exchange")
    queue.assert_untouched()


def test_a_retry_delay_takes_a_retry_queue(bench):
    queue = bench.queue("quorum", b"apple", **{"x-dead-letter-exchange": "amq.direct"})
    bench.run("-q", queue.name, "--retry-delay", "1s", worker=["true"]).assert_error(78, "retry")
    queue.assert_untouched()
