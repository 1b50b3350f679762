"""amqp-job status --watch and --until drained."""

import json
import os
import re
import signal

import pytest

from support.processes import PROMPT, wait_until
from support.terminal import Terminal


RATES = ["net_change", "arrivals", "completions", "service_time", "advice"]


def looks(runner):
    """The output of a watch so far."""
    return [json.loads(line) for line in runner.stdout.splitlines(keepends=True) if line.endswith(b"\n")]


def watch(bench, *arguments, **options):
    return bench.start("--watch", "--interval", "100ms", *arguments, command="status", **options)


def test_watch(bench):
    queue = bench.work_queue()
    queue.put(*[b"x"] * 10)
    runner = watch(bench, queue.name, "--json")
    wait_until(lambda: looks(runner), what="a first look")
    assert looks(runner)[0] == {
        "queue": queue.name, "ready": 10, "retry": 0, "dead": 0, "consumers": 0, "done": 0, "dead_lettered": 0, "total": 10,
        "rate": None, "seconds_left": None, **dict.fromkeys(RATES)}
    for _ in range(6):
        queue.take()
    wait_until(lambda: looks(runner)[-1]["done"] == 6, what="what was done")
    last = looks(runner)[-1]
    assert (last["total"], last["ready"]) == (10, 4)
    assert last["rate"] > 0 and last["seconds_left"] is not None
    # Without a job log, the change is all that is known.
    assert last["net_change"] < 0 and {last[name] for name in RATES[1:]} == {None}
    queue.retry.put(b"x", expiration="600000")
    wait_until(lambda: looks(runner)[-1]["retry"] == 1, what="an item to be tried again")
    assert looks(runner)[-1]["done"] == 5
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 143


def test_watch_in_lines(bench):
    queue = bench.work_queue()
    queue.put(b"apple")
    runner = watch(bench, queue.name)
    line = f"{queue.name}: 0 of 1 done, 1 ready, 0 to retry, 0 dead, 0 consumers\n".encode()
    wait_until(lambda: runner.stdout.startswith(line * 2), what="two looks")
    assert b"\x1b" not in runner.stdout and b"\r" not in runner.stdout
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 143


def test_watch_on_a_terminal(bench, terminal):
    """There is one line for each queue, and all lines are redrawn in place."""
    first, second = bench.work_queue(), bench.queue("quorum")
    first.put(*[b"x"] * 4)
    runner = watch(bench, first.name, second.name, stdout=terminal.theirs)
    wait_until(lambda: b"0/4" in terminal.shown, what="a first look")
    first.take()
    wait_until(lambda: b"1/4" in terminal.shown, what="another look")
    runner.send(signal.SIGINT)
    assert runner.finish(PROMPT).status == 130
    text = terminal.shown.decode()
    assert re.search(re.escape(first.name) + r"  \[#+-+\]   25%  1/4  \d", text), text
    frames = text.split("\x1b[2A")
    assert len(frames) > 1, text
    for frame in frames:
        assert frame.count("\n") == 2, text
        assert all(len(re.sub(r"\x1b\[[0-9]*[A-Z]|\r", "", line)) < 100 for line in frame.split("\n")), text


@pytest.mark.any_broker
def test_watch_on_a_narrow_terminal(bench):
    """Names are shortened, and whole columns are left out. No figure is cut."""
    narrow = Terminal(40, 24)
    bench.closers.append(narrow.close)
    queue = bench.work_queue("classic", *[b"x"] * 120)
    queue.retry.put(b"x", expiration="600000")
    queue.dead.put(*[b"x"] * 34)
    runner = watch(bench, queue.name, stdout=narrow.theirs)
    wait_until(lambda: b"0/121" in narrow.shown, what="a first look")
    runner.send(signal.SIGINT)
    assert runner.finish(PROMPT).status == 130
    line = re.sub(r"\x1b\[[0-9]*[A-Z]|\r", "", narrow.shown.decode()).splitlines()[0]
    assert len(line) < 40, line
    name, percent, *columns = re.split("  +", line)
    assert queue.name.startswith(name.split("...")[0]) and queue.name.endswith(name.split("...")[1]), line
    assert percent == "0%" and columns == ["0/121", "34 dead"], line


