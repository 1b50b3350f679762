"""run --result-queue: whoever waits for an item hears of it when it is not tried again, whether or not a worker had it."""

import json
import signal

import pika
import pytest

from support.processes import wait_until
from support.steps import Steps

ONCE = ("--max-attempts", "1")


def run(bench, queue, results, *options, worker=("cat",), **more):
    return bench.run("-q", queue.name, "--result-queue", results.name, *options, worker=list(worker), **more)


def the_result(results):
    """The only result, and that it is of the item "m"."""
    [(_, properties, body)] = results.take_all()
    assert properties.correlation_id == "m" and properties.delivery_mode == 2
    return properties.headers, body


@pytest.mark.parametrize("name, body, headers, options, worker, expected", [
    ("an item without an attempt left", b"a", {"x-amqp-job-attempts": 1, "x-amqp-job-last-reason": "failed", "x-amqp-job-last-status": 9},
     ONCE, ["cat"], ("failed", 9, 1)),
    ("an item that is too large", b"x" * 2000, {}, ("--max-item-size", "1KiB"), ["cat"], ("too large", 1, 0)),
    ("an item that is too old", b"a", {"x-amqp-job-attempts": 2}, ("--max-item-age", "1h"), ["cat"], ("expired", 1, 2)),
    ("a result that is too large", b"x" * 2000, {}, (*ONCE, "--result-max", "1KiB"), ["cat"], ("result refused", 1, 1)),
    ("a failure whose output is too large", b"x" * 2000, {}, (*ONCE, "--result-max", "1KiB"), ["sh", "-c", "cat; exit 3"],
     ("failed", 3, 1)),
    ("a worker that cannot be started", b"a\0b", {}, (*ONCE, "--feed", "arg"), ["echo", "{}"], ("not started", 1, 1)),
    ("a worker that takes too long", b"a", {}, (*ONCE, "--timeout", "500ms"), ["sh", "-c", "trap 'exit 0' TERM; sleep 60 & wait"],
     ("timed out", 124, 1)),
    ("a status that is rejected", b"a", {}, ("--reject-on", "4"), ["sh", "-c", "exit 4"], ("rejected", 4, 1)),
], ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "")
def test_an_item_that_is_dead_lettered_has_a_result(bench, kind, name, body, headers, options, worker, expected):
    queue, results = bench.work_queue(kind), bench.queue()
    queue.put(body, message_id="m", headers=headers, timestamp=1)
    result = run(bench, queue, results, *options, worker=worker)
    assert result.status != 0 and "dead-lettered" in result.stderr, (name, result)
    found, output = the_result(results)
    assert tuple(found[f"x-amqp-job-{key}"] for key in ("reason", "status", "attempts")) == expected and output == b""
    assert found["x-amqp-job-queue"] == queue.name and found["x-amqp-job-host"]
    assert queue.dead.take()[1].headers["x-amqp-job-reason"] == expected[0]
    queue.assert_empty()


def test_an_item_that_came_back_from_its_last_attempt_has_a_result(bench, kind):
    """Its runner was killed, so nobody has told yet."""
    queue, results = bench.work_queue(kind), bench.queue()
    queue.put(b"a", message_id="m")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, "--result-queue", results.name, *ONCE, worker=worker)
    worker.wait_for("holding")
    runner.send(signal.SIGKILL)
    runner.finish()
    queue.assert_back()
    run(bench, queue, results, *ONCE).assert_error(1, "no attempt is left", "dead-lettered")
    found, _ = the_result(results)
    assert (found["x-amqp-job-reason"], found["x-amqp-job-status"], found["x-amqp-job-attempts"]) == ("came back", 1, 1)


