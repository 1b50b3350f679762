"""`run --batch`: several items for one worker at once, each settled by itself."""

import base64
import json
import os
import signal

import pytest

from support.processes import holds_for, wait_until

pytestmark = pytest.mark.any_broker

BODIES = [b"apple", b"", bytes(range(256)), b'"quoted" \\ \x00\x7f', "grüße €𝄞".encode(), os.urandom(3 << 20)]
LARGE_TEXT = ("ä€𝄞x" * 200_000).encode()

# Notes how many items it got, and their bodies, one to a line.
COUNTING = 'echo "$WORK_ITEM_COUNT" >>{log}-counts; cat >>{log}-bodies'


def numbers(count):
    return [b"%d" % number for number in range(1, count + 1)]


def counting(bench, *more):
    log = bench.path("log")
    return bench.script("\n".join([COUNTING.format(log=log), *more])), log


def counts(log):
    return [int(line) for line in open(f"{log}-counts")]


def bodies(log):
    return sorted(open(f"{log}-bodies").read().split(), key=int)


def in_batches(bench, queue, size, *arguments, feed="lines", worker, **options):
    return bench.start("-q", queue.name, "--batch", str(size), "--feed", feed, *arguments, worker=worker, **options)


def test_items_are_done_in_batches(bench, kind):
    queue = bench.queue(kind, *numbers(26))
    worker, log = counting(bench)
    job_log = bench.path("jobs")
    result = in_batches(bench, queue, 10, "-n", "25", "--joblog", job_log, worker=worker).finish()
    assert (result.status, counts(log)) == (0, [10, 10, 5]), result
    assert bodies(log) == [body.decode() for body in numbers(25)]
    assert [line.split("\t")[-1] for line in job_log.read_text().splitlines()[1:]] == ["acked"] * 25
    queue.assert_untouched(1)


def test_what_is_there_is_a_batch_when_nothing_more_comes(bench, kind):
    queue = bench.queue(kind, *numbers(4))
    worker, log = counting(bench)
    result = in_batches(bench, queue, 3, "--drain", "--batch-wait", "300ms", "-j", "2", worker=worker).finish()
    assert (result.status, sum(counts(log))) == (0, 4), result
    assert bodies(log) == ["1", "2", "3", "4"]
    queue.assert_empty()


def test_no_item_is_held_while_a_worker_runs(bench, kind):
    queue = bench.queue(kind, b"1", b"2")
    worker = bench.worker("hold")
    runner = in_batches(bench, queue, 5, "--forever", "--batch-wait", "100ms", worker=worker)
    worker.wait_for("holding")
    queue.put(*numbers(3))
    holds_for(lambda: queue.depth() == 3, 0.5, "three items that wait")
    runner.send(signal.SIGTERM)
    worker.go()
    assert runner.finish().status == 0
    queue.assert_untouched(3)


def test_a_batch_that_fails_counts_for_each_of_its_items(bench, kind):
    queue = bench.work_queue(kind, *numbers(4))
    # The second batch is the first one that has a 3.
    worker, log = counting(bench, f'tail -n "$WORK_ITEM_COUNT" {bench.path("log")}-bodies | grep -qx "[34]" && exit 7; exit 0')
    options = ["--drain", "--max-attempts", "2", "--retry-delay", "100ms", "--batch-wait", "2s"]
    result = in_batches(bench, queue, 2, *options, worker=worker).finish()
    assert result.status == 1, result
    assert counts(log) == [2, 2, 2] and bodies(log) == ["1", "2", "3", "3", "4", "4"]
    dead = {body: properties.headers["x-amqp-job-attempts"] for _, properties, body in queue.dead.take_all()}
    assert dead == {b"3": 2, b"4": 2}
    queue.assert_empty()


