"""Failed items of a queue that `declare` did not make. They are given back, or rejected so that the broker dead-letters
them."""

import json

import pytest

from support.users import user

FAIL = ["sh", "-c", "exit 3"]
# Options with which failed items go to the dead-letter exchange of the queue's owner.
SENDING = [("--on-failure", "reject"), ("--max-attempts", "2"), ("--reject-on", "3")]


def dead_lettering(bench, kind="classic", *bodies):
    """A queue, and the queue that its dead letters go to."""
    dead = bench.queue("classic")
    queue = bench.queue(kind, *bodies, **{"x-dead-letter-exchange": "amq.direct", "x-dead-letter-routing-key": dead.name})
    bench.client.channel.queue_bind(dead.name, "amq.direct", dead.name)
    return queue, dead


def test_a_failed_item_is_rejected_into_the_owners_exchange(bench, kind):
    queue, dead = dead_lettering(bench, kind, b"poison", b"fine")
    worker = ["sh", "-c", 'test "$(cat)" = fine']
    result = bench.run("-q", queue.name, "-n", "2", "--on-failure", "reject", "--log-format", "json", "-v", worker=worker)
    assert result.status == 1, result
    settlements = [json.loads(line).get("settlement") for line in result.lines]
    assert [each for each in settlements if each] == ["rejected", "acked"]
    dead.assert_back()
    _, properties, body = dead.take()
    assert body == b"poison" and properties.headers["x-death"][0]["reason"] == "rejected"
    queue.assert_empty()


def test_a_queue_that_was_drained_of_rejected_items(bench):
    queue, dead = dead_lettering(bench, "quorum", b"1", b"2")
    result = bench.run("-q", queue.name, "--drain", "--on-failure", "reject", worker=FAIL)
    assert result.status == 1 and "0 done, 2 rejected" in result.lines[-1], result
    dead.assert_back(2)


def test_a_terminated_worker_s_item_is_given_back(bench):
    queue, dead = dead_lettering(bench, "classic", b"apple")
    worker = bench.worker("read", "hold")
    runner = bench.start("-q", queue.name, "--on-failure", "reject", worker=worker)
    worker.wait_for("holding")
    runner.process.terminate()
    assert runner.finish().status == 143
    queue.assert_back()
    assert dead.depth() == 0


@pytest.mark.parametrize("options", SENDING, ids=str)
def test_an_exchange_that_is_missing_is_told_at_the_start(bench, kind, options):
    queue = bench.queue(kind, b"apple", **{"x-dead-letter-exchange": bench.marker})
    bench.run("-q", queue.name, *options, worker=FAIL).assert_error(78, queue.name, bench.marker, "exchange", options[0])
    queue.assert_untouched()


@pytest.mark.parametrize("options", SENDING, ids=str)
def test_a_dead_letter_queue_that_is_missing_is_told_at_the_start(bench, options):
    queue = bench.queue("quorum", b"apple", **{"x-dead-letter-exchange": "", "x-dead-letter-routing-key": bench.marker})
    bench.run("-q", queue.name, *options, worker=FAIL).assert_error(78, queue.name, bench.marker, "queue", options[0])
    queue.assert_untouched()


@pytest.mark.parametrize("assumed", [(), ("--assume", "classic")], ids=str)
def test_what_is_dropped_is_said_to_be_dropped(bench, assumed):
    queue = bench.queue("classic", b"1", b"2")
    result = bench.run("-q", queue.name, "-n", "2", "--on-failure", "reject", *assumed, worker=FAIL)
    assert result.status == 1 and len(result.lines) == 4, result
    assert "unless a policy gives the queue one (--on-failure)" in result.lines[0], result
    assert all("rejected, and dropped unless a policy" in line for line in result.lines[1:3]), result
    assert "2 rejected (and dropped without a dead-letter exchange)" in result.lines[3], result


def test_an_exchange_that_a_policy_gives(bench, kind):
    """AMQP does not show a policy, and a message says so."""
    dead, queue = bench.queue("classic"), bench.name_queue(kind)
    definition = json.dumps({"dead-letter-exchange": "", "dead-letter-routing-key": dead.name})
    with bench.broker.policy(bench.marker, f"^{queue.name}$", definition):
        bench.client.channel.queue_declare(queue.name, durable=True, arguments={"x-queue-type": kind})
        queue.put(b"poison")
        result = bench.run("-q", queue.name, "--on-failure", "reject", worker=FAIL)
        assert result.status == 3 and "policy" in result.lines[0] and len(result.lines) == 2, result
        dead.assert_back()
        queue.assert_empty()


def test_a_user_who_may_only_read(bench):
    queue, dead = dead_lettering(bench, "classic", b"poison")
    with user(bench, read=[queue.name]) as worker:
        result = worker.run("-q", queue.name, "--assume", "classic", "--on-failure", "reject", worker=FAIL)
    assert result.status == 3, result
    dead.assert_back()


def test_attempts_that_nobody_counted_are_not_denied(bench):
    """A classic queue remembers only that an item came back."""
    queue, dead = dead_lettering(bench, "classic", b"poison")
    for _ in range(3):
        assert bench.run("-q", queue.name, worker=FAIL).status == 3
    result = bench.run("-q", queue.name, "--max-attempts", "3", worker=FAIL)
    result.assert_error(3, "attempt 2 or a later one", "given back")
    result = bench.run("-q", queue.name, "--max-attempts", "3", worker=FAIL)
    result.assert_error(3, "attempt 3 or a later one", "dead-lettered")
    assert dead.take()[1].headers["x-amqp-job-attempts-minimum"] is True


@pytest.mark.any_broker
@pytest.mark.parametrize("way", ["requeue", "reject"])
def test_a_queue_with_retries(bench, way):
    queue = bench.work_queue("quorum", b"apple")
    bench.run("-q", queue.name, "--on-failure", way, worker=FAIL).assert_error(78, queue.name, "--max-attempts 1")
    queue.assert_untouched()


@pytest.mark.any_broker
@pytest.mark.parametrize("options", [
    ("--on-failure", "reject", "--max-attempts", "2"), ("--on-failure", "requeue", "--reject-on", "3"),
    ("--on-failure", "reject", "--retry-delay", "1s"), ("--on-failure", "reject", "--assume", "declared"),
    ("--on-failure", "drop"),
])
def test_options_that_exclude_each_other(bench, options):
    result = bench.run("-q", "any", *options, worker=FAIL)
    assert result.status == 64 and "--on-failure" in result.stderr, result