@pytest.mark.any_broker
def test_an_item_that_is_lost_with_its_step_has_a_result(bench):
    steps = Steps(bench)
    queue, results = bench.work_queue(), bench.queue()
    queue.put(b"a", message_id="m")
    worker = bench.worker("hold")
    step = steps.start("blur", worker)
    options = ("--result-queue", results.name, *ONCE, *steps.options("blur"))
    runner = bench.start("-q", queue.name, *options)
    worker.wait_for("holding")
    step.send(signal.SIGKILL)
    runner.finish().assert_error(1, "step 'blur' was lost", "dead-lettered")
    found, _ = the_result(results)
    assert (found["x-amqp-job-reason"], found["x-amqp-job-status"], found["x-amqp-job-step"]) == ("step lost", 1, "blur")


def test_an_item_that_the_broker_is_to_dead_letter_has_a_result(bench):
    """Its worker exits 0, but the result cannot be published. Then the item is rejected."""
    dead, results = bench.queue(), bench.queue()
    queue = bench.queue(**{"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead.name})
    queue.put(b"x" * 2000, message_id="m")
    result = run(bench, queue, results, "--on-failure", "reject", "--result-max", "1KiB")
    assert result.status == 1 and "rejected" in result.stderr, result
    dead.assert_back()
    assert the_result(results)[0]["x-amqp-job-reason"] == "result refused"


def test_only_results_of_success_are_wanted(bench):
    queue, results = bench.work_queue(), bench.queue()
    queue.put(b"x" * 2000, message_id="m")
    run(bench, queue, results, "--max-item-size", "1KiB", "--result-on", "success").assert_error(1, "dead-lettered")
    assert results.depth() == 0 and queue.dead.depth() == 1


def test_an_item_that_is_tried_again_has_no_result_yet(bench):
    queue, results = bench.work_queue(), bench.queue()
    queue.put(b"x" * 2000, message_id="m")
    run(bench, queue, results, "--result-max", "1KiB").assert_error(1, "comes back")
    assert results.depth() == 0 and queue.retry.depth() == 1


def test_a_result_queue_that_takes_none_does_not_hold_up_a_dead_letter(bench):
    queue = bench.work_queue()
    queue.put(b"x" * 2000, reply_to=f"{bench.marker}-missing")
    options = ("--result-queue", "reply-to", "--max-item-size", "1KiB")
    bench.run("-q", queue.name, *options, worker=["cat"]).assert_error(1, "too large", "dead-lettered")
    assert queue.dead.depth() == 1
    queue.assert_empty()


def test_publish_hears_of_an_item_that_no_worker_gets(bench):
    queue = bench.work_queue()
    options = ("--forever", "--result-queue", "reply-to", "--max-item-size", "1KiB")
    runner = bench.start("-q", queue.name, *options, worker=["cat"])
    items = bench.input(b"a\n" + b"x" * 2000 + b"\nb\n")
    result = bench.run("-q", queue.name, "--wait", "--json", command="publish", stdin=items)
    result.assert_error(1, "1 of 3 items failed")
    first, second, third = map(json.loads, result.stdout.splitlines())
    assert (first["body"], third["body"]) == ("a", "b") and "reason" not in first
    assert (second["item"], second["status"], second["reason"], second["body"]) == (2, 1, "too large", "")
    runner.send(signal.SIGTERM)
    runner.finish()


def test_a_direct_reply_is_not_missed_by_the_runner(bench):
    """The client is gone before its result comes. The broker does not say so, and the item is done."""
    queue = bench.work_queue()
    connection = pika.BlockingConnection(bench.client.parameters)
    channel = connection.channel()
    channel.basic_consume("amq.rabbitmq.reply-to", lambda *_: None, auto_ack=True)
    request = pika.BasicProperties(reply_to="amq.rabbitmq.reply-to", delivery_mode=2)
    channel.basic_publish("", queue.name, b"a", request)
    wait_until(lambda: queue.depth() == 1, what="the item")
    connection.close()
    result = bench.run("-q", queue.name, "--result-queue", "reply-to", worker=["cat"])
    assert result.status == 0, result
    queue.assert_empty()
    assert queue.retry.depth() == 0 and queue.dead.depth() == 0
