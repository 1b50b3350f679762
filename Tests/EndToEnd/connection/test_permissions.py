"""Each command with exactly the permissions that the table of the page "Operating" lists, and what happens to
items if one of them is missing."""

import re
import subprocess

import pytest

from support.users import user

DEFAULT = "amq.default"


def drops_returns(bench):
    """Whether RabbitMQ drops an item that comes back to a quorum queue too often, as it does from 4.0 on."""
    return bench.broker.version >= (4, 0)


# The rows of that table: the command, and what it may configure, write to and read.


def test_run_on_a_declared_queue(bench):
    queue = bench.work_queue("quorum", b"apple", b"BAD")
    family = [each.name for each in queue.family]
    with user(bench, configure=family, write=[DEFAULT], read=family[:3]) as worker:
        assert worker.run("-q", queue.name, worker=["cat"]).stdout == b"apple"
        options = ("-q", queue.name, "--max-attempts", "2", "--retry-delay", "100ms", "--drain")
        assert worker.run(*options, worker=["false"]).status == 1
    queue.dead.assert_back()


def test_run_on_an_assumed_declared_queue(bench):
    queue = bench.work_queue("quorum", b"apple", b"BAD")
    with user(bench, write=[DEFAULT], read=[queue.name, queue.retry.name, queue.marks.name]) as worker:
        worker.run("-q", queue.name, worker=["cat"]).assert_error(77, "configure", "--assume")
        assert worker.run("-q", queue.name, "--assume", "declared", worker=["cat"]).stdout == b"apple"
        options = ("-q", queue.name, "--assume", "declared", "--max-attempts", "1", "--drain")
        assert worker.run(*options, worker=["false"]).status == 1
    queue.dead.assert_back()


@pytest.mark.parametrize("more", [(), ("--drain",)])
def test_run_on_a_plain_queue(bench, kind, more):
    queue = bench.queue(kind, b"apple")
    with user(bench, configure=[queue.name], write=[DEFAULT] if kind == "quorum" else [], read=[queue.name]) as worker:
        # From RabbitMQ 4.3 on, a user without any permission on the retry queue cannot find out whether it exists.
        if more and bench.broker.version >= (4, 3):
            worker.run("-q", queue.name, *more, worker=["cat"]).assert_error(77, f"{queue.name}.retry")
            queue.assert_untouched()
        else:
            result = worker.run("-q", queue.name, *more, worker=["cat"])
            assert (result.status, result.stdout) == (0, b"apple"), result
            queue.assert_empty()


@pytest.mark.parametrize("more", [(), ("--drain",)])
def test_run_on_an_assumed_plain_queue(bench, kind, more):
    queue = bench.queue(kind, b"apple")
    with user(bench, write=[DEFAULT] if kind == "quorum" else [], read=[queue.name]) as worker:
        result = worker.run("-q", queue.name, "--assume", kind, *more, worker=["cat"])
        assert (result.status, result.stdout) == (0, b"apple"), result
    queue.assert_empty()


def test_run_on_a_queue_with_a_dead_letter_exchange_writes_nothing(bench):
    queue = bench.queue("quorum", b"apple", **{"x-dead-letter-exchange": "amq.fanout"})
    with user(bench, configure=[queue.name], read=[queue.name]) as worker:
        assert worker.run("-q", queue.name, worker=["false"]).status == 1
        assert worker.run("-q", queue.name, worker=["cat"]).stdout == b"apple"


def test_lead(bench):
    queue = bench.name_queue()
    election = queue.name
    queue.name += ".election"
    names = re.escape(queue.name) + r"(\..*)?"
    with user(bench, configure=names, write=[DEFAULT], read=names) as candidate:
        result = candidate.run("--election", election, "--lease", "3s", command="lead", worker=["echo", "leads"])
        assert (result.status, result.stdout) == (0, b"leads\n"), result
    with user(bench, write=[DEFAULT], read=names) as candidate:
        candidate.run("--election", election, command="lead", worker=["true"]).assert_error(77, queue.name)


def test_publish_to_an_exchange(bench):
    queue = bench.queue("classic")
    bench.client.channel.queue_bind(queue.name, "amq.direct", queue.name)
    with user(bench, write=["amq.direct"]) as publisher:
        result = publisher.run("--exchange", "amq.direct", "--routing-key", queue.name, "apple", command="publish")
        assert (result.status, result.stderr) == (0, ""), result
        assert queue.depth() == 1
        words = ["--exchange", "amq.fanout", "apple"]
        publisher.run(*words, command="publish").assert_error(77, "exchange 'amq.fanout'", "permission")


