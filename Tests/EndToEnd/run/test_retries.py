"""Attempts, retries and dead letters, on queues that `amqp-job declare` made."""

import signal
import time

import pytest

from support.processes import PROMPT, holds_for, wait_until

# One item always fails, one kills its runner, and one takes too long. All others are done and logged.
POISON = """
body=$(cat)
case $body in
fails) exit 7 ;;
kills) kill -KILL $PPID; sleep 60 ;;
hangs) sleep 60 ;;
*) echo "$body" >>{log} ;;
esac
"""


def dead_letters(queue):
    """The dead letters, as {body: headers}."""
    return {body: properties.headers for _, properties, body in queue.dead.take_all()}


@pytest.mark.slow
def test_poison_ends_in_the_dead_letter_queue_and_the_others_are_done_once(bench, kind):
    good = [b"%d" % n for n in range(20)]
    queue = bench.work_queue(kind, *good[:7], b"fails", *good[7:12], b"kills", b"hangs", *good[12:])
    log = bench.path("log")
    worker = bench.script(POISON.format(log=log))
    options = ["--drain", "--max-attempts", "3", "--retry-delay", "200ms", "--timeout", "1s"]
    statuses = []
    while not statuses or statuses[-1] == -signal.SIGKILL:
        statuses.append(bench.run("-q", queue.name, *options, worker=worker, timeout=60).status)
    # Each of the item's three attempts kills its runner. The last runner finds the item dead, or other items.
    assert statuses == [-signal.SIGKILL] * 3 + [1]
    dead = dead_letters(queue)
    assert {body: headers["x-amqp-job-attempts"] for body, headers in dead.items()} == {
        b"fails": 3, b"kills": 3, b"hangs": 3,
    }
    reasons = {body: headers["x-amqp-job-reason"] for body, headers in dead.items()}
    assert reasons == {b"fails": "failed", b"kills": "came back", b"hangs": "timed out"}
    assert all(headers["x-amqp-job-queue"] == queue.name for headers in dead.values())
    assert sorted(log.read_text().split(), key=int) == [item.decode() for item in good]
    queue.assert_empty()


@pytest.mark.slow
@pytest.mark.parametrize("poison", [b"fails", b"kills", b"hangs"])
def test_one_pod_an_item(bench, kind, poison):
    """The same with one runner per item. Nothing is done twice here."""
    good = [b"%d" % n for n in range(20)]
    queue = bench.work_queue(kind, *good[:10], poison, *good[10:])
    log = bench.path("log")
    worker = bench.script(POISON.format(log=log))
    options = ["--when-empty", "exit", "--max-attempts", "3", "--retry-delay", "100ms", "--timeout", "1s"]
    pods = failures = 0
    while True:
        before = len(log.read_text().split()) if log.exists() else 0
        status = bench.run("-q", queue.name, *options, worker=worker).status
        pods += 1
        if status != 0:
            failures += 1
        elif log.exists() and len(log.read_text().split()) == before:
            break
    assert sorted(log.read_text().split(), key=int) == [item.decode() for item in good]
    # A runner that finds no attempt left fails, too.
    assert failures == (4 if poison == b"kills" else 3)
    assert pods == 20 + failures + 1
    dead = dead_letters(queue)
    assert list(dead) == [poison]
    headers = dead[poison]
    assert (headers["x-amqp-job-reason"], headers.get("x-amqp-job-status"), headers.get("x-amqp-job-signal")) == {
        b"fails": ("failed", 7, None), b"kills": ("came back", None, None), b"hangs": ("timed out", None, "TERM"),
    }[poison]
    queue.assert_empty()


def test_a_failed_item_comes_back_after_its_delay_as_it_was(bench, kind):
    queue = bench.work_queue(kind)
    queue.put(b"\0apple" * 1000, message_id="id", headers={"own": "kept"}, content_type="text/plain", expiration="600000")
    worker = bench.worker("read", "exit:5")
    started = time.monotonic()
    assert bench.run("-q", queue.name, "--retry-delay", "1s", worker=worker).status == 5
    again = bench.worker("read")
    assert bench.run("-q", queue.name, worker=again).status == 0
    assert time.monotonic() - started >= 1
    first, second = worker.environment, again.environment
    assert (first["WORK_ITEM_ATTEMPT"], second["WORK_ITEM_ATTEMPT"]) == ("1", "2")
    for name in "ID", "HEADER_OWN", "CONTENT_TYPE":
        assert first["WORK_ITEM_" + name] == second["WORK_ITEM_" + name]
    assert worker.events("end-of-input")[0]["sha256"] == again.events("end-of-input")[0]["sha256"]
    queue.assert_empty()


def test_statuses_that_no_retry_mends(bench, kind):
    queue = bench.work_queue(kind, b"apple")
    result = bench.run("-q", queue.name, "--reject-on", "3,60-70", worker=["sh", "-c", "exit 65"])
    assert result.status == 1, result
    assert dead_letters(queue)[b"apple"]["x-amqp-job-reason"] == "rejected"
    queue.assert_empty()


def test_interruptions_are_no_attempts(bench, kind):
    queue = bench.work_queue(kind, b"apple")
    for _ in range(4):
        worker = bench.worker("trap:TERM:1", "wait-for:TERM")
        runner = bench.start("-q", queue.name, "--max-attempts", "2", worker=worker)
        worker.wait_for("holding")
        assert worker.environment["WORK_ITEM_ATTEMPT"] == "1"
        runner.send(signal.SIGTERM)
        assert runner.finish().status == 143
    queue.assert_back()
    assert queue.dead.depth() == 0


