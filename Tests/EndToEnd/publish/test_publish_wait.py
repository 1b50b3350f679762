"""amqp-job publish --wait: a client that gets the results of its items."""

import collections
import contextlib
import json
import signal
import subprocess
import time

import pika
import pika.exceptions
import pytest

from support.amqp import Queue
from support.processes import holds_for, wait_until

WORKER = ["sh", "-c", 'item=$(cat); printf "%s\\n" "$item done"; [ "$item" != bad ]']


@contextlib.contextmanager
def runner(bench, queue, *options, worker=WORKER):
    options = ("--forever", "--result-queue", "reply-to", *options)
    runner = bench.start("-q", queue.name, *options, worker=worker)
    yield runner
    runner.send(signal.SIGTERM)
    runner.finish()


ONCE = ("--max-attempts", "1")


def publish(bench, queue, *words, **options):
    return bench.run("-q", queue.name, "--wait", *words, command="publish", **options)


def test_results_in_the_order_of_the_items(bench, kind):
    queue = bench.work_queue(kind)
    worker = ["sh", "-c", 'item=$(cat); sleep "0.$item"; echo "$item done"']
    with runner(bench, queue, "-j", "4", worker=worker):
        result = publish(bench, queue, "3", "2", "1", "0")
    assert result.status == 0 and result.stdout == b"3 done\n2 done\n1 done\n0 done\n", result


def test_results_as_they_come(bench):
    """The first item is done last: its worker waits for the test."""
    queue = bench.work_queue()
    gate = bench.path("gate")
    worker = ["sh", "-c", f'item=$(cat); if [ "$item" = slow ]; then until [ -e {gate} ]; do sleep 0.05; done; fi; echo "$item"']
    with runner(bench, queue, "-j", "2", worker=worker):
        waiting = bench.start("-q", queue.name, "--wait", "--as-completed", "slow", "fast", command="publish")
        wait_until(lambda: waiting.stdout == b"fast\n", what="the first result")
        gate.touch()
        assert waiting.finish().status == 0 and waiting.stdout == b"fast\nslow\n"


def test_a_worker_that_fails(bench):
    queue = bench.work_queue()
    with runner(bench, queue, *ONCE):
        result = publish(bench, queue, "good", "bad", "--json")
    result.assert_error(1, "1 of 2 items failed")
    good, bad = map(json.loads, result.stdout.splitlines())
    assert (good["item"], good["status"], good["body"]) == (1, 0, "good done\n") and good["seconds"] >= 0 and good["host"]
    assert (bad["item"], bad["status"], bad["body"], bad["attempt"]) == (2, 1, "bad done\n", 1)


def test_the_text_mode_names_the_items_that_failed_and_the_place_of_their_dead_letters(bench):
    queue = bench.work_queue()
    with runner(bench, queue, *ONCE, worker=["sh", "-c", 'exit "$(cat)"']):
        result = publish(bench, queue, "0", "3", "0", "4")
    result.assert_error(1, "2 of 4 items failed", "item 2 (status 3, id ", "item 4 (status 4, id ", f"in queue '{queue.dead.name}'")
    first = result.stderr.split("item 2 (status 3, id ")[1].split(")")[0]
    queue.dead.assert_back(2)
    assert bench.run("show", queue.name, "--id", first, command="dead").stdout == b"3"


def answer(queue, **headers):
    """Another program answers, with these of the headers of a result."""
    _, properties, _ = queue.take()
    reply = pika.BasicProperties(
        correlation_id=properties.correlation_id, headers={f"x-amqp-job-{name}": value for name, value in headers.items()})
    queue.client.channel.basic_publish("", properties.reply_to, b"", reply)


def test_no_dead_letter_is_told_of_where_another_program_answers(bench):
    queue = bench.work_queue()
    waiting = bench.start("-q", queue.name, "--wait", "apple", command="publish")
    wait_until(lambda: queue.depth() == 1, what="the item")
    answer(queue, status=3)
    result = waiting.finish()
    result.assert_error(1, "1 of 1 item failed", "status 3")
    assert "dead" not in result.stderr