def test_amqp_consume(bench, links):
    queue = bench.queue("classic", b"apple")
    with user(bench, read=[queue.name]) as worker:
        words = [str(links / "amqp-consume"), "--url", worker.url, "-q", queue.name, "-c", "1", "cat"]
        done = subprocess.run(words, env=bench.environment(), capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (0, b"apple"), done
    queue.assert_empty()


def test_publish(bench, kind):
    queue = bench.work_queue(kind)
    with user(bench, write=[DEFAULT]) as publisher:
        assert publisher.run("-q", queue.name, "apple", "banana", command="publish").status == 0
        result = publisher.run("-q", queue.name + "-nowhere", "apple", command="publish")
        result.assert_error(66, queue.name)
    queue.assert_back(2)


def test_publish_that_waits(bench):
    queue, results = bench.work_queue(), r"amqp-job\.results\..*"
    with user(bench, configure=results, write=[DEFAULT], read=results) as publisher:
        waiting = publisher.start("-q", queue.name, "--wait", "apple", command="publish")
        assert bench.run("-q", queue.name, "--result-queue", "reply-to", worker=["cat"]).status == 0
        assert waiting.finish().stdout == b"apple"
    with user(bench, write=[DEFAULT]) as publisher:
        publisher.run("-q", queue.name, "--wait", "apple", command="publish").assert_error(77, "permission")
    queue.assert_empty()


def test_run_with_results(bench):
    queue, results = bench.queue("classic", b"apple"), bench.queue("classic")
    with user(bench, configure=[queue.name], write=[DEFAULT], read=[queue.name]) as worker:
        assert worker.run("-q", queue.name, "--result-queue", results.name, worker=["cat"]).status == 0
    assert results.take()[2] == b"apple"


def test_status(bench):
    queue = bench.work_queue("quorum", b"apple")
    with user(bench, read=[queue.name]) as reader:
        result = reader.run(queue.name, command="status")
        assert result.status == 0 and queue.name in result.stdout.decode(), result


def test_status_drained(bench):
    queue = bench.work_queue("quorum")
    family = [each.name for each in queue.family]
    with user(bench, configure=family, read=family[:2]) as reader:
        for words in ["--drained"], ["--until", "drained"]:
            assert reader.run(queue.name, *words, command="status").status == 0, words


def test_declare(bench):
    queue = bench.work_queue(declare=False)
    family = [each.name for each in queue.family]
    with user(bench, configure=family, write=[DEFAULT], read=family[:2]) as owner:
        assert owner.run(queue.name, command="declare").status == 0
        assert owner.run(queue.name, command="declare").status == 0
        assert owner.run(queue.name, "--delete", command="declare").status == 0


def test_declare_delete_if_empty(bench):
    """The right to configure is enough to tell a stream from the others."""
    queue, stream = bench.work_queue("quorum"), bench.queue("stream")
    classic = bench.queue("classic", **{"x-dead-letter-exchange": "elsewhere"})
    with user(bench, configure=[each.name for each in (*queue.family, stream, classic)]) as owner:
        owner.run(stream.name, "--plain", "--delete", "--if-empty", command="declare").assert_error(78, "it is a stream")
        assert owner.run(classic.name, "--plain", "--delete", "--if-empty", command="declare").status == 0
        assert owner.run(queue.name, "--delete", "--if-empty", command="declare").status == 0
    assert stream.exists() and not queue.exists() and not classic.exists()


def test_dead_list_show_and_purge_with_a_filter(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple", message_id="a")
    with user(bench, configure=[queue.dead.name], read=[queue.dead.name]) as keeper:
        assert b"  5\n" in keeper.run("list", queue.name, command="dead").stdout
        assert keeper.run("show", queue.name, "--id", "a", command="dead").stdout == b"apple"
        assert keeper.run("purge", queue.name, "--id", "a", command="dead").status == 0
    queue.dead.assert_empty()


def test_dead_purge(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple")
    with user(bench, read=[queue.dead.name]) as keeper:
        assert keeper.run("purge", queue.name, command="dead").status == 0
    queue.dead.assert_empty()


@pytest.mark.parametrize("words", [[], ["--id", "a"]], ids=["all", "filter"])
def test_dead_replay(bench, words):
    queue = bench.work_queue()
    queue.dead.put(b"apple", message_id="a")
    with user(bench, configure=[queue.dead.name], write=[DEFAULT], read=[queue.dead.name]) as keeper:
        assert keeper.run("replay", queue.name, *words, "--dry-run", command="dead").status == 0
        assert keeper.run("replay", queue.name, *words, command="dead").status == 0
    queue.assert_back()


def test_dead_replay_one_item_after_the_other(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple", b"banana", b"cherry")
    with user(bench, write=[DEFAULT], read=[queue.dead.name]) as keeper:
        result = keeper.run("replay", queue.name, command="dead")
        assert result.status == 0 and "3 items moved" in result.stderr, result
    assert [body for _, _, body in queue.take_all()] == [b"apple", b"banana", b"cherry"]


def test_dead_replay_learns_whether_somebody_waits_for_a_result(bench):
    """From RabbitMQ 4.3 on, a user without any permission on a queue cannot find out whether it exists."""
    queue, gone = bench.work_queue(), f"{bench.marker}-gone"
    for read in ([queue.dead.name, gone], [queue.dead.name]):
        queue.dead.put(b"apple", reply_to=gone)
        with user(bench, configure=[queue.dead.name], write=[DEFAULT], read=read) as keeper:
            assert keeper.run("replay", queue.name, command="dead").status == 0
        is_known = gone in read or bench.broker.version < (4, 3)
        assert queue.take()[1].reply_to == (None if is_known else gone)


# Where a permission is missing


def test_a_queue_that_deletes_itself_is_not_consumed_unknown(bench):
    queue = bench.name_queue("classic")
    bench.client.channel.queue_declare(queue.name, durable=True, auto_delete=True)
    queue.put(b"1", b"2", b"3")
    with user(bench, write=".*", read=".*") as worker:
        worker.run("-q", queue.name, worker=["cat"]).assert_error(77, queue.name, "configure", "--assume")
    queue.assert_untouched(3)


@pytest.mark.parametrize("assumed", [(), ("--assume", "classic")])
def test_a_stream_is_refused_unknown(bench, assumed):
    queue = bench.name_queue("stream")
    bench.client.channel.queue_declare(queue.name, durable=True, arguments={"x-queue-type": "stream"})
    queue.put(b"1")
    with user(bench, write=".*", read=".*") as worker:
        worker.run("-q", queue.name, *assumed, worker=["cat"]).assert_error(78, queue.name, "stream")


@pytest.mark.parametrize("assumed", [(), ("--assume", "quorum")])
def test_a_reader_never_brings_an_item_nearer_to_its_limit(bench, assumed):
    """The broker would drop the item at its 21st return, and nobody may publish a copy."""
    queue = bench.queue("quorum", b"apple")
    with user(bench, read=[queue.name]) as worker:
        for _ in range(3):
            result = worker.run("-q", queue.name, *assumed, worker=["false"])
            if drops_returns(bench):
                result.assert_error(77, queue.name, "write", "amq.default")
            else:
                assert result.status == 1
        if drops_returns(bench):
            queue.assert_untouched()


def test_a_copy_that_is_forbidden_ends_the_runner(bench):
    queue = bench.work_queue("quorum", b"apple")
    family = [each.name for each in queue.family]
    with user(bench, configure=family, read=family) as worker:
        result = worker.run("-q", queue.name, worker=["false"])
        assert result.status == 77 and "amq.default" in result.stderr, result
    queue.assert_back()


@pytest.mark.parametrize("words", [["show"], ["replay"], ["purge"], ["purge", "--dry-run"]], ids=" ".join)
def test_what_may_be_dropped_is_not_given_back_unknown(bench, words):
    queue = bench.work_queue()
    queue.dead.put(b"apple", message_id="a")
    queue.dead.put(b"banana", message_id="b")
    with user(bench, write=[DEFAULT], read=[queue.dead.name]) as keeper:
        result = keeper.run(*words, queue.name, "--id", "b", command="dead")
        if bench.broker.version < (4, 3):
            result.assert_error(77, queue.dead.name, "configure")
            queue.dead.assert_untouched(2)
        else:  # RabbitMQ 4.3 does not count such returns.
            assert result.status == 0, result
