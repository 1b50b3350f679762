"""Queues that may be deleted before their items are done. They are refused unless the user allows them explicitly."""

import signal

import pytest

from support.users import user

PASSING = [dict(durable=False), dict(durable=True, auto_delete=True), dict(durable=False, auto_delete=True)]


def passing_queue(bench, *bodies, **properties):
    queue = bench.name_queue("classic")
    bench.client.channel.queue_declare(queue.name, **properties)
    if bodies:
        queue.put(*bodies)
    return queue


@pytest.mark.parametrize("properties", PASSING, ids=str)
def test_a_line_says_what_may_lose_the_items(bench, properties):
    queue = passing_queue(bench, b"apple", b"pear", **properties)
    result = bench.run("-q", queue.name, "-n", "2", "--any-queue", worker=["cat"])
    assert (result.status, result.stdout) == (0, b"applepear"), result
    assert sum("--any-queue" in line for line in result.lines) == 1 and queue.name in result.lines[0], result
    assert ("not durable" in result.lines[0]) == (not properties["durable"]), result
    assert ("last consumer" in result.lines[0]) == properties.get("auto_delete", False), result


@pytest.mark.parametrize("properties", PASSING, ids=str)
def test_the_refusal_names_the_cure_and_its_price(bench, properties):
    queue = passing_queue(bench, b"apple", **properties)
    result = bench.run("-q", queue.name, worker=["true"])
    result.assert_error(78, queue.name, "--any-queue", "items are lost with it")
    assert ("not durable" in result.stderr) == (not properties["durable"]), result
    assert ("last consumer" in result.stderr) == properties.get("auto_delete", False), result
    queue.assert_untouched()


def test_the_cure_of_a_refusal_is_no_refusal(bench):
    queue = passing_queue(bench, b"apple", durable=False, auto_delete=True)
    bench.run("-q", queue.name, "--drain", worker=["cat"]).assert_error(78, "--any-queue", "--count", "--forever")
    result = bench.run("-q", queue.name, "--any-queue", "--count", "1", worker=["cat"])
    assert (result.status, result.stdout) == (0, b"apple"), result


def test_a_delivery_that_comes_back_is_counted_again(bench):
    queue = passing_queue(bench, b"a", b"b", durable=True, auto_delete=True)
    result = bench.run("-q", queue.name, "--any-queue", "-n", "2", worker=["sh", "-c", "exit 3"])
    assert result.status == 1 and "2 items went with it" in result.stderr, result


def test_a_queue_that_lasts_is_served_without_a_word(bench, kind):
    queue = bench.queue(kind, b"apple")
    result = bench.run("-q", queue.name, "--any-queue", worker=["true"])
    assert (result.status, result.stderr) == (0, ""), result


def test_a_queue_that_is_not_durable_is_drained(bench):
    queue = passing_queue(bench, b"1", b"2", durable=False)
    result = bench.run("-q", queue.name, "--drain", "--any-queue", worker=["cat"])
    assert (result.status, result.stdout) == (0, b"12"), result


def test_a_queue_that_deletes_itself_cannot_be_seen_drained(bench):
    queue = passing_queue(bench, b"apple", durable=True, auto_delete=True)
    bench.run("-q", queue.name, "--drain", "--any-queue", worker=["true"]).assert_error(78, queue.name, "last consumer")
    queue.assert_untouched()


def test_a_queue_that_deletes_itself_is_not_served_where_the_rest_would_be_lost(bench):
    queue = passing_queue(bench, b"apple", b"pear", b"plum", durable=True, auto_delete=True)
    for options in [], ["-n", "2", "-j", "2"]:
        bench.run("-q", queue.name, "--any-queue", *options, worker=["cat"]).assert_error(
            78, "3 items", "--count", "--forever")
    queue.assert_untouched(3)
    queue.put(b"apple", b"pear", b"plum")
    assert bench.run("-q", queue.name, "--any-queue", "-n", "3", worker=["cat"]).stdout == b"applepearplum"


def test_another_consumer_keeps_a_queue_that_deletes_itself(bench):
    queue = passing_queue(bench, b"apple", b"pear", b"plum", durable=True, auto_delete=True)
    holder = bench.worker("hold")
    other = bench.start("-q", queue.name, "--any-queue", "-n", "3", worker=holder)
    holder.wait_for("holding")
    result = bench.run("-q", queue.name, "--any-queue", worker=["cat"])
    assert (result.status, result.stdout) == (0, b"pear") and "went with it" not in result.stderr, result
    other.send(signal.SIGKILL)
    other.finish()


@pytest.mark.parametrize("end, lost", [("exit:0", 1), ("exit:1", 2)])
def test_a_runner_that_is_told_to_end_says_what_goes_with_its_queue(bench, end, lost):
    queue = passing_queue(bench, b"apple", b"pear", durable=True, auto_delete=True)
    worker = bench.worker("hold", end)
    runner = bench.start("-q", queue.name, "--any-queue", "--forever", worker=worker)
    worker.wait_for("holding")
    runner.send(signal.SIGTERM)
    worker.go()
    result = runner.finish()
    assert result.status == 1, result
    assert any(f"{lost} item{'s' if lost > 1 else ''} went with it" in line for line in result.lines), result


def test_a_runner_that_leaves_nothing_in_its_queue_ends_in_peace(bench):
    queue = passing_queue(bench, b"apple", durable=True, auto_delete=True)
    worker = bench.worker("read")
    runner = bench.start("-q", queue.name, "--any-queue", "--forever", worker=worker)
    worker.wait_for("end-of-input")
    queue.wait_for_consumer()
    runner.send(signal.SIGTERM)
    result = runner.finish()
    assert result.status == 0 and "went with it" not in result.stderr, result


def test_the_dead_letters_of_such_a_queue_are_found(bench):
    dead = bench.queue("classic")
    queue = passing_queue(
        bench, b"poison", durable=True, auto_delete=True,
        arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead.name})
    result = bench.run("-q", queue.name, "--any-queue", "--on-failure", "reject", worker=["sh", "-c", "exit 3"])
    assert result.status == 3 and "policy" not in result.stderr, result
    dead.assert_back()


def test_an_exclusive_queue_of_another_connection_is_refused(bench):
    queue = passing_queue(bench, exclusive=True)
    bench.run("-q", queue.name, "--any-queue", worker=["true"]).assert_error(78, queue.name, "exclusive")


def test_a_user_who_may_not_look(bench):
    queue = passing_queue(bench, b"apple", durable=True, auto_delete=True)
    with user(bench, write=".*", read=".*") as worker:
        result = worker.run("-q", queue.name, "--any-queue", worker=["cat"])
    assert (result.status, result.stdout) == (0, b"apple") and "may not look" in result.stderr, result


@pytest.mark.any_broker
def test_options_that_exclude_each_other(bench):
    bench.run("-q", "any", "--any-queue", "--assume", "classic", worker=["true"]).assert_error(64, "--any-queue", "--assume")