@pytest.mark.parametrize("headers, shown", [
    ({"status": 0, "reason": True}, {"status": 0, "reason": "not text"}),
    ({"status": 0, "reason": None}, {"status": 0, "reason": "not text"}),
    ({"status": 256}, {}), ({"status": -1, "milliseconds": -1}, {}),
])
def test_an_answer_that_makes_no_sense_is_no_success(bench, headers, shown):
    queue = bench.work_queue()
    waiting = bench.start("-q", queue.name, "--wait", "--json", "apple", command="publish")
    wait_until(lambda: queue.depth() == 1, what="the item")
    answer(queue, **headers)
    assert waiting.finish().status == 1
    found = json.loads(waiting.stdout)
    assert {name: found[name] for name in ("status", "reason", "seconds") if name in found} == shown


def test_results_that_did_not_come_are_named(bench):
    queue = bench.work_queue()
    waiting = bench.start("-q", queue.name, "--wait", "--json", "0", "3", "0", "0", command="publish")
    worker = ["sh", "-c", 'exit "$(cat)"']
    assert bench.run(
        "-q", queue.name, "-n", "2", *ONCE, "--result-queue", "reply-to", worker=worker).status == 1
    wait_until(lambda: waiting.stdout.count(b"\n") == 2, what="two results")
    waiting.send(signal.SIGTERM)
    waiting.finish().assert_error(143, "2 of 4 results came, not those of items 3, 4; failed: item 2 (status 3, id ")


def test_bytes_that_are_no_text(bench):
    queue = bench.work_queue()
    item = bytes(range(256))
    with runner(bench, queue, worker=["cat"]):
        result = publish(bench, queue, "--whole", stdin=bench.input(item))
        assert result.status == 0 and result.stdout == item
        result = publish(bench, queue, "--whole", "--json", stdin=bench.input(item[255:]))
    assert json.loads(result.stdout)["body_base64"] == "/w=="


def test_nobody_answers_in_time(bench):
    queue = bench.work_queue()
    result = publish(bench, queue, "apple", "--timeout", "2s")
    result.assert_error(
        75, "not all results came within 2s (--timeout): 0 of 1 result came;", "--result-queue reply-to", told_of_results(queue))
    assert queue.depth() == 1


def told_of_results(queue):
    """What a line says of the queue for the results of the item that waits in this queue. It is still there."""
    wait_until(lambda: queue.depth() == 1, what="the item")
    _, properties, body = queue.take()
    queue.put(body, reply_to=properties.reply_to, correlation_id=properties.correlation_id)
    assert Queue(queue.client, properties.reply_to, "classic").depth() == 0
    return f"queue '{properties.reply_to}' takes what still comes, and stays for a day"


@pytest.mark.any_broker
def test_a_wait_says_at_a_terminal_what_it_waits_for(bench, terminal):
    queue = bench.work_queue()
    waiting = bench.start("-q", queue.name, "--wait", "apple", command="publish", stderr=terminal.theirs)
    wait_until(lambda: b"waiting for 1 of 1 result from the runners of queue" in terminal.shown, what="a line about the wait")
    with runner(bench, queue):
        assert waiting.finish().status == 0


def results(bench, queue):
    """The queue for the results of the item that waits in this queue."""
    queue.assert_back()
    _, properties, body = queue.take()
    queue.put(
        body, reply_to=properties.reply_to, message_id=properties.message_id, correlation_id=properties.correlation_id)
    return Queue(bench.client, properties.reply_to, "classic")


def test_a_signal_says_what_came(bench):
    queue = bench.work_queue()
    waiting = bench.start("-q", queue.name, "--wait", "apple", command="publish")
    results(bench, queue).wait_for_consumer()
    waiting.send(signal.SIGTERM)
    waiting.finish().assert_error(143, "0 of 1 result", told_of_results(queue))


def test_no_queue_is_left(bench):
    queue = bench.work_queue()
    waiting = bench.start("-q", queue.name, "--wait", "apple", command="publish")
    place = results(bench, queue)
    with runner(bench, queue):
        assert waiting.finish().status == 0
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        place.depth()


