"""`amqp-job publish --from`: its options, its end, and queues that cannot be used."""

import signal

import pytest

from support.processes import PROMPT, wait_until

pytestmark = pytest.mark.any_broker


@pytest.mark.parametrize("options, words", [
    (("--from", "dir:/x", "body"), "BODY"), (("--from", "dir:/x", "--file"), "--file"), (("--from", "dir:/x", "--wait"), "--wait"),
    (("--from", "dir:/x", "--jsonl"), "--jsonl"), (("--from", "dir:/x", "--message-id", "1"), "--message-id"),
    (("--from", "dir:/x", "--skip", "1"), "--skip"), (("--from", "dir:/x", "--data-field", "a"), "--data-field"),
    (("--from", "dir:/x", "--once", "--every", "1s"), "--every"), (("--every", "1s"), "--from"), (("--once",), "--from"),
    (("--lease", "3s"), "--from"), (("--data-field", "x"), "--from"), (("--from", "dir:/x", "--lease", "1s"), "--lease"),
    (("--from", "https://a"), "TLS"), (("--from", "http://u:secret@a"), "password"), (("--from", "nothing"), "dir:PATH"),
    (("--from", "dir:/x", "--every", "0"), "--every"),
])
def test_options_that_make_no_sense(bench, options, words):
    result = bench.run("-q", "q", *options, command="publish")
    result.assert_error(64, words)
    assert "secret" not in result.stderr


def test_an_exchange_has_no_ledger(bench):
    bench.run("--exchange", "e", "--from", "dir:/x", command="publish").assert_error(64, "--exchange")


def test_the_settings_may_come_from_the_environment(publishers, source, bench):
    source.set("a")
    env = {"AMQP_JOB_FROM": source.url, "AMQP_JOB_ONCE": "true", "AMQP_JOB_LEASE": "3s", "QUEUE": publishers.queue.name,
           "BROKER_URL": bench.broker.url}
    result = bench.run(command="publish", env=env, url=None)
    assert result.status == 0, result
    assert publishers.take() == ["a"]


def test_a_missing_queue(bench, source):
    queue = bench.name_queue()
    publisher = bench.start("-q", queue.name, "--from", source.url, "--once", "--lease", "3s", command="publish")
    bench.queues += [type(queue)(bench.client, queue.name + end, "quorum") for end in (".source", ".source.election")]
    result = publisher.finish()
    assert result.status == 66, result
    assert len([line for line in result.lines if queue.name in line and "no queue" in line.lower()]) == 1, result


def test_a_queue_that_is_deleted_meanwhile(publishers, source):
    source.set("a")
    publisher = publishers.start(source.url)
    publishers.wait_for("a")
    publishers.queue.delete()
    source.set("a", "b")
    assert publisher.finish().status == 66


def test_a_ledger_that_is_another_queue(publishers, bench, source):
    bench.client.channel.queue_declare(publishers.ledger.name, durable=True)
    result = publishers.once(source.url)
    assert result.status == 78 and publishers.ledger.name in result.lines[-1], result


def test_a_wrong_password(bench):
    url = bench.broker.url.replace("guest:guest", "guest:wrong")
    bench.run("-q", "q", "--from", "dir:/x", "--lease", "3s", command="publish", url=url).assert_error(77, "refused")


def test_an_unreachable_broker(bench):
    result = bench.run("-q", "q", "--from", "dir:/x", "--lease", "3s", "--connect-timeout", "1s", command="publish",
                       url="amqp://guest:guest@127.0.0.1:1")
    assert result.status == 69, result


def test_a_queue_that_is_full(bench, publishers, source):
    bench.client.channel.queue_delete(publishers.queue.name)
    bench.client.channel.queue_declare(
        publishers.queue.name, durable=True,
        arguments={"x-queue-type": "classic", "x-max-length": 2, "x-overflow": "reject-publish"})
    source.set("a", "b", "c", "d")
    result = publishers.once(source.url)
    assert result.status == 75 and "full" in result.lines[-1], result
    publisher = publishers.start(source.url)
    found = []
    while len(found) < 4:
        found += publishers.take()
    assert sorted(found) == ["a", "b", "c", "d"]
    publishers.end(publisher)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0(publishers, source, number):
    source.set("a")
    publisher = publishers.start(source.url)
    publishers.wait_for("a")
    publisher.send(number)
    assert publisher.finish(PROMPT).status == 0
    publishers.bench.assert_nothing_left()


def test_with_once_a_signal_is_a_failure(publishers, source):
    def hang(handler):
        wait_until(lambda: ended, what="the end of the publisher")

    ended = []
    source.responses["/items"] = hang
    publisher = publishers.start(source.url, "--once", every=None)
    source.wait_for_polls(1)
    publisher.send(signal.SIGTERM)
    result = publisher.finish(PROMPT)
    ended.append(True)
    assert result.status == 143, result