def test_term_while_a_batch_is_collected(bench, kind):
    queue = bench.work_queue(kind, *numbers(3))
    runner = in_batches(bench, queue, 5, "--drain", "--batch-wait", "1h", worker=["false"])
    wait_until(lambda: queue.depth() == 0 and queue.consumers() == 5, what="three items in hand")
    runner.send(signal.SIGTERM)
    assert runner.finish().status == 143
    queue.assert_back(3)
    for redelivered, properties, _ in queue.take_all():
        assert not redelivered and not properties.headers.get("x-delivery-count", 0)
        assert properties.headers["x-amqp-job-attempts"] == 0


def test_a_runner_that_is_killed_counts_for_each_item(bench, kind):
    queue = bench.work_queue(kind, *numbers(3))
    runner = in_batches(bench, queue, 3, "--drain", worker=bench.script("kill -KILL $PPID; sleep 60"))
    assert runner.finish().status == -signal.SIGKILL
    seen = bench.path("seen")
    script = bench.script(f'cp "$WORK_ITEM_DIR/items.jsonl" {seen}')
    assert in_batches(bench, queue, 3, "-n", "3", feed="dir", worker=script).finish().status == 0
    assert [json.loads(line)["attempt"] for line in open(seen)] == [2, 2, 2]
    queue.assert_empty()


def test_a_worker_of_a_batch_ends_with_its_connection(bench):
    queue = bench.work_queue("quorum", *numbers(3))
    way = bench.proxy()
    worker = bench.worker("trap:TERM:0", "wait-for:TERM")
    runner = in_batches(bench, queue, 3, "--drain", worker=worker, url=way.url)
    worker.wait_for("start")
    way.cut()
    result = runner.finish()
    assert result.status == 75, result
    assert len(worker.events("signal")) == 1
    queue.assert_back(3)


def test_a_connection_that_is_lost_while_a_batch_is_collected(bench):
    queue = bench.work_queue("quorum", *numbers(2))
    way = bench.proxy()
    worker, log = counting(bench)
    # The broker counts the losses.
    options = ["-n", "3", "--batch-wait", "1h", "--max-attempts", "9"]
    runner = in_batches(bench, queue, 3, *options, worker=worker, url=way.url)
    for _ in range(2):
        wait_until(lambda: queue.depth() == 0 and queue.consumers() == 3, what="two items in hand")
        before = way.accepted
        way.cut()
        wait_until(lambda: way.accepted > before, what="another connection")  # noqa: B023
    queue.put(b"3")
    result = runner.finish()
    assert result.status == 0, result
    assert counts(log) == [3] and bodies(log) == ["1", "2", "3"]
    queue.assert_empty()


# Feeds


def publish(bench, queue, items):
    for number, body in enumerate(items):
        queue.put(body, message_id=f"id-{number}", headers={"number": number})


def test_lines(bench):
    queue = bench.work_queue("quorum", b"one", b"two\nlines", b"", b"nul\x00", b"last")
    seen = bench.path("seen")
    result = in_batches(
        bench, queue, 5, "--drain", "--batch-wait", "500ms", worker=bench.script(f"cat >>{seen}")).finish()
    assert result.status == 1, result
    assert "holds a newline" in result.stderr
    assert sorted(seen.read_bytes().split(b"\n")) == sorted([b"one", b"", b"nul\x00", b"last", b""])
    ((_, properties, body),) = queue.dead.take_all()
    assert (body, properties.headers["x-amqp-job-reason"]) == (b"two\nlines", "malformed")
    queue.assert_empty()


