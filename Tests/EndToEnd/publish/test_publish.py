"""amqp-job publish. Exit 0 means that every body is in a queue."""

import os
import subprocess

import pytest

from support.processes import holds_for
from support.peer import Basic


def publish(bench, queue, *arguments, **options):
    return bench.run("-q", getattr(queue, "name", queue), *arguments, command="publish", **options)


def bodies(queue):
    return [body for _, _, body in queue.take_all()]


def test_bodies_as_arguments(bench, kind):
    queue = bench.queue(kind)
    result = publish(bench, queue, "apple", "", "two words", "--", "-x", "--queue")
    assert (result.status, result.stderr) == (0, ""), result
    assert bodies(queue) == [b"apple", b"", b"two words", b"-x", b"--queue"]


def test_persistent(bench):
    queue = bench.queue("classic")
    assert publish(bench, queue, "apple").status == 0
    _, properties, _ = queue.take()
    assert properties.delivery_mode == 2


@pytest.mark.parametrize("end", [b"\n", b""], ids=["last line ended", "last line not ended"])
def test_bodies_as_lines(bench, end):
    queue = bench.queue("quorum")
    lines = [b"apple", b"  spaces  ", b"not \xff\xfe UTF-8", b"nul\0inside", b"carriage\r", b"x" * 300_000]
    result = publish(bench, queue, stdin=bench.input(b"\n".join(lines) + end))
    assert result.status == 0, result
    assert bodies(queue) == lines


def test_empty_lines(bench):
    """Every line is a body, whatever it contains."""
    queue = bench.queue("quorum")
    result = publish(bench, queue, stdin=bench.input(b"one\n\ntwo\n"))
    assert result.status == 0, result
    assert bodies(queue) == [b"one", b"", b"two"]


def test_no_lines(bench):
    queue = bench.queue("quorum")
    result = publish(bench, queue, stdin=bench.input(b""))
    assert result.status == 0, result
    assert queue.depth() == 0


def test_many_lines(bench):
    queue = bench.queue("classic")
    lines = [b"%d" % n for n in range(20_000)]
    result = publish(bench, queue, stdin=bench.input(b"\n".join(lines)), timeout=60)
    assert result.status == 0, result
    assert queue.depth() == 20_000


def test_lines_as_they_come(bench):
    """Items are published before the input ends, as in `tail -f log | amqp-job publish`."""
    queue = bench.queue("classic")
    publisher = bench.start("-q", queue.name, command="publish", stdin=subprocess.PIPE)
    publisher.process.stdin.write(b"apple\n")
    publisher.process.stdin.flush()
    queue.assert_back(1)
    assert publisher.runs()
    publisher.process.stdin.write(b"pear\n")
    publisher.process.stdin.close()
    assert publisher.finish().status == 0
    assert bodies(queue) == [b"apple", b"pear"]


def test_large_body(bench):
    queue = bench.queue("quorum")
    body = os.urandom(8 << 20).replace(b"\n", b"\r")
    assert publish(bench, queue, stdin=bench.input(body)).status == 0
    assert bodies(queue) == [body]


def test_properties_and_headers(bench):
    queue = bench.queue("quorum")
    result = publish(
        bench, queue, "apple",
        "--content-type", "text/plain", "--message-id", "m-1", "--correlation-id", "c-1", "--priority", "7",
        "--type", "fruit", "--reply-to", "answers", "--expiration", "1h",
        "--header", "color=red", "--header", "empty=", "--header", "equation=a=b",
    )
    assert result.status == 0, result
    _, properties, body = queue.take()
    assert body == b"apple"
    assert properties.content_type == "text/plain"
    assert properties.message_id == "m-1"
    assert properties.correlation_id == "c-1"
    assert properties.priority == 7
    assert properties.type == "fruit"
    assert properties.reply_to == "answers"
    assert properties.expiration == "3600000"
    properties.headers.pop("x-delivery-count", None)  # The broker's own setting.
    assert properties.headers == {"color": "red", "empty": "", "equation": "a=b"}


