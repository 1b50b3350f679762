"""amqp-job publish --wait: results come while items are still published, and go where somebody may not read them."""

import contextlib
import json
import os
import signal
import subprocess

import pika
import pytest

from support.amqp import Queue
from support.processes import PROMPT, holds_for, wait_until


def start(bench, queue, *words, **options):
    return bench.start("-q", queue.name, "--wait", *words, command="publish", **options)


class Answers:
    """A program without amqp-job that takes the requests of a queue, and answers them as the test says."""

    def __init__(self, bench, queue):
        self.bench, self.queue = bench, queue
        self.requests = {}

    def take(self, *names):
        """Takes the requests with these bodies, in whatever order they come."""
        def taken():
            while (item := self.queue.take()) is not None:
                self.requests.setdefault(item[2].decode(), []).append(item[1])
            return all(name in self.requests for name in names)
        wait_until(taken, what=f"the requests {names}")

    def answer(self, name, body, status=0, index=0):
        request = self.requests[name][index]
        properties = pika.BasicProperties(correlation_id=request.correlation_id, headers={"x-amqp-job-status": status})
        self.bench.client.channel.basic_publish("", request.reply_to, body, properties, mandatory=True)

    def results(self, name):
        return Queue(self.bench.client, self.requests[name][0].reply_to, "classic")


@contextlib.contextmanager
def stream(bench, queue, *words, **options):
    """A publisher whose standard input stays open: `write` writes to it, `end` ends it."""
    waiting = start(bench, queue, *words, stdin=subprocess.PIPE, **options)
    waiting.write = lambda data: (waiting.process.stdin.write(data), waiting.process.stdin.flush())
    waiting.end = waiting.process.stdin.close
    try:
        yield waiting
    finally:
        waiting.end()


@pytest.fixture
def queue(bench):
    return bench.work_queue("quorum")


@pytest.fixture
def answers(bench, queue):
    return Answers(bench, queue)


@pytest.mark.any_broker
def test_a_result_comes_before_the_next_item_is_written(bench, queue, answers):
    with stream(bench, queue) as waiting:
        for name in ("a", "b", "c"):
            waiting.write(name.encode() + b"\n")
            answers.take(name)
            answers.answer(name, f"{name}!\n".encode())
            wait_until(lambda: waiting.stdout.endswith(f"{name}!\n".encode()), what="the result")
        assert waiting.runs()
        waiting.end()
        result = waiting.finish()
    assert result.status == 0 and result.stdout == b"a!\nb!\nc!\n", result


@pytest.mark.any_broker
@pytest.mark.parametrize("words, early", [([], b""), (["--as-completed"], b"2\n3\n")])
def test_while_items_come_the_order_is_kept(bench, queue, answers, words, early):
    with stream(bench, queue, *words) as waiting:
        waiting.write(b"1\n2\n3\n")
        answers.take("1", "2", "3")
        answers.answer("2", b"2\n")
        answers.answer("3", b"3\n")
        wait_until(lambda: answers.results("1").depth() == 0 and waiting.stdout == early, what="the early results")
        answers.answer("1", b"1\n")
        wait_until(lambda: len(waiting.stdout) == 6, what="all results")
        assert waiting.runs()
        waiting.end()
        assert waiting.finish().status == 0
    assert waiting.stdout == (early + b"1\n" if early else b"1\n2\n3\n")


@pytest.mark.any_broker
def test_any_program_may_answer_and_one_that_repeats_itself_counts_once(bench, queue, answers):
    """The items have the same message id. Each has a correlation id of its own."""
    items = b'{"body": "a", "properties": {"message_id": "m"}}\n{"body": "b", "properties": {"message_id": "m"}}\n'
    waiting = start(bench, queue, "--jsonl", "--json", stdin=bench.input(items))
    answers.take("a", "b")
    answers.answer("b", b"of b")
    answers.answer("b", b"of b")
    wait_until(lambda: answers.results("a").depth() == 0, what="an end of the messages")
    holds_for(waiting.runs, 0.5, "the wait for the other result")
    answers.answer("a", b"of a", status=3)
    result = waiting.finish()
    result.assert_error(1, "1 of 2 items failed")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(each["item"], each["id"], each["status"], each["body"]) for each in found] == [
        (1, "m", 3, "of a"), (2, "m", 0, "of b")]


@pytest.mark.any_broker
@pytest.mark.parametrize("name", ["reply_to", "correlation_id"])
def test_an_item_that_would_be_answered_elsewhere_is_refused(bench, queue, name):
    items = b'{"body": "a"}\n{"body": "b", "properties": {"%s": "x"}}\n' % name.encode()
    result = start(bench, queue, "--jsonl", stdin=bench.input(items)).finish()
    result.assert_error(64, "line 2", name, "--wait", "1 item is in the queue")
    assert queue.depth() == 1
    assert bench.run("-q", queue.name, "--jsonl", command="publish", stdin=bench.input(items)).status == 0