@pytest.mark.parametrize("number, expected", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_watch_ends_while_the_broker_is_silent(bench, number, expected):
    way = bench.proxy()
    queue = bench.queue("quorum")
    runner = watch(bench, queue.name, "--json", url=way.url)
    wait_until(lambda: looks(runner), what="a first look")
    way.freeze()
    runner.send(number)
    assert runner.finish(PROMPT).status == expected


def test_watch_connects_again(bench):
    way = bench.proxy()
    queue = bench.queue("quorum", b"apple")
    runner = watch(bench, queue.name, "--json", url=way.url)
    wait_until(lambda: looks(runner), what="a first look")
    before = len(looks(runner))
    way.cut()
    wait_until(lambda: "connecting again" in runner.stderr, what="a word about the loss")
    queue.take()
    wait_until(lambda: len(looks(runner)) > before and looks(runner)[-1]["done"] == 1, what="a look that remembers")
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 143


def test_watch_ends_with_the_queue(bench):
    queue = bench.queue("quorum")
    runner = watch(bench, queue.name, "--json")
    wait_until(lambda: looks(runner), what="a first look")
    queue.delete()
    runner.finish().assert_error(66, queue.name)


def test_watch_ends_where_nobody_reads(bench):
    queue = bench.queue("quorum")
    ours, theirs = os.pipe()
    runner = watch(bench, queue.name, stdout=theirs)
    os.close(theirs)
    os.read(ours, 1)
    os.close(ours)
    assert runner.finish(PROMPT).status == 141


# --until drained

def until_drained(bench, *arguments, **options):
    return bench.start("--until", "drained", "--interval", "100ms", *arguments, command="status", **options)


@pytest.mark.any_broker
def test_until_drained(bench):
    """There are several queues. One has an item that waits for another attempt, and one has an item that a runner
    holds."""
    first, second = bench.work_queue("quorum"), bench.queue("classic", b"apple")
    first.retry.put(b"pear", expiration="1000")
    worker = bench.worker("hold")
    holding = bench.start("-q", second.name, worker=worker)
    worker.wait_for("holding")
    waiting = until_drained(bench, first.name, second.name)
    first.assert_back()
    assert bench.run("-q", first.name, worker=["true"]).status == 0
    assert waiting.runs()
    worker.go()
    assert holding.finish().status == 0
    result = waiting.finish()
    assert (result.status, result.stdout, result.stderr) == (0, b"", ""), result


@pytest.mark.any_broker
def test_watch_until_drained(bench):
    queue = bench.queue("quorum", b"apple", b"pear")
    runner = until_drained(bench, queue.name, "--watch", "--json")
    wait_until(lambda: looks(runner), what="a first look")
    assert bench.run("-q", queue.name, "-n", "2", worker=["true"]).status == 0
    assert runner.finish().status == 0
    assert (looks(runner)[0]["ready"], looks(runner)[-1]["done"]) == (2, 2)
    queue.assert_empty()


@pytest.mark.any_broker
def test_what_is_dead_lettered_is_not_done(bench):
    """One dead letter was there before, and is no part of the work."""
    queue = bench.work_queue()
    queue.dead.put(b"old")
    queue.put(b"0", b"1", b"0")
    plain, as_json = (until_drained(bench, queue.name, "--watch", *options) for options in ([], ["--json"]))
    wait_until(lambda: looks(as_json) and plain.stdout, what="a first look")
    worker = ["sh", "-c", 'exit "$(cat)"']
    assert bench.run("-q", queue.name, "--drain", "--max-attempts", "1", worker=worker).status == 1
    assert plain.finish().status == 0 and as_json.finish().status == 0
    assert plain.stdout.decode().splitlines()[-1].startswith(f"{queue.name}: 2 of 3 done, 1 dead-lettered, 0 ready")
    last = looks(as_json)[-1]
    assert (last["done"], last["dead_lettered"], last["dead"], last["total"]) == (2, 1, 2, 3)


@pytest.mark.any_broker
@pytest.mark.parametrize("consumes", [False, True])
def test_not_drained_in_time(bench, consumes):
    queue = bench.queue("quorum", *([] if consumes else [b"apple"]))
    if consumes:
        consumer = bench.start("-q", queue.name, worker=["true"])
        queue.wait_for_consumer()
    result = until_drained(bench, queue.name, "--drain-timeout", "1s").finish()
    result.assert_error(75, queue.name, "not drained after 1s", "others consume" if consumes else "items are ready")
    if consumes:
        consumer.send(signal.SIGTERM)
        assert consumer.finish().status == 143
    else:
        queue.assert_untouched()


@pytest.mark.any_broker
def test_until_drained_ends_by_a_signal_and_for_what_is_missing(bench):
    queue = bench.queue("quorum", b"apple")
    runner = until_drained(bench, queue.name)
    runner.handles(signal.SIGTERM)
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 143
    until_drained(bench, "no-such-queue").finish().assert_error(66, "no-such-queue")


@pytest.mark.any_broker
def test_until_drained_says_at_a_terminal_what_it_waits_for(bench, terminal):
    queue = bench.queue("quorum", b"apple")
    runner = until_drained(bench, queue.name, stderr=terminal.theirs)
    wait_until(lambda: b"1 ready, 0 to retry, 0 consumers" in terminal.shown, what="a line about the wait")
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 143


@pytest.mark.any_broker
def test_until_drained_connects_again(bench):
    way = bench.proxy()
    queue = bench.queue("quorum", b"apple")
    runner = until_drained(bench, queue.name, "--watch", "--json", url=way.url)
    wait_until(lambda: looks(runner), what="a first look")
    way.cut()
    wait_until(lambda: "connecting again" in runner.stderr, what="a word about the loss")
    queue.take()
    assert runner.finish().status == 0