def test_published_items_reach_the_worker(bench):
    queue = bench.queue("quorum")
    assert publish(bench, queue, "apple", "--message-id", "m-1", "--header", "color=red").status == 0
    worker = bench.worker("read")
    assert bench.run("-q", queue.name, worker=worker).status == 0
    assert worker.environment["WORK_ITEM_ID"] == "m-1"
    assert worker.environment["WORK_ITEM_HEADER_COLOR"] == "red"
    assert worker.events("end-of-input")[0]["length"] == 5


@pytest.mark.parametrize(
    "arguments",
    [
        ["--header", "no-value"],
        ["--header", "=value"],
        ["--header", "x" * 256 + "=too long a name"],
        ["--priority", "high"],
        ["--priority", "256"],
        ["--priority", "-1"],
        ["--expiration", "soon"],
        ["--message-id", "x" * 256],
        ["--no-such-option"],
    ],
    ids=lambda arguments: " ".join(arguments)[:30],
)
def test_bad_option(bench, arguments):
    queue = bench.queue("classic")
    publish(bench, queue, "apple", *arguments).assert_error(64)
    assert queue.depth() == 0


def test_no_queue(bench):
    bench.run("apple", command="publish").assert_error(64, "queue")


@pytest.mark.parametrize("way", ["arguments", "stdin"])
def test_no_such_queue(bench, way):
    queue = bench.name_queue()
    if way == "arguments":
        result = publish(bench, queue, "apple", "pear")
    else:
        result = publish(bench, queue, stdin=bench.input(b"apple\npear\n"))
    result.assert_error(66, queue.name, "127.0.0.1")
    assert not queue.exists()


def test_queue_that_takes_no_more(bench):
    """The broker refuses the item. The message says how many items are in the queue."""
    queue = bench.queue("classic", **{"x-max-length": 2, "x-overflow": "reject-publish"})
    result = publish(bench, queue, "1", "2", "3", "4", "5")
    result.assert_error(75, f"queue '{queue.name}' at ", ": items ", "full or was deleted; 2 of 5 items are in the queue; --skip 2 ")
    assert bodies(queue) == [b"1", b"2"]


def test_queue_deleted_in_between(bench):
    queue = bench.queue("classic")
    publisher = bench.start("-q", queue.name, command="publish", stdin=subprocess.PIPE)
    publisher.process.stdin.write(b"apple\n")
    publisher.process.stdin.flush()
    queue.assert_back(1)
    queue.delete()
    publisher.process.stdin.write(b"pear\nplum\n")
    publisher.process.stdin.close()
    publisher.finish().assert_error(66, queue.name, "not published", "; 1 item is in the queue")


@pytest.fixture
def exchange(bench):
    bench.client.channel.exchange_declare(bench.marker, "topic")
    yield bench.marker
    bench.client.channel.exchange_delete(bench.marker)


def test_to_an_exchange(bench, exchange):
    """Every queue that is bound with the key gets each item. A queue in the environment is ignored."""
    queues = [bench.queue("classic"), bench.queue("quorum")]
    for queue in queues:
        bench.client.channel.queue_bind(queue.name, exchange, "fruit.*")
    result = bench.run(
        "--exchange", exchange, "--routing-key", "fruit.new", "-v", "apple", "pear", command="publish",
        env={"QUEUE": "no-such-queue"})
    result.assert_error(0, "2 items are in a queue", f"exchange '{exchange}'", "fruit.new")
    for queue in queues:
        _, properties, body = queue.take()
        assert (body, properties.delivery_mode) == (b"apple", 2)
        assert bodies(queue) == [b"pear"]


def test_to_an_exchange_that_knows_no_queue_for_it(bench, exchange):
    result = bench.run("--exchange", exchange, "--routing-key", "fruit.new", "apple", "pear", command="publish")
    result.assert_error(66, f"exchange '{exchange}'", "'fruit.new'", "items 1, 2 are not published", "no queue is bound", "0 of 2 items",
        f"'amqp-job declare QUEUE --exchange {exchange} --routing-key fruit.new' binds one")


@pytest.mark.parametrize("items", [["apple"], []], ids=["item", "no item"])
def test_to_a_missing_exchange(bench, items):
    result = bench.run("--exchange", bench.marker, *items, command="publish")
    result.assert_error(66, f"exchange '{bench.marker}'", "no exchange")


