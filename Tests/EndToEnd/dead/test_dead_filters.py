"""amqp-job dead: which items list, replay and purge select, and what a dry run says."""

import datetime
import json
import re

import pytest

from support.dead_letters import ENDED, content, dead, numbers, put_many
from support.processes import wait_until

LONG_AGO = datetime.datetime(2026, 2, 28, 23, 59, 58)
TIMED_OUT = {**ENDED, "x-amqp-job-reason": "timed out"}


def now(**ago):
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) - datetime.timedelta(**ago)


@pytest.fixture
def queue(bench):
    """A queue with dead letters of several kinds."""
    queue = bench.work_queue()
    queue.dead.put(b"0", message_id="a", headers={**ENDED, "color": "red", "n": 7})
    queue.dead.put(b"1", message_id="b", headers={**TIMED_OUT, "color": "red"})
    queue.dead.put(b"2", message_id="c", headers={**ENDED, "x-amqp-job-time": now(hours=1)})
    queue.dead.put(b"3", message_id="a", headers={**TIMED_OUT, "x-amqp-job-time": now(minutes=1), "n": "7"})
    queue.dead.put(b"4", headers={"color": "blue", "ok": True})
    queue.dead.put(b"5")
    return queue


FILTERS = [
    ("--id a", [0, 3]), ("--id a --id c", [0, 2, 3]),
    ("--reason failed", [0, 2]), ("--reason timed\u00a0out", [1, 3]), ("--reason malformed", []),
    ("--older-than 30m", [0, 1, 2]), ("--older-than 2h", [0, 1]), ("--older-than 0s", [0, 1, 2, 3]),
    ("--since 30m", [3]), ("--since 2h", [2, 3]), ("--since 2026-02-28T23:59:58Z", [0, 1, 2, 3]),
    ("--since 2026-02-28T23:59:59Z", [2, 3]), ("--since 2026-03-01T00:59:58+01:00", [0, 1, 2, 3]),
    ("--since 2h --older-than 30m", [2]),
    ("--where color=red", [0, 1]), ("--where n=7", [0, 3]), ("--where color=red --where n=7", [0]),
    ("--position 1", [0]), ("--position 2,4-5", [1, 3, 4]), ("--position 1-3 --reason failed", [0, 2]),
    ("--where ok=true", [4]), ("--where color=", []), ("--where x-amqp-job-host=pod-1 --reason failed", [0, 2]),
    ("--id a --reason failed --since 2026-01-01T00:00:00Z --where color=red", [0]),
]


def words(options):
    return [word.replace("\u00a0", " ") for word in options.split(" ")]


@pytest.mark.any_broker
def test_list(bench, queue):
    for options, expected in FILTERS:
        result = dead(bench, "list", queue.name, *words(options), "--json")
        assert result.status == 0, (options, result)
        ids = [json.loads(line).get("id") for line in result.stdout.splitlines()]
        assert ids == [["a", "b", "c", "a", None, None][number] for number in expected], options
    assert content(queue.dead) == numbers(range(6))


@pytest.mark.any_broker
def test_list_limits_the_selected_items(bench, queue):
    result = dead(bench, "list", queue.name, "--where", "n=7", "--limit", "1", "--json")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["a"]
    result = dead(bench, "list", queue.name, "--reason", "malformed")
    assert (result.status, result.stdout) == (0, b"") and "no such item" in result.stderr, result


