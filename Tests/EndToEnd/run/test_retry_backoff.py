"""`run --retry-backoff`: delays that grow, each in a retry queue of its own."""

import itertools

import pytest

from support.declarations import dead_lettering, declare, declared
from support.processes import wait_until

GROWING = ("--retry-delay", "200ms", "--retry-backoff", "2", "--retry-max", "1s")  # four retry queues
STEEP = ("--retry-delay", "300ms", "--retry-backoff", "10", "--retry-max", "3s")  # two retry queues
EXACT = ("--retry-jitter", "0")


def family(bench, kind="quorum", *bodies, options=STEEP, levels=2):
    return bench.work_queue(kind, *bodies, options=options, levels=levels)


def recording(bench, script):
    """A worker that notes the time, the item and the attempt before it runs the script, and the file with its notes."""
    notes = bench.path("notes")
    text = f'body=$(cat); echo "$(date +%s.%N) $body $WORK_ITEM_ATTEMPT" >>{notes}\n{script}'
    return bench.script(text), lambda: [line.split() for line in notes.read_text().splitlines()] if notes.exists() else []


def status(bench, queue, *options):
    return bench.run(queue.name, *options, command="status")


def test_the_delay_grows_up_to_its_maximum(bench, kind, figures):
    queue = family(bench, kind, b"apple", options=GROWING, levels=4)
    worker, notes = recording(bench, "exit 1")
    options = ("-q", queue.name, "-n", "6", "--max-attempts", "6", *GROWING, *EXACT)
    assert bench.run(*options, worker=worker).status == 1
    times = [float(time) for time, _, _ in notes()]
    waits = [later - sooner for sooner, later in itertools.pairwise(times)]
    expected = [0.2, 0.4, 0.8, 1, 1]
    assert [wait >= delay for wait, delay in zip(waits, expected, strict=True)] == [True] * 5, waits
    figures.append(f"delays that grow ({kind}): {', '.join(f'{wait:.2f}' for wait in waits)} s for {expected}")
    assert queue.dead.take()[1].headers["x-amqp-job-attempts"] == 6
    queue.assert_empty()
    assert queue.marks.depth() == 0


def test_a_short_delay_does_not_wait_behind_a_longer_one(bench):
    queue = family(bench, "quorum", b"slow")
    worker, notes = recording(bench, '[ "$WORK_ITEM_ATTEMPT" = 3 ] || [ "$body$WORK_ITEM_ATTEMPT" = quick2 ]')
    runner = bench.start("-q", queue.name, "-n", "5", "--max-attempts", "3", *STEEP, worker=worker)
    wait_until(lambda: len(notes()) == 2, what="the item's second attempt")
    queue.put(b"quick")
    assert runner.finish().status == 1
    assert [tuple(words[1:]) for words in notes()] == [
        ("slow", "1"), ("slow", "2"), ("quick", "1"), ("quick", "2"), ("slow", "3")]


def test_a_jitter_spreads_the_delays(bench):
    options = ("--retry-delay", "1h", "--retry-backoff", "10", "--retry-max", "10h")
    queue = family(bench, "quorum", *[b"%d" % n for n in range(20)], options=options)
    bench.run("-q", queue.name, "-n", "20", "-j", "4", *options, "--retry-jitter", "0.5", worker=["false"])
    wait_until(lambda: queue.retry.depth() == 20, what="all items")
    delays = {int(properties.expiration) for _, properties, _ in queue.retry.take_all()}
    assert len(delays) > 1 and all(1_800_000 <= delay <= 5_400_000 for delay in delays), delays


# Drained


def test_an_item_in_any_retry_queue_is_waited_for(bench, kind):
    """Neither the command nor the runner has an option that tells how many retry queues there are, and no mark shows the item."""
    queue = family(bench, kind, options=GROWING, levels=4)
    queue.levels[2].put(b"apple", expiration="4000")
    status(bench, queue, "--drained").assert_error(1, queue.name, "attempt")
    assert status(bench, queue).stdout.split()[-5:-1] == [queue.name.encode(), b"0", b"1", b"0"]
    assert (queue.levels[2].depth(), queue.depth()) == (1, 0)
    runner = bench.run("-q", queue.name, "--drain", "--progress", worker=["cat"])
    assert (runner.status, runner.stdout) == (0, b"apple"), runner
    assert "1 left" in runner.stderr, runner
    assert status(bench, queue, "--drained").status == 0


# What declare makes, and what is missing


