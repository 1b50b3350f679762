"""amqp-job publish: lost connections, brokers that accept nothing, signals, and progress."""

import re
import signal
import subprocess
from collections import Counter

import pytest

from support.peer import Basic, Channel, Confirm, Connection, Queue
from support.processes import PROMPT, wait_until


def start(bench, queue, *arguments, **options):
    return bench.start("-q", queue.name, *arguments, command="publish", stdin=subprocess.PIPE, **options)


def feed(publisher, *lines, end=False):
    publisher.process.stdin.write(b"".join(line + b"\n" for line in lines))
    publisher.process.stdin.flush()
    if end:
        publisher.process.stdin.close()


def bodies(queue):
    return [body for _, _, body in queue.take_all()]


def test_a_connection_lost_while_idle_is_made_again(bench):
    queue, proxy = bench.queue("quorum"), bench.proxy()
    publisher = start(bench, queue, "--lines", url=proxy.url)
    feed(publisher, b"one")
    queue.assert_back(1)
    wait_until(lambda: proxy.handed_on == proxy.heard, what="the confirm to be handed on")
    proxy.cut()
    wait_until(lambda: "connecting again" in publisher.stderr, what="the loss to be noticed")
    feed(publisher, b"two", end=True)
    result = publisher.finish()
    assert result.status == 0, result
    assert "connecting again" in result.lines[0]
    assert set(bodies(queue)) == {b"one", b"two"}


def test_what_is_unconfirmed_is_sent_again(bench):
    """The message ids show which items are duplicates, and the reported number bounds how many there are."""
    queue, proxy = bench.queue("quorum"), bench.proxy()
    publisher = start(bench, queue, "--lines", url=proxy.url)
    feed(publisher, b"first")
    queue.assert_back(1)
    wait_until(lambda: proxy.handed_on == proxy.heard, what="the confirm to be handed on")
    heard = proxy.heard
    proxy.swallow()  # The broker's answers are lost.
    lines = [b"%d" % number for number in range(200)]
    feed(publisher, *lines, end=True)
    wait_until(lambda: proxy.heard > heard, what="a confirm, which is lost")
    proxy.cut()
    result = publisher.finish()
    assert result.status == 0, result
    items = queue.take_all()
    ids = {properties.message_id: body for _, properties, body in items}
    assert sorted(ids.values()) == sorted([b"first", *lines]), "an item is missing, or has two ids"
    assert [line for line in result.lines if "connecting again" in line] == result.lines[:1], result.lines
    said = int(re.search(r"; (\d+) (?:was|were) sent more than once", result.lines[-1])[1])
    copies = Counter(properties.message_id for _, properties, _ in items)
    assert 0 < len(items) - len(ids) <= said, (result.lines, copies)


def test_term_says_where_it_stopped(bench):
    queue = bench.queue("quorum")
    publisher = start(bench, queue, "--lines")
    feed(publisher, b"1", b"2", b"3")
    queue.assert_back(3)
    publisher.send(signal.SIGTERM)
    result = publisher.finish(PROMPT)
    publisher.process.stdin.close()
    result.assert_error(143, "3 items are in the queue", "--skip 3")


def test_a_quorum_queue_that_is_deleted_meanwhile(bench, figures):
    """RabbitMQ 3.10 may never confirm, return or reject items in flight. Newer versions return or reject them."""
    queue = bench.queue("quorum")
    path = bench.file("lines", b"".join(b"%d\n" % number for number in range(400_000)))
    with open(path, "rb") as lines:
        publisher = bench.start("-q", queue.name, command="publish", stdin=lines)
        wait_until(lambda: queue.depth() > 5000, what="the first items to be there")
        queue.delete()
        result = publisher.finish(60)
    assert result.status == 66 or (result.status == 75 and bench.broker.version >= (4, 0)), result
    assert queue.name in result.lines[-1] and "in the queue" in result.lines[-1], result
    figures.append(f"publish notices after {result.seconds:.1f} s that its quorum queue was deleted")


def test_confirmations_that_do_not_come(bench):
    """A message says so, and a second connection checks whether the queue exists. Then the confirms come."""
    peer = bench.peer()
    held = []
    peer.on(Basic.Publish, lambda session, channel, method: held.append((session, channel)))
    publisher = bench.start("-q", "queue", "apple", command="publish", url=peer.url)
    peer.wait_for(Queue.Declare, 2)
    peer.wait_for(Connection.Close)
    session, channel = held[0]
    session.send(channel, Basic.Ack(1))
    result = publisher.finish(PROMPT)
    assert result.status == 0 and len(result.lines) == 1 and "confirmed nothing for 10s" in result.lines[0], result