def test_a_work_queue_that_is_deleted_ends_the_wait(bench, kind):
    queue = bench.work_queue(kind)
    waiting = bench.start("-q", queue.name, "--wait", "good", "apple", command="publish")
    assert bench.run("-q", queue.name, "--result-queue", "reply-to", worker=WORKER).status == 0
    place = results(bench, queue)
    queue.delete()
    result = waiting.finish()
    result.assert_error(66, f"queue '{queue.name}'", "was deleted", "1 of 2 results came, not that of item 2", f"queue '{place.name}'")
    assert "--result-queue" not in result.stderr and result.stdout == b"good done\n"


def test_a_work_queue_that_is_still_there_is_asked_for_in_vain(bench):
    """The broker is asked after 10 s."""
    queue = bench.work_queue()
    waiting = bench.start("-q", queue.name, "--wait", "apple", command="publish")
    place = results(bench, queue)
    place.wait_for_consumer()
    holds_for(waiting.runs, 22, "the wait")
    with runner(bench, queue):
        assert waiting.finish().status == 0


def test_what_was_published_before_an_error_may_still_have_its_result(bench):
    queue = bench.work_queue()
    items = b'{"body": "good"}\nnonsense\n'
    publish(bench, queue, "--jsonl", stdin=bench.input(items)).assert_error(65, "line 2", told_of_results(queue))
    assert bench.run("-q", queue.name, "--result-queue", "reply-to", worker=WORKER).status == 0


def test_no_item_has_no_result(bench):
    queue = bench.work_queue()
    assert publish(bench, queue, "--lines", stdin=bench.input(b"")).status == 0


@pytest.mark.any_broker
def test_an_exchange_has_no_single_result(bench):
    bench.run("--exchange", "x", "--wait", "a", command="publish").assert_error(64, "--wait")


@pytest.mark.slow
@pytest.mark.limit(600)
def test_a_thousand_items_and_faults(spare, spare_broker):
    """A runner is killed and the broker restarted in between. Each item has its result, with its true status."""
    queue = spare.work_queue("quorum")
    options = ("-j", "4", "--max-attempts", "3", "--retry-delay", "1s")
    lines = [b"bad" if number % 100 == 99 else b"%d" % number for number in range(1000)]
    waiting = spare.start(
        "-q", queue.name, "--wait", "--json", "--as-completed", command="publish",
        stdin=spare.input(b"".join(line + b"\n" for line in lines)))

    def came(count):
        wait_until(lambda: waiting.stdout.count(b"\n") > count, 150, f"{count} results")

    first = spare.start("-q", queue.name, "--forever", "--result-queue", "reply-to", *options, worker=WORKER)
    came(100)
    first.send(signal.SIGKILL)
    first.finish()
    second = spare.start("-q", queue.name, "--forever", "--result-queue", "reply-to", *options, worker=WORKER)
    came(300)
    spare_broker.stop(keep_data=True)
    assert second.finish().status == 75
    spare_broker.start()
    with runner(spare, queue, *options):
        result = waiting.finish(240)
    assert result.status == 1 and "10 of 1000 items failed" in result.lines[-1], result.lines
    found = [json.loads(line) for line in waiting.stdout.splitlines()]
    assert collections.Counter(each["item"] for each in found) == {number: 1 for number in range(1, 1001)}
    for each in found:
        item = lines[each["item"] - 1].decode()
        assert each["body"] == f"{item} done\n" and (each["status"] == 0) == (item != "bad"), each


@pytest.mark.any_broker
def test_items_that_are_published_after_their_time_may_have_results_in_time(bench):
    """The limit begins when all items are published, which nobody knows before."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 30))
    publisher = bench.start(
        "-q", bench.queue("quorum").name, "--wait", "--timeout", "2s", "--at", at, command="publish", stdin=subprocess.PIPE)
    publisher.process.stdin.close()
    assert publisher.finish().status == 0


@pytest.mark.any_broker
@pytest.mark.parametrize("words, named", [
    (["--timeout", "1s", "a"], "--timeout"), (["--json", "a"], "--json"), (["--wait", "--reply-to", "r", "a"], "--wait"),
    (["--wait", "--correlation-id", "c", "a"], "--wait"),
    (["--wait", "--delay", "10m", "--timeout", "30s", "a"], "--timeout 30s ends before the items are due (--delay)")])
def test_usage(bench, words, named):
    bench.run("-q", "q", *words, command="publish").assert_error(64, named)
