"""`amqp-job publish --from` under faults: nothing is lost, and no item is there more often than the faults explain."""

import collections
import os
import re
import signal

import pytest

from support.processes import PATIENCE, holds_for, is_alive, read_proc, wait_until

BATCH = 256  # The most items that one crash repeats.
MEMORY = 64 << 20


def peak(pid):
    return int(re.search(rb"^VmHWM:\s+(\d+) kB", read_proc(pid, "status"), re.MULTILINE)[1]) << 10


def names(count, first=0):
    return [f"item-{number}" for number in range(first, first + count)]


def test_a_standby_takes_over_from_a_killed_publisher(publishers, source):
    source.set(*names(1000))
    first = publishers.start(source.url, name="pod-a")
    active = publishers.wait_for_active(first)
    second = publishers.start(source.url, name="pod-b")
    wait_until(lambda: "'pod-a' leads" in second.stderr, what="a standby")
    assert publishers.active(second) is None
    wait_until(lambda: publishers.queue.depth() >= 300, what="some items")
    first.send(signal.SIGKILL)
    wait_until(lambda: not is_alive(active), what="the end of the command")
    publishers.wait_for_active(second)
    wait_until(lambda: "items published" in second.stderr, what="the rest")
    counts = publishers.counts()
    assert set(counts) == set(names(1000)) and max(counts.values()) <= 2
    assert sum(counts.values()) <= 1000 + BATCH
    publishers.end(second)


def test_a_standby_takes_over_at_once_after_a_clean_end(publishers, source):
    source.set("a")
    first = publishers.start(source.url, name="pod-a")
    publishers.wait_for("a")
    second = publishers.start(source.url, name="pod-b")
    wait_until(lambda: "'pod-a' leads" in second.stderr, what="a standby")
    first.send(signal.SIGTERM)
    assert first.finish().status == 0
    source.set("a", "b")
    publishers.wait_for("b")
    publishers.end(second)


def test_a_killed_command_is_the_end_of_its_publisher(publishers, source):
    source.set("a")
    publisher = publishers.start(source.url)
    publishers.wait_for("a")
    os.kill(publishers.active(publisher), signal.SIGKILL)
    result = publisher.finish()
    assert result.status == 137, result


def test_a_clean_end_repeats_nothing(publishers, source):
    source.set(*names(3000))
    for _ in range(3):
        before = publishers.queue.depth()
        publisher = publishers.start(source.url)
        wait_until(lambda: publishers.queue.depth() > before + 100, what="more items")  # noqa: B023
        publisher.send(signal.SIGTERM)
        assert publisher.finish().status == 0
    assert publishers.once(source.url, timeout=PATIENCE).status == 0
    counts = publishers.counts()
    assert set(counts) == set(names(3000)) and set(counts.values()) == {1}


def test_connections_that_are_cut(publishers, source, bench):
    source.set(*names(3000))
    proxy = bench.proxy()
    publisher = publishers.start(source.url, url=proxy.url)
    cuts = 0
    while publishers.queue.depth() < 3000:
        before = publishers.queue.depth()
        wait_until(lambda: publishers.queue.depth() >= min(3000, before + 200), what="more items")  # noqa: B023
        proxy.cut()
        cuts += 1
    source.wait_for_polls(2)
    counts = publishers.counts()
    assert set(counts) == set(names(3000)) and max(counts.values()) <= 1 + cuts
    assert sum(counts.values()) <= 3000 + cuts * BATCH
    assert publisher.runs()
    publishers.end(publisher)


def test_a_broker_that_restarts(spare_publishers, source, spare):
    publishers = spare_publishers
    source.set("a")
    publisher = publishers.start(source.url)
    wait_until(lambda: "item published" in publisher.stderr, what="an item")
    spare.broker.stop(keep_data=True)
    spare.broker.start()
    source.set("a", "b")
    wait_until(lambda: publishers.queue.depth() == 2, timeout=2 * PATIENCE, what="the other item")
    assert sorted(publishers.take()) == ["a", "b"]
    publishers.end(publisher)


@pytest.fixture(params=[1 << 20, 100_000])
def small_messages(spare_broker, request):
    """Makes the broker refuse messages above this size. RabbitMQ 4 keeps the limit in a second place, too."""
    limit = "(fun(Size) -> application:set_env(rabbit,max_message_size,Size), persistent_term:put(max_message_size,Size) end)"
    before = spare_broker.eval("{ok, Size} = application:get_env(rabbit,max_message_size), Size.")
    spare_broker.eval(f"{limit}({request.param}).")
    yield request.param
    spare_broker.eval(f"{limit}({before}).")


