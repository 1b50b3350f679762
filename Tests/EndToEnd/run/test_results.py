"""amqp-job run --result-queue: what a worker writes is in a queue before its item is acked."""

import os

import pika.exceptions
import pytest

from support.processes import holds_for, wait_until

ECHO = ["sh", "-c", 'printf "result of "; cat; sleep 0.2; exit "${STATUS:-0}"']


def run(bench, queue, results, *options, worker=None, **more):
    target = results if isinstance(results, str) else results.name
    return bench.run("-q", queue.name, "--result-queue", target, *options, worker=worker or ECHO, **more)


def test_a_result_says_whose_it_is(bench, kind):
    queue, results = bench.work_queue(kind), bench.queue(kind)
    queue.put(b"apple", message_id="a-1")
    queue.put(b"pear", message_id="p-1", correlation_id="c-1")
    result = run(bench, queue, results, "-n", "2")
    assert result.status == 0 and result.stdout == b"", result
    found = {properties.correlation_id: (properties, body) for _, properties, body in results.take_all()}
    assert {key: body for key, (_, body) in found.items()} == {"a-1": b"result of apple", "c-1": b"result of pear"}
    properties = found["c-1"][0]
    headers = properties.headers
    assert properties.delivery_mode == 2 and headers["x-amqp-job-status"] == 0 and headers["x-amqp-job-attempts"] == 1
    assert headers["x-amqp-job-queue"] == queue.name and headers["x-amqp-job-host"] and headers["x-amqp-job-milliseconds"] >= 200
    queue.assert_empty()


def test_a_result_that_is_an_item_of_the_next_queue_has_all_its_attempts(bench, kind):
    queue, following = bench.work_queue(kind, b"apple"), bench.work_queue(kind)
    options = ("--max-attempts", "2", "--retry-delay", "100ms")
    assert run(bench, queue, following, *options, env={"STATUS": "3"}).status == 3
    assert run(bench, queue, following, *options).status == 0
    worker = ["sh", "-c", "printf %s $WORK_ITEM_ATTEMPT; exit $((2 - WORK_ITEM_ATTEMPT))"]
    results = [bench.run("-q", following.name, *options, worker=worker) for _ in range(2)]
    assert [(result.status, result.stdout) for result in results] == [(1, b"1"), (0, b"2")], results
    following.assert_empty()


@pytest.mark.parametrize("body", [b"", b"\0", os.urandom(70_000), os.urandom(3 << 20)], ids=["none", "NUL", "70k", "3M"])
def test_a_result_is_the_output_byte_for_byte(bench, body):
    queue, results = bench.work_queue("quorum", body), bench.queue()
    assert run(bench, queue, results, worker=["cat"]).status == 0
    assert [found for _, _, found in results.take_all()] == [body]


def test_the_queue_is_the_one_that_the_item_names(bench):
    queue, results = bench.work_queue("quorum"), bench.queue()
    queue.put(b"apple", reply_to=results.name, message_id="a")
    queue.put(b"pear")
    result = run(bench, queue, "reply-to", "-n", "2")
    assert result.status == 0, result
    assert [body for _, _, body in results.take_all()] == [b"result of apple"]
    queue.assert_empty()


def test_a_client_waits_for_a_direct_reply(bench):
    """https://www.rabbitmq.com/docs/direct-reply-to"""
    queue = bench.work_queue("quorum")
    channel = bench.client.channel
    replies = []
    channel.basic_consume(
        "amq.rabbitmq.reply-to", lambda *reply: replies.append((reply[2].correlation_id, reply[3])), auto_ack=True)
    queue.put(b"apple", reply_to="amq.rabbitmq.reply-to", correlation_id="c")
    assert run(bench, queue, "reply-to").status == 0

    def arrived():
        bench.client.connection.process_data_events(0)
        return replies

    assert wait_until(arrived, what="the reply") == [("c", b"result of apple")]


def test_a_result_queue_that_does_not_exist_is_told_before_an_item_is_taken(bench):
    queue = bench.work_queue("quorum", b"apple")
    missing = f"{bench.marker}-missing"
    run(bench, queue, missing).assert_error(66, missing, f"'amqp-job declare {missing} --plain' makes it", "'reply-to'")
    queue.assert_untouched()


def test_a_result_that_no_queue_takes_is_a_failed_attempt(bench):
    queue = bench.work_queue("quorum")
    missing = f"{bench.marker}-missing"
    queue.put(b"apple", reply_to=missing)
    options = ("--max-attempts", "2", "--retry-delay", "1s")
    result = run(bench, queue, "reply-to", *options)
    result.assert_error(1, missing, "result could not be published", "comes back in 1s")
    result = run(bench, queue, "reply-to", *options)
    result.assert_error(1, "dead-lettered")
    _, properties, body = queue.dead.take()
    assert body == b"apple" and properties.headers["x-amqp-job-reason"] == "result refused"


@pytest.mark.parametrize("own", [True, False], ids=["own", "another's"])
@pytest.mark.parametrize("end", [".retry", ".marks"])
def test_a_reply_to_a_queue_that_is_there_for_runners_is_a_failed_attempt_of_its_item_alone(bench, end, own):
    queue = bench.work_queue("quorum")
    reserved = (queue if own else bench.work_queue("quorum")).name + end
    queue.put(b"apple", reply_to=reserved)
    queue.put(b"pear")
    options = ("-n", "2", "--max-attempts", "1")
    result = run(bench, queue, "reply-to", *options)
    assert result.status == 1 and result.stderr.count(f"queue '{reserved}'") == 1, result
    assert "comes from" in result.stderr if own else "nothing else may be in it" in result.stderr, result
    _, properties, body = queue.dead.take()
    assert body == b"apple" and properties.headers["x-amqp-job-reason"] == "result refused"
    assert bench.run("-q", queue.name, "--drain", worker=["cat"]).status == 0
    assert bench.client.channel.queue_declare(reserved, passive=True).method.message_count == 0