def test_confirmations_that_never_come_since_there_is_no_queue(bench):
    peer = bench.peer()
    peer.on(Basic.Publish, lambda session, channel, method: None)
    publisher = bench.start("-q", "queue", "apple", command="publish", url=peer.url)
    peer.wait_for(Basic.Publish)
    peer.on(Queue.Declare, lambda session, channel, method: session.send(
        channel, Channel.Close(404, "NOT_FOUND - no queue 'queue' in vhost '/'", 50, 10)))
    result = publisher.finish(10 + PROMPT)
    assert result.status == 66 and "1 may be (item 1)" not in result.lines[-1], result


OPENING = [Channel.Open, Queue.Declare, Confirm.Select]


@pytest.mark.parametrize("first", OPENING, ids=lambda method: method.NAME)
def test_a_broker_that_is_alive_and_never_answers(bench, first):
    peer = bench.peer(heartbeat=1)
    for method in OPENING[OPENING.index(first):]:
        peer.on(method, lambda session, channel, method: None)
    result = bench.run("-q", "queue", "apple", "--connect-timeout", "2s", command="publish", url=peer.url)
    result.assert_error(69, "127.0.0.1", "does not answer")
    assert result.seconds < 2 + PROMPT


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_while_connecting(bench, number):
    proxy = bench.proxy(listen=False)
    publisher = bench.start("-q", "queue", "apple", command="publish", url=proxy.url)
    wait_until(lambda: "trying for 60s" in publisher.stderr, what="a line about the broker")
    publisher.send(number)
    result = publisher.finish(PROMPT)
    assert result.status == 128 + number and "0 of 1 item is" in result.lines[-1] and len(result.lines) == 2, result


@pytest.mark.any_broker
def test_a_large_run_that_is_stopped_can_be_resumed(bench):
    """Nothing is missing, and nothing is duplicated beyond what the message says."""
    queue = bench.queue("classic")
    path = bench.file("lines", b"".join(b"%d\n" % number for number in range(30_000)))
    with open(path, "rb") as lines:
        publisher = bench.start("-q", queue.name, command="publish", stdin=lines)
        wait_until(lambda: queue.depth() > 1000, what="the first items to be there")
        publisher.send(signal.SIGTERM)
        result = publisher.finish(PROMPT)
    assert result.status == 143, result
    count = int(result.stderr.split("--skip ")[1].split()[0])
    assert count == queue.depth(), result
    with open(path, "rb") as lines:
        rest = bench.run("-q", queue.name, "--skip", str(count), command="publish", stdin=lines)
    assert rest.status == 0, rest
    assert queue.depth() == 30_000


@pytest.mark.any_broker
def test_blocked_is_shown_and_waited_for(spare, spare_broker):
    queue = spare.queue("quorum")
    with spare_broker.short_of_memory():
        publisher = spare.start("-q", queue.name, "apple", "--progress", command="publish")
        wait_until(lambda: "takes nothing for now" in publisher.stderr, what="the notice")
    result = publisher.finish()
    assert result.status == 0, result
    assert "takes items again" in result.stderr


@pytest.mark.parametrize("options", [["--quiet"], ["--log-format", "json"]], ids=" ".join)
def test_progress_is_shown_whatever_the_log_is_like(bench, options):
    queue = bench.queue("classic")
    result = bench.run("-q", queue.name, "--progress", *options, "a", "b", command="publish")
    (last,) = [line for line in result.lines if "2 of 2 in the queue" in line]
    assert result.status == 0 and last.startswith("{" if "json" in options else "amqp-job: "), result


def test_progress(bench):
    queue = bench.queue("classic")
    result = bench.run("-q", queue.name, "--progress", "a", "b", "c", command="publish")
    assert result.status == 0, result
    assert result.lines[-1].startswith(f"amqp-job: {queue.name}: 3 of 3 in the queue, 0 under way"), result


def test_several_brokers_in_turn(bench):
    queue, nobody = bench.queue("quorum"), bench.proxy(listen=False)
    result = bench.run("-q", queue.name, "apple", command="publish", url=f"{nobody.url},{bench.broker.url}")
    assert (result.status, bodies(queue)) == (0, [b"apple"]), result