@pytest.mark.parametrize("options, expected", [
    ("--reason failed", [0, 2]), ("--older-than 30m", [0, 1, 2]), ("--where color=red", [0, 1]), ("--id a", [0, 3]),
    ("--reason malformed", []), ("--since 2026-01-01T00:00:00Z", [0, 1, 2, 3]), ("--position 5,2-3", [1, 2, 4]),
])
@pytest.mark.parametrize("action", ["replay", "purge"])
def test_items_that_are_not_selected_keep_their_order(bench, queue, action, options, expected):
    count = f"{len(expected)} item{'' if len(expected) == 1 else 's'} "
    result = dead(bench, action, queue.name, *words(options), "--dry-run")
    assert result.status == 0 and f"{count}would be {'moved' if action == 'replay' else 'dropped'}" in result.stderr, result
    assert (queue.depth(), queue.dead.depth()) == (0, 6)
    result = dead(bench, action, queue.name, *words(options))
    assert result.status == 0 and f"{count}{'moved' if action == 'replay' else 'dropped'}" in result.stderr, result
    assert content(queue) == (numbers(expected) if action == "replay" else [])
    assert content(queue.dead) == numbers(number for number in range(6) if number not in expected)


@pytest.mark.parametrize("action", ["replay", "purge"])
def test_many_selected_items_behind_many_others(bench, action):
    """The selected items lie behind more than one window of others. The queue has delivered all of them before."""
    queue = bench.work_queue()
    put_many(bench, queue.dead, 1500, "--header", "n=0")
    for number in range(300):
        queue.dead.put(b"%d" % (1500 + number), headers={"n": number % 3})
    assert dead(bench, "list", queue.name).status == 0
    result = dead(bench, action, queue.name, "--where", "n=1")
    assert result.status == 0 and "100 items" in result.stderr, result
    assert content(queue) == (numbers(range(1501, 1800, 3)) if action == "replay" else [])
    assert content(queue.dead) == numbers(number for number in range(1800) if number < 1500 or number % 3 != 1)


@pytest.mark.any_broker
def test_dry_runs_without_a_filter(bench, queue):
    result = dead(bench, "replay", queue.name, "--dry-run", "--limit", "4", "--log-format", "json")
    assert json.loads(result.lines[-1])["items"] == 4
    result = dead(bench, "purge", queue.name, "--dry-run")
    assert "6 items would be dropped" in result.stderr, result
    queue.dead.assert_untouched(6)
    assert queue.depth() == 0


@pytest.mark.any_broker
@pytest.mark.parametrize("words", [["list"], ["purge"], ["purge", "--dry-run"], ["replay", "--dry-run"]])
def test_an_id_that_is_not_there(bench, queue, words):
    result = dead(bench, *words, queue.name, "--id", "a", "--id", "x")
    assert result.status == 1 and "'x'" in result.stderr, result
    dropped = words == ["purge"]
    assert content(queue.dead) == numbers([1, 2, 4, 5] if dropped else range(6))


@pytest.mark.any_broker
@pytest.mark.parametrize("words", [["list"], ["purge"], ["replay", "--dry-run"], ["show"]], ids=" ".join)
def test_a_position_that_is_not_there(bench, queue, words):
    result = dead(bench, *words, queue.name, "--position", "7")
    assert result.status == 1 and "position 7" in result.stderr, result
    assert content(queue.dead) == numbers(range(6))


@pytest.mark.any_broker
@pytest.mark.parametrize("text", ["0", "3-1", "x", "1,,2", "1-2-3", ""])
def test_values_that_are_not_positions(bench, text):
    dead(bench, "list", "any", "--position", text).assert_error(64, "--position")


@pytest.mark.any_broker
def test_a_large_item_by_its_position(bench):
    """Items that come in several parts count once."""
    queue = bench.work_queue()
    bodies = [b"1" * 3_000_000, b"2" * 3_000_000, b"3" * 3_000_000, b"4"]
    queue.dead.put(*bodies)
    result = dead(bench, "replay", queue.name, "--position", "2,4")
    assert result.status == 0 and "2 items moved" in result.stderr, result
    assert (content(queue), content(queue.dead)) == ([bodies[1], bodies[3]], [bodies[0], bodies[2]])


