"""amqp-job status."""

import json

import pytest


def status(bench, *arguments, **options):
    return bench.run(*arguments, command="status", **options)


def rows(result):
    return [line.split() for line in result.stdout.decode().splitlines()]


def test_the_figures_of_a_declared_queue(bench, kind):
    queue = bench.work_queue(kind)
    queue.put(b"a", b"b", b"c")
    queue.retry.put(b"d", b"e", expiration="600000")
    queue.dead.put(b"f")
    result = status(bench, queue.name)
    assert (result.status, result.stderr) == (0, ""), result
    assert rows(result) == [["QUEUE", "READY", "RETRY", "DEAD", "CONSUMERS"], [queue.name, "3", "2", "1", "0"]]
    result = status(bench, queue.name, "--json")
    assert json.loads(result.stdout) == {"queue": queue.name, "ready": 3, "retry": 2, "dead": 1, "consumers": 0}
    queue.assert_untouched(3)


def test_a_plain_queue(bench):
    queue = bench.queue("quorum", b"apple")
    assert rows(status(bench, queue.name))[1] == [queue.name, "1", "-", "-", "0"]
    assert json.loads(status(bench, queue.name, "--json").stdout) == {
        "queue": queue.name, "ready": 1, "retry": None, "dead": None, "consumers": 0}


def test_consumers(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.start
    assert rows(status(bench, queue.name))[1] == [queue.name, "0", "-", "-", "1"]
    worker.go()
    assert runner.finish().status == 0


def test_several_queues(bench):
    first, second = bench.queue("quorum", b"apple"), bench.queue("classic")
    assert [row[:2] for row in rows(status(bench, first.name, second.name))[1:]] == [
        [first.name, "1"], [second.name, "0"]]
    lines = status(bench, second.name, first.name, "--json").stdout.splitlines()
    assert [json.loads(line)["queue"] for line in lines] == [second.name, first.name]


def test_missing_queues(bench):
    queue = bench.queue("quorum")
    status(bench, "no-such-queue").assert_error(66, "no-such-queue", "declare")
    result = status(bench, "no-such-queue", queue.name, "nor-such")
    result.assert_error(66, "'no-such-queue', 'nor-such'")
    assert rows(result)[1][0] == queue.name


@pytest.mark.parametrize("name", ["AMQP_QUEUE", "QUEUE"])
def test_queue_from_the_environment(bench, name):
    queue = bench.queue("quorum")
    assert rows(status(bench, env={name: queue.name}))[1][0] == queue.name


def test_a_queue_of_another_program_with_dead_letters_of_its_own_lacks_nothing(bench):
    queue = bench.work_queue("classic", declare=False)
    bench.client.channel.queue_declare(queue.dead.name, durable=True)
    bench.client.channel.queue_declare(queue.name, durable=True, arguments={
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue.dead.name})
    result = status(bench, queue.name)
    assert (result.status, result.stderr) == (0, ""), result
    assert rows(result)[1] == [queue.name, "0", "-", "0", "0"]


@pytest.mark.parametrize("lost", ["retry", "dead"])
def test_the_cure_for_a_lost_queue_works(bench, kind, lost):
    queue = bench.work_queue(kind)
    getattr(queue, lost).delete()
    result = status(bench, queue.name)
    assert result.status == 0 and len(result.lines) == 1, result
    command = result.stderr.split("'amqp-job declare ")[1].split("'")[0]
    assert bench.run(*command.split(), command="declare").status == 0
    assert status(bench, queue.name).stderr == ""


def test_a_long_name(bench):
    """There can be no retry queue, because its name would be too long."""
    name = bench.marker + "x" * (255 - len(bench.marker))
    bench.client.channel.queue_declare(name, durable=True)
    try:
        assert rows(status(bench, name))[1] == [name, "0", "-", "-", "0"]
    finally:
        bench.client.channel.queue_delete(name)


@pytest.mark.parametrize("words, text", [
    ([], "no queue"), (["q", "--interval", "2s"], "--watch"), (["q", "--watch", "--interval", "1ms"], "100ms"),
    ([""], "queue's name"), (["q", "--until", "empty"], "drained"), (["q", "--drain-timeout", "2s"], "--until"),
    (["q", "--until", "drained", "--json"], "--watch"), (["q", "--until", "drained", "--drained"], "--until"),
], ids=lambda value: " ".join(value))
def test_bad_usage(bench, words, text):
    status(bench, *words).assert_error(64, text)


def test_unreachable_broker(bench):
    status(bench, "q", "--connect-timeout", "1s", url="amqp://guest:guest@127.0.0.1:1").assert_error(69, "127.0.0.1")


def test_output_that_cannot_be_written(bench):
    queue = bench.queue("quorum")
    with open("/dev/full", "wb") as full:
        status(bench, queue.name, stdout=full).assert_error(74, "standard output")
    status(bench, queue.name, prefix=["sh", "-c", 'exec "$@" >&-', "sh"]).assert_error(74, "standard output")