def test_declare_adds_retry_queues_and_removes_them(bench, kind):
    queue = family(bench, kind, b"apple", options=(), levels=4)
    assert not queue.levels[1].exists()
    for _ in range(2):
        result = declare(bench, queue.name, "--type", kind, *GROWING)
        assert (result.status, result.stderr) == (0, ""), result
    for level in queue.levels:
        assert declared(level, **dead_lettering(queue.name))
    queue.assert_untouched()
    queue.levels[3].put(b"pear")
    declare(bench, queue.name, "--delete", "--if-empty").assert_error(1, f"'{queue.levels[3].name}'", "1 item")
    assert declare(bench, queue.name, "--delete").status == 0
    assert not any(each.exists() for each in (*queue.family, *queue.levels))


def test_a_runner_says_how_to_make_the_retry_queue_that_it_lacks(bench, kind):
    queue = family(bench, kind, b"apple", levels=4)
    options = ("-q", queue.name, *GROWING)
    cure = f"'amqp-job declare {queue.name} {' '.join(GROWING)}'"
    bench.run(*options, worker=["cat"]).assert_error(78, queue.levels[2].name, cure)
    bench.run(*options, "--assume", "declared", worker=["cat"]).assert_error(78, queue.name, cure)
    queue.assert_back()
    assert declare(bench, queue.name, "--type", kind, *GROWING).status == 0
    queue.levels[1].delete()
    bench.run(*options, worker=["cat"]).assert_error(78, queue.levels[1].name, cure)
    again = declare(bench, queue.name, "--type", kind, *GROWING)
    assert again.status == 0 and f"'{queue.levels[1].name}' was missing" in again.stderr, again
    assert bench.run(*options, worker=["cat"]).stdout == b"apple"


def test_a_queue_that_only_has_the_name_is_no_retry_queue(bench):
    queue = family(bench, "quorum", b"apple", options=())
    queue.client.channel.queue_declare(queue.levels[1].name, durable=True)
    declare(bench, queue.name, *STEEP).assert_error(78, queue.levels[1].name, "nothing was made")
    bench.run("-q", queue.name, *STEEP, worker=["cat"]).assert_error(78, queue.levels[1].name)
    queue.assert_untouched()


def test_a_retry_queue_that_goes_while_a_runner_works_loses_nothing(bench):
    queue = family(bench)
    queue.put(b"apple", headers={"x-amqp-job-attempts": 1})
    worker = bench.worker("hold", "exit:1")
    runner = bench.start("-q", queue.name, *STEEP, worker=worker)
    worker.wait_for("holding")
    queue.levels[1].delete()
    worker.go()
    result = runner.finish()
    assert result.status == 1 and queue.levels[1].name in result.stderr, result
    queue.assert_back()


@pytest.mark.parametrize("command", ["run", "publish"])
def test_it_is_for_runners_alone(bench, command):
    queue = family(bench)
    words = {"run": {"worker": ["true"]}, "publish": {"stdin": bench.input(b"apple")}}[command]
    result = bench.run("-q", queue.levels[1].name, command=command, **words)
    result.assert_error(78, f"holds failed items of queue '{queue.name}'")
    assert queue.levels[1].depth() == 0


# From one retry queue to several


def test_a_family_with_waiting_items_gets_growing_delays(bench, kind):
    """Runners with and without the options work side by side, on an item that already waits and on others. RabbitMQ 3.10 counts
    a return for an item that comes while a consumer is cancelled, so an item may have one attempt more."""
    names = [f"item{number}" for number in range(8)]
    queue = family(bench, kind, *[name.encode() for name in names], options=())
    first = bench.run("-q", queue.name, "--retry-delay", "2s", worker=["false"])
    assert first.status == 1, first
    assert declare(bench, queue.name, "--type", kind, *STEEP).status == 0
    assert queue.retry.depth() + queue.depth() == 8
    worker, notes = recording(bench, '[ "$WORK_ITEM_ATTEMPT" -ge 3 ]')
    options = ("-q", queue.name, "--drain", "--max-attempts", "6")
    runners = [bench.start(*options, *more, worker=worker) for more in (STEEP, ("--retry-delay", "300ms"))]
    results = [runner.finish(60) for runner in runners]
    assert [result.status for result in results] == [0, 0], "\n".join(result.stderr for result in results)
    assert sorted(body for _, body, attempt in notes() if int(attempt) >= 3) == names
    queue.assert_empty()
    assert [each.depth() for each in (*queue.levels, queue.marks, queue.dead)] == [0] * 4
    assert status(bench, queue, "--drained").status == 0