@pytest.mark.any_broker
@pytest.mark.parametrize("arguments", [
    ["-q", "a", "--exchange", "b"], ["-q", "a", "--routing-key", "b"], ["--routing-key", "b"], ["--exchange", ""],
    ["--exchange", "x" * 256], ["--exchange", "x", "--routing-key", "x" * 256], ["--exchange", "a\nb"],
], ids=lambda words: " ".join(words)[:40])
def test_a_queue_or_an_exchange(bench, arguments):
    bench.run(*arguments, "apple", command="publish").assert_error(64)


@pytest.mark.any_broker
@pytest.mark.parametrize("variables, option, status, words", [
    ({"AMQP_JOB_EXCHANGE": "no-exchange", "QUEUE": "no-queue"}, [], 66, "exchange 'no-exchange'"),
    ({"AMQP_JOB_EXCHANGE": "no-exchange", "AMQP_JOB_ROUTING_KEY": "x"}, ["-q", "no-queue"], 66, "queue 'no-queue'"),
])
def test_a_queue_or_an_exchange_in_the_environment(bench, variables, option, status, words):
    bench.run(*option, "apple", command="publish", env=variables).assert_error(status, words)


def test_unreachable_broker(bench):
    result = publish(bench, "any", "apple", "--connect-timeout", "1s", url="amqp://guest:guest@127.0.0.1:1")
    result.assert_error(69, "127.0.0.1")


def test_wrong_password(bench):
    host, port = bench.broker.address
    result = publish(bench, "any", "apple", url=f"amqp://guest:Wr0ng-pass@{host}:{port}")
    result.assert_error(77, "127.0.0.1")
    assert "Wr0ng-pass" not in result.stderr


# Confirms: only a scripted peer withholds them


def answering(answer):
    """Handles a publish by answer(session, channel, number of the publish)."""
    numbers = iter(range(1, 1 << 30))
    return lambda session, channel, method: answer(session, channel, next(numbers))


def test_waits_for_the_confirm(bench):
    peer = bench.peer()
    confirms = []
    peer.on(Basic.Publish, answering(lambda *confirm: confirms.append(confirm)))
    publisher = bench.start("-q", "queue", "apple", command="publish", url=peer.url)
    peer.wait_for(Basic.Publish)
    holds_for(publisher.runs, 0.5, "the wait for the confirm")
    session, channel, number = confirms[0]
    session.send(channel, Basic.Ack(number))
    assert publisher.finish().status == 0
    publish_method = next(method for name, method in peer.seen if name == "Basic.Publish")
    assert publish_method.mandatory
    assert peer.names().index("Confirm.Select") < peer.names().index("Basic.Publish")


def test_one_confirm_for_several(bench):
    peer = bench.peer()
    peer.on(Basic.Publish, answering(
        lambda session, channel, number: number == 3 and session.send(channel, Basic.Ack(3, True))))
    result = publish(bench, "queue", "1", "2", "3", url=peer.url)
    assert result.status == 0, result


def test_refused_by_the_broker(bench):
    peer = bench.peer()
    peer.on(Basic.Publish, answering(
        lambda session, channel, number: session.send(channel, (Basic.Nack if number == 2 else Basic.Ack)(number))))
    publish(bench, "queue", "1", "2", "3", url=peer.url).assert_error(75, "item 2 is not published", "rejected")


@pytest.mark.parametrize("way", ["drop", "silence"])
def test_connection_lost_before_the_confirm(bench, way):
    peer = bench.peer(heartbeat=1)
    peer.on(Basic.Publish, answering(
        lambda session, channel, number: session.drop() if way == "drop" else session.freeze()))
    result = publish(bench, "queue", "1", "--connect-timeout", "1s", "--heartbeat", "1s", url=peer.url)
    # A connection that is lost every time was of no use. A connection that was silent for long had been of use before.
    assert result.status == (69 if way == "drop" else 75), result
    *warnings, error = result.lines
    assert all("connecting again" in line for line in warnings), result
    assert "127.0.0.1" in error and "1 may be (item 1)" in error, result


def test_a_confirm_of_what_was_never_published(bench):
    peer = bench.peer()
    peer.on(Basic.Publish, answering(lambda session, channel, number: (
        session.send(channel, Basic.Ack(77)), session.drop())))
    result = publish(bench, "queue", "1", "--connect-timeout", "1s", url=peer.url)
    assert result.status == 69, result