def test_an_item_that_is_too_large_does_not_hold_the_others_up(spare_publishers, inbox, small_messages):
    """The broker names it only if it was published alone. If it was not, one batch may be there twice."""
    publishers = spare_publishers
    for name, size in (("a", 1), ("b", small_messages + 1), ("c", 1)):
        (inbox / name).write_bytes(b"x" * size)
    publisher = publishers.start(f"dir:{inbox}")
    wait_until(lambda: "is left out" in publisher.stderr, what="a line about it")
    (inbox / "d").write_bytes(b"x")
    counts = collections.Counter()
    wait_until(lambda: counts.update(publishers.take()) or set(counts) == {"a", "c", "d"}, what="the other items")
    assert max(counts.values()) <= (1 if small_messages > 512 << 10 else 2)
    assert publisher.stderr.count("is left out") == 1 and "'b'" in publisher.stderr
    publishers.end(publisher)
    result = publishers.once(f"dir:{inbox}")
    assert result.status == 65 and "'b'" in result.lines[-1], result


def test_a_broker_that_takes_nothing(spare_publishers, source, spare):
    publishers = spare_publishers
    source.set("a")
    publisher = publishers.start(source.url)
    publishers.wait_for("a")
    with spare.broker.short_of_memory():
        source.set("a", "b")
        wait_until(lambda: "takes no" in publisher.stderr, what="a line about the broker")
    wait_until(lambda: publishers.queue.depth() >= 1, timeout=2 * PATIENCE, what="the item")
    counts = publishers.counts()
    assert set(counts) == {"b"} and counts["b"] <= 2
    publishers.end(publisher)


def test_another_consumer_of_the_ledger_is_told_of(publishers, source, bench):
    source.set("a")
    assert publishers.once(source.url).status == 0
    assert publishers.take() == ["a"]
    channel = bench.client.connection.channel()
    tag = channel.basic_consume(publishers.ledger.name, lambda *_: None)
    publisher = publishers.start(source.url)
    wait_until(lambda: "another consumer has the ledger" in publisher.stderr, what="a line about it")
    source.set("a", "b")
    holds_for(lambda: publishers.queue.depth() == 0, 1, "the empty queue")
    channel.basic_cancel(tag)
    channel.close()
    publishers.wait_for("b")
    publishers.end(publisher)


def test_what_others_put_into_the_ledger_does_no_harm(publishers, source):
    source.set("a")
    assert publishers.once(source.url).status == 0
    publishers.ledger.put(b"junk", b"?", type="amqp-job.names", headers={"epoch": "x"})
    publishers.ledger.put(b"z" * (5 << 20))
    source.set("a", "b")
    assert publishers.once(source.url).status == 0
    assert sorted(publishers.take()) == ["a", "b"]
    assert publishers.wait_for_rest() <= 3


def test_the_ledger_stays_small(publishers, source):
    publisher = publishers.start(source.url, every="100ms")
    for number in range(60):
        source.items[f"item-{number}"] = {}
        source.wait_for_polls(2)
    wait_until(lambda: publishers.queue.depth() == 60, what="all items")
    assert publishers.wait_for_rest() <= 20
    assert set(publishers.counts().values()) == {1}
    publishers.end(publisher)


def test_many_names_take_little_memory(publishers, bench, figures):
    count = 100_000
    path = bench.file("names", "".join(f"some/folder/{number}/with-a-long-name.mp4\n" for number in range(count)))
    publisher = publishers.start(f"command:cat {path}", every="1s")
    wait_until(lambda: publishers.queue.depth() >= count, timeout=120, what="all items")
    wait_until(lambda: "items published" in publisher.stderr, what="the end of the poll")
    publishers.wait_for_rest()
    first = peak(publishers.active(publisher))
    publishers.end(publisher)
    publisher = publishers.start(f"command:cat {path}; echo more", every="1s")
    wait_until(lambda: "1 item published" in publisher.stderr, what="one more")
    second = peak(publishers.active(publisher))
    figures.append(f"source: {count} names, VmHWM {first >> 20} and after a restart {second >> 20} MiB")
    assert publishers.queue.depth() == count + 1
    assert max(first, second) < MEMORY
    publishers.end(publisher)