def test_crashes_are_attempts(bench, kind):
    queue = bench.work_queue(kind, b"apple")
    for attempt in "1", "2":
        worker = bench.worker("hold")
        runner = bench.start("-q", queue.name, "--max-attempts", "5", worker=worker)
        worker.wait_for("holding")
        assert worker.environment["WORK_ITEM_ATTEMPT"] == attempt
        runner.send(signal.SIGKILL)
        runner.finish()
    last = bench.run("-q", queue.name, worker=["sh", "-c", "printf %s $WORK_ITEM_ATTEMPT"])
    assert (last.status, last.stdout) == (0, b"3")
    queue.assert_empty()


def test_a_missing_dead_letter_queue_loses_nothing(bench, kind):
    queue = bench.work_queue(kind, b"apple")
    worker = bench.worker("hold", "exit:1")
    runner = bench.start("-q", queue.name, "--max-attempts", "1", worker=worker)
    worker.wait_for("holding")
    queue.dead.delete()
    worker.go()
    result = runner.finish()
    assert result.status == 1
    assert any("no copy" in line and "no queue is there" in line for line in result.lines), result
    queue.assert_back()


def test_a_missing_retry_queue_loses_nothing(bench, kind):
    queue = bench.work_queue(kind, b"apple")
    worker = bench.worker("hold", "exit:1")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")
    queue.retry.delete()
    worker.go()
    assert runner.finish().status == 1
    queue.assert_back()


@pytest.mark.parametrize("option", [("--max-attempts", "5"), ("--retry-delay", "1s"), ("--reject-on", "3")])
def test_a_queue_that_stands_alone_cannot_retry(bench, option):
    queue = bench.queue("quorum", b"apple")
    bench.run("-q", queue.name, *option, worker=["true"]).assert_error(78, "amqp-job declare", queue.name)
    queue.assert_untouched()


@pytest.mark.parametrize("value", ["", "x", "0", "256", "5-3", "1,,2", "-"])
def test_bad_statuses(bench, value):
    bench.run("-q", "any", f"--reject-on={value}", worker=["true"]).assert_error(64, "--reject-on")


def test_a_runner_killed_between_the_mark_and_the_copy_loses_nothing(bench):
    """The mark is left over, and the item is back as it was. The other way round, an item could be out of sight unmarked."""
    queue = bench.work_queue("quorum", b"first", b"second")
    (holding, go), proxy = (bench.path("holding"), bench.path("go")), bench.proxy()
    worker = bench.script(f"[ $(cat) = first ] || {{ touch {holding}; until [ -e {go} ]; do sleep 0.02; done; }}; exit 1")
    runner = bench.start("-q", queue.name, "-n", "2", "--retry-delay", "1h", url=proxy.url, worker=worker)
    wait_until(holding.exists, what="the second worker")  # The first item has brought about the connection for copies.
    proxy.swallow()  # The broker takes the second mark, and its answer never arrives.
    go.touch()
    wait_until(lambda: queue.marks.depth() == 2, what="the second mark")
    runner.send(signal.SIGKILL)
    runner.finish()
    queue.assert_back()
    assert queue.retry.depth() == 1
    result = bench.run("-q", queue.name, worker=["sh", "-c", "cat; printf ' %s' $WORK_ITEM_ATTEMPT"])
    assert (result.status, result.stdout) == (0, b"second 2"), result
    assert (queue.depth(), queue.marks.depth()) == (0, 2)


def test_a_retry_delay_is_the_only_pause_between_attempts(bench):
    """Without it, so many failures in a row would make the runner pause for minutes."""
    queue = bench.work_queue("quorum", *[b"%d" % n for n in range(30)])
    options = ["--drain", "-j", "2", "--max-attempts", "3", "--retry-delay", "200ms"]
    result = bench.run("-q", queue.name, *options, worker=["false"], timeout=120)
    assert result.status == 1 and "in a row" not in result.stderr, result
    assert queue.dead.depth() == 30


def test_drain_says_that_items_were_dead_lettered(bench):
    queue = bench.work_queue("quorum", b"apple", b"pear")
    result = bench.run("-q", queue.name, "--drain", "--max-attempts", "1", worker=["grep", "-q", "pear"])
    assert result.status == 1, result
    assert f"1 dead-lettered into queue '{queue.dead.name}'" in result.lines[-1], result


@pytest.mark.slow
def test_a_broker_short_of_memory_is_waited_for_and_nothing_is_doubled(spare, spare_broker, kind):
    queue = spare.work_queue(kind, b"apple")
    worker = spare.worker("hold", "exit:1")
    runner = spare.start("-q", queue.name, "-n", "2", "--retry-delay", "500ms", worker=worker)
    worker.wait_for("holding")
    with spare_broker.short_of_memory():
        worker.go()
        wait_until(lambda: "takes no copies" in runner.stderr, what="the notice")
        holds_for(runner.runs, 6, "the wait")  # A settlement may otherwise take less than this.
    worker.wait_for("start", 2)
    assert runner.finish().status == 1
    queue.assert_back()  # It comes after its delay.
    holds_for(lambda: (queue.depth(), queue.retry.depth()) == (1, 0), 1, "the one item")


def test_term_while_the_broker_is_short_of_memory(spare, spare_broker):
    queue = spare.work_queue("quorum", b"apple")
    worker = spare.worker("hold", "exit:1")
    runner = spare.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")
    with spare_broker.short_of_memory():
        worker.go()
        wait_until(lambda: "takes no copies" in runner.stderr, what="the notice")
        runner.send(signal.SIGTERM)
        assert runner.finish(5 + PROMPT).status == 143
        queue.assert_back()