def test_a_queue_that_only_has_such_a_name_takes_results(bench):
    queue, results = bench.work_queue("quorum"), bench.name_queue("classic")
    results.name += ".retry"
    bench.client.channel.queue_declare(results.name, durable=True)
    queue.put(b"apple", reply_to=results.name)
    assert run(bench, queue, "reply-to").status == 0
    queue.put(b"pear")
    assert run(bench, queue, results).status == 0
    assert [body for _, _, body in results.take_all()] == [b"result of apple", b"result of pear"]


def test_a_reply_to_the_queue_of_the_item_is_a_failed_attempt(bench):
    queue = bench.queue("quorum")
    queue.put(b"apple", reply_to=queue.name)
    run(bench, queue, "reply-to").assert_error(1, "result could not be published", "comes from", "given back")
    queue.assert_back()


def test_a_result_queue_that_is_there_for_runners_is_told_before_an_item_is_taken(bench):
    queue, other = bench.work_queue("quorum", b"apple"), bench.work_queue("quorum")
    for reserved in other.retry, other.marks:
        run(bench, queue, reserved).assert_error(78, reserved.name, "nothing else may be in it", "--result-queue")
    queue.assert_untouched()


def test_a_full_result_queue_is_a_failed_attempt(bench):
    queue = bench.work_queue("quorum", b"apple")
    results = bench.queue("quorum", **{"x-max-length": 1, "x-overflow": "reject-publish"})
    results.put(b"full")
    with pytest.raises(pika.exceptions.NackError):
        for _ in range(3):  # A quorum queue may take one more than its limit.
            results.put(b"full")
    run(bench, queue, results).assert_error(1, results.name, "rejected")
    assert queue.retry.depth() == 1


def test_a_result_that_is_too_large_is_a_failed_attempt(bench):
    queue, results = bench.work_queue("quorum", b"x" * 2000), bench.queue()
    run(bench, queue, results, "--result-max", "1KiB", worker=["cat"]).assert_error(1, "2000 bytes", "1024")
    assert results.depth() == 0 and queue.retry.depth() == 1


def test_a_failure_has_a_result_when_it_is_not_tried_again(bench):
    queue, results = bench.work_queue("quorum", b"apple"), bench.queue()
    options = ("--max-attempts", "2", "--retry-delay", "1s")
    assert run(bench, queue, results, *options, env={"STATUS": "3"}).status == 3
    assert results.depth() == 0
    assert run(bench, queue, results, *options, env={"STATUS": "3"}).status == 3
    [(_, properties, body)] = results.take_all()
    assert body == b"result of apple" and properties.headers["x-amqp-job-status"] == 3
    assert properties.headers["x-amqp-job-attempts"] == 2 and queue.dead.depth() == 1


@pytest.mark.parametrize("occasion, status, count", [
    ("success", 0, 1), ("success", 3, 0), ("failure", 0, 0), ("failure", 3, 1), ("all", 0, 1), ("all", 3, 1)])
def test_results_of_one_occasion(bench, occasion, status, count):
    queue, results = bench.work_queue("quorum", b"apple"), bench.queue()
    options = ("--max-attempts", "1", "--result-on", occasion)
    assert run(bench, queue, results, *options, env={"STATUS": str(status)}).status == status
    assert results.depth() == count


def test_a_failure_whose_result_no_queue_takes_is_that_failure(bench):
    queue = bench.work_queue("quorum")
    queue.put(b"apple", reply_to=f"{bench.marker}-missing")
    result = run(bench, queue, "reply-to", "--max-attempts", "1", env={"STATUS": "3"})
    assert result.status == 3 and queue.dead.depth() == 1, result


def test_the_item_is_acked_after_its_result(spare, spare_broker):
    """The broker takes no publish for now. The item stays with its runner until the result is in its queue, however long that
    takes: the time limit is the worker's."""
    queue, results = spare.work_queue("quorum", b"apple"), spare.queue()
    with spare_broker.short_of_memory():
        options = ("-v", "--timeout", "3s", "--grace", "0", "--result-queue", results.name)
        runner = spare.start("-q", queue.name, *options, worker=ECHO)
        wait_until(lambda: "takes no copies" in runner.stderr, what="the blocked connection")
        holds_for(lambda: runner.runs() and "acked" not in runner.stderr, 4, "the runner with its item")
    result = runner.finish()
    assert result.status == 0, result
    assert results.depth() == 1
    queue.assert_empty()


@pytest.mark.any_broker
def test_usage(bench):
    for own in ("q", "q.retry", "q.dead"):
        bench.run("-q", "q", "--result-queue", own, worker=["true"]).assert_error(64, "--result-queue")
    for name in "", "x" * 256:
        bench.run("-q", "q", "--result-queue", name, worker=["true"]).assert_error(64, "a queue's name has from 1 to 255 bytes")
    for alone in ("--finish-window", "5s"), ("--result-on", "failure"), ("--result-max", "1KiB"):
        bench.run("-q", "q", *alone, worker=["true"]).assert_error(64, alone[0], "goes with --")
    options = ("--result-queue", "r", "--on-disconnect", "finish")
    bench.run("-q", "q", *options, worker=["true"]).assert_error(64, "--on-disconnect")