@pytest.mark.any_broker
def test_what_has_come_before_an_error_is_printed_whole(bench, queue, answers):
    """The reader of the output is slow, and the last result waits for one that never comes."""
    reader, writer = os.pipe()
    with stream(bench, queue, "--jsonl", stdout=writer) as waiting:
        os.close(writer)
        for name in ("a", "b", "c"):
            waiting.write(b'{"body": "%s"}\n' % name.encode())
        answers.take("a", "b", "c")
        answers.answer("c", b"c")
        answers.answer("a", b"x" * 300_000)
        assert os.read(reader, 1) == b"x"
        waiting.write(b"nonsense\n")
        with open(reader, "rb") as output:
            assert output.read() == b"x" * 299_999 + b"c"
        waiting.finish().assert_error(65, "line 4")


@pytest.mark.any_broker
def test_a_deleted_work_queue_ends_an_endless_stream(bench, queue, answers):
    with stream(bench, queue) as waiting:
        waiting.write(b"a\nb\n")
        answers.take("a", "b")
        answers.answer("a", b"of a\n")
        wait_until(lambda: waiting.stdout == b"of a\n", what="the result")
        queue.delete()
        waiting.finish().assert_error(66, queue.name, "was deleted", "1 of 2 results came")


@pytest.mark.any_broker
def test_a_lost_result_queue_ends_an_endless_stream(bench, queue, answers):
    with stream(bench, queue) as waiting:
        waiting.write(b"a\n")
        answers.take("a")
        answers.results("a").delete()
        waiting.finish().assert_error(66, "was deleted", "0 of 1 result came")


@pytest.mark.any_broker
def test_a_lost_connection_loses_no_result(bench, queue, answers):
    way = bench.proxy()
    with stream(bench, queue, "--as-completed", url=way.url) as waiting:
        waiting.write(b"a\n")
        answers.take("a")
        answers.results("a").wait_for_consumer()
        way.cut()
        answers.answer("a", b"a!\n")
        wait_until(lambda: waiting.stdout == b"a!\n", what="the result")
        waiting.write(b"b\n")
        answers.take("b")
        answers.answer("b", b"b!\n")
        waiting.end()
        result = waiting.finish()
    assert result.status == 0 and result.stdout == b"a!\nb!\n", result


# Nobody reads


def fill(answers, name):
    """A result that no pipe takes whole. The publisher has it, or is about to."""
    answers.answer(name, b"x" * 300_000)
    wait_until(lambda: answers.results(name).depth() == 0, what="the publisher's care for the result")


@pytest.mark.any_broker
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("is_open", [True, False], ids=["input-open", "input-at-its-end"])
def test_a_signal_ends_it_although_nobody_reads_its_output(bench, queue, answers, number, is_open):
    reader, writer = os.pipe()
    try:
        with stream(bench, queue, stdout=writer) as waiting:
            waiting.write(b"a\n")
            answers.take("a")
            if not is_open:
                waiting.end()
            fill(answers, "a")
            assert os.read(reader, 1) == b"x"
            waiting.send(number)
            result = waiting.finish(PROMPT)
        result.assert_error(128 + number, f"ended by {number.name[3:]}")
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.any_broker
def test_results_that_nobody_reads_hold_up_no_item(bench, queue, answers):
    """The output is blocked, and items go on. Afterwards every byte is there."""
    reader, writer = os.pipe()
    with stream(bench, queue, stdout=writer) as waiting:
        os.close(writer)
        waiting.write(b"a\n")
        answers.take("a")
        fill(answers, "a")
        waiting.write(b"b\n")
        answers.take("b")
        answers.answer("b", b"b")
        waiting.end()
        with open(reader, "rb") as output:
            assert output.read() == b"x" * 300_000 + b"b"
        assert waiting.finish().status == 0


@pytest.mark.any_broker
def test_a_reader_that_goes_ends_it_without_a_word(bench, queue, answers):
    """As with `publish --wait | head -1`. The items that are on their way are in the queue."""
    reader, writer = os.pipe()
    with stream(bench, queue, stdout=writer) as waiting:
        os.close(writer)
        waiting.write(b"a\nb\n")
        answers.take("a", "b")
        os.close(reader)
        answers.answer("a", b"a!\n")
        result = waiting.finish()
    assert (result.status, result.stderr) == (141, "")


@pytest.mark.any_broker
def test_a_full_disk_is_told(bench, queue, answers):
    with open("/dev/full", "wb") as full, stream(bench, queue, stdout=full) as waiting:
        waiting.write(b"a\n")
        answers.take("a")
        answers.answer("a", b"a!\n")
        waiting.finish().assert_error(74, "standard output", "no space")