@pytest.mark.parametrize("words", [["list"], ["show"], ["replay"], ["purge"], ["purge", "--dry-run"]], ids=" ".join)
def test_what_may_be_dropped_when_it_is_given_back_is_not_looked_at(bench, words):
    """A quorum queue that `declare` did not make may have a delivery limit, and filters give items back."""
    queue = bench.work_queue(declare=False)
    for name in queue.name, queue.dead.name:
        bench.client.channel.queue_declare(
            name, durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": 5})
    queue.dead.put(b"apple")
    queue.dead.put(b"banana", message_id="b")
    result = dead(bench, *words, queue.name, "--id", "b")
    if bench.broker.version >= (4, 3):  # RabbitMQ 4.3 does not count such returns.
        assert result.status == 0, result
    else:
        result.assert_error(78, queue.dead.name, "declare")
        assert dead(bench, "replay", queue.name).status == 0
        assert content(queue) == [b"apple", b"banana"]


@pytest.mark.any_broker
@pytest.mark.parametrize("words", [["list"], ["replay"], ["purge", "--reason", "failed"]], ids=lambda words: words[0])
def test_progress_on_a_terminal(bench, terminal, words):
    """The progress is one line, which is redrawn. It is removed before anything else is printed."""
    queue = bench.work_queue()
    put_many(bench, queue.dead, 2000, "--header", "x-amqp-job-reason=failed")
    runner = bench.start(words[0], queue.name, *words[1:], command="dead", stderr=terminal.theirs)
    wait_until(lambda: terminal.shown and not runner.runs(), timeout=30, what="an end")
    assert runner.finish().status == 0
    text = terminal.shown.decode()
    assert re.search(re.escape(queue.dead.name) + r"  \[[#-]+\]  +\d+%  \d+/2000", text), text
    drawn, _, rest = text.rpartition("\r\x1b[K")
    assert "\n" not in drawn and len(rest.splitlines()) == (0 if words == ["list"] else 1), text


@pytest.mark.any_broker
def test_no_progress_with_quiet_or_json(bench, terminal):
    queue = bench.work_queue()
    queue.dead.put(b"apple")
    for options in ["--quiet"], ["--log-format", "json"]:
        assert bench.start("list", queue.name, *options, command="dead", stderr=terminal.theirs).finish().status == 0
    # A progress bar would not be JSON.
    messages = [json.loads(line)["message"] for line in terminal.shown.splitlines()]
    assert all("answers" in message for message in messages), messages


def test_a_reason_of_the_brokers_is_taken_as_the_table_shows_it(bench):
    queue = bench.work_queue("quorum", b"apple")
    channel = bench.client.channel
    method, _, _ = channel.basic_get(queue.name)
    channel.basic_reject(method.delivery_tag, requeue=False)
    queue.dead.assert_back()
    queue.dead.put(b"pear", headers={"x-amqp-job-reason": "rejected"})
    shown = dead(bench, "list", queue.name).stdout.decode()
    assert "rejected (broker)" in shown
    result = dead(bench, "list", queue.name, "--reason", "rejected (broker)", "--json")
    assert result.status == 0 and [json.loads(line)["by"] for line in result.stdout.splitlines()] == ["broker"]
    assert len(dead(bench, "list", queue.name, "--reason", "rejected", "--json").stdout.splitlines()) == 2
    assert dead(bench, "purge", queue.name, "--reason", "rejected (broker)").status == 0
    assert queue.dead.take()[2] == b"pear"


@pytest.mark.parametrize("action", ["list", "replay", "purge"])
@pytest.mark.parametrize("reason, meant", [
    ("timedout", "did you mean 'timed out'?"), ("reject", "did you mean 'rejected'?"),
    ("expird (broker)", "did you mean 'expired'?"), ("failed (broker)", "did you mean 'failed'?"),
])
def test_what_is_no_reason_is_refused(bench, action, reason, meant):
    queue = bench.work_queue()
    queue.dead.put(b"apple")
    result = dead(bench, action, queue.name, "--reason", reason)
    result.assert_error(64, "--reason is to be one of failed, timed out, killed,", "delivery_limit (broker)", meant)
    queue.dead.assert_back()