@pytest.mark.parametrize("spool_above", ["1MiB", "0"])
def test_lines_of_json_are_what_publish_reads(bench, spool_above):
    items = [*BODIES, LARGE_TEXT]
    queue, copy, seen = bench.queue(), bench.queue(), bench.path("seen")
    publish(bench, queue, items)
    words = [bench.binary, "publish", "--url-file", str(bench.url_file), "-q", copy.name, "--jsonl"]
    worker = bench.script(f"cat >{seen}; {' '.join(words)} <{seen}")
    options = ["-n", str(len(items)), "--spool-above", spool_above, "--pass-env"]
    result = in_batches(bench, queue, len(items), *options, feed="json", worker=worker).finish()
    assert result.status == 0, result
    for line in open(seen, "rb"):
        item = json.loads(line)
        number = item["headers"]["number"]
        assert item["properties"] == {"message_id": f"id-{number}"}
        body = item["body"].encode() if "body" in item else base64.b64decode(item["body_base64"])
        assert body == items[number]
    taken = {properties.message_id: body for _, properties, body in copy.take_all()}
    assert taken == {f"id-{number}": body for number, body in enumerate(items)}
    queue.assert_empty()


def test_a_directory(bench):
    queue, spool, seen = bench.queue(), bench.path("spool"), bench.path("seen")
    spool.mkdir()
    publish(bench, queue, BODIES)
    worker = bench.script(
        f'[ "$(cat | wc -c)" = 0 ] && cp -r "$WORK_ITEM_DIR" {seen} && mkdir "$WORK_ITEM_DIR/own" && '
        'touch "$WORK_ITEM_DIR/own/file" && ln -s / "$WORK_ITEM_DIR/own/link"')
    options = ["-n", str(len(BODIES)), "--spool-dir", spool]
    result = in_batches(bench, queue, len(BODIES), *options, feed="dir", worker=worker).finish()
    assert result.status == 0, result
    listed = [json.loads(line) for line in open(seen / "items.jsonl")]
    assert [item["file"] for item in listed] == [f"{number:06}" for number in range(1, len(BODIES) + 1)]
    for item in listed:
        number = item["headers"]["number"]
        assert item["properties"]["message_id"] == f"id-{number}"
        assert (item["attempt"], item["redelivered"], item["routing_key"]) == (1, False, queue.name)
        assert (seen / item["file"]).read_bytes() == BODIES[number]
    assert list(spool.iterdir()) == []
    queue.assert_empty()


def test_the_environment_of_a_batch(bench):
    queue = bench.queue()
    publish(bench, queue, [b"1", b"2", b"3"])
    options = ["-n", "2", "--joblog", "/dev/null"]
    result = in_batches(bench, queue, 2, *options, worker=["env"], env={"WORK_ITEM_ID": "outer"}).finish()
    seen = {line for line in result.stdout.decode().splitlines() if line.startswith("WORK_ITEM_")}
    assert seen == {f"WORK_ITEM_QUEUE={queue.name}", "WORK_ITEM_COUNT=2"}
    # One item at a time has all its variables.
    single = bench.run("-q", queue.name, "--feed", "lines", worker=["sh", "-c", 'cat; echo "$WORK_ITEM_ID $WORK_ITEM_COUNT"'])
    assert single.stdout == b"3\nid-2 1\n"
    queue.assert_empty()


@pytest.mark.parametrize("arguments, words", [
    (["--batch", "2", "-n", "4"], ["--batch", "--feed lines, json or dir"]),
    (["--batch", "2", "--feed", "arg", "-n", "4"], ["--batch", "--feed lines, json or dir"]),
    (["--batch", "2", "--feed", "lines"], ["one is taken", "--count", "--drain", "--forever"]),
    (["--batch", "2", "--feed", "lines", "-n", "1"], ["one is taken", "--count", "--drain", "--forever"]),
    (["--batch", "2", "--feed", "lines", "--drain", "--step", "a"], ["steps"]),
    (["--batch", "2", "--feed", "lines", "--drain", "--result-queue", "r"], ["--result-queue"]),
    (["--batch", "2", "--feed", "lines", "--drain", "--output", "tag"], ["--output"]),
    (["--batch", "501", "-j", "2", "--feed", "lines", "--drain"], ["1000"]),
    (["--feed", "lines", "--batch-wait", "1s"], ["--batch"]),
])
def test_options_that_do_not_go_together(bench, arguments, words):
    bench.run("-q", "q", *arguments, worker=["true"]).assert_error(64, *words)
