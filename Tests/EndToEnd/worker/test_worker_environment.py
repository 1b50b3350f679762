"""The worker's view: the item in its environment."""

import datetime
import decimal
import signal
import struct

import pika

import pytest

from support.amqp import Raw

pytestmark = pytest.mark.any_broker


def item_environment(worker):
    """The variables of the item, without those of its headers."""
    return {
        name: value
        for name, value in worker.environment.items()
        if name.startswith("WORK_ITEM_") and not name.startswith("WORK_ITEM_HEADER_")
    }


def headers_seen(worker):
    """The headers that the broker did not add."""
    prefix = "WORK_ITEM_HEADER_"
    return {
        name[len(prefix):]: value
        for name, value in worker.environment.items()
        if name.startswith(prefix) and name != "WORK_ITEM_HEADER_X_DELIVERY_COUNT"
    }


def test_item_without_properties(bench):
    queue = bench.queue("classic")
    bench.client.channel.basic_publish("", queue.name, b"apple")
    worker = bench.worker()
    assert bench.run("-q", queue.name, worker=worker).status == 0
    seen = item_environment(worker)
    assert seen.pop("WORK_ITEM_EXCHANGE", "") == ""
    assert seen == {
        "WORK_ITEM_ATTEMPT": "1",
        "WORK_ITEM_REDELIVERED": "false",
        "WORK_ITEM_QUEUE": queue.name,
        "WORK_ITEM_ROUTING_KEY": queue.name,
    }
    assert "TRACEPARENT" not in worker.environment


def test_all_properties(bench):
    queue = bench.queue("quorum")
    exchange = bench.marker + "-exchange"
    channel = bench.client.channel
    channel.exchange_declare(exchange, "topic")
    try:
        channel.queue_bind(queue.name, exchange, "fruit.#")
        queue.put(
            b"apple",
            exchange=exchange,
            routing_key="fruit.red",
            message_id="id 1",
            content_type="text/plain",
            content_encoding="identity",
            correlation_id="c-1",
            reply_to="answers",
            timestamp=1_700_000_000,
            type="fruit",
            app_id="orchard",
            priority=0,
            headers={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
        )
    finally:
        channel.exchange_delete(exchange)
    worker = bench.worker()
    assert bench.run("-q", queue.name, worker=worker).status == 0
    seen = item_environment(worker)
    assert seen == {
        "WORK_ITEM_ID": "id 1",
        "WORK_ITEM_ATTEMPT": "1",
        "WORK_ITEM_REDELIVERED": "false",
        "WORK_ITEM_QUEUE": queue.name,
        "WORK_ITEM_EXCHANGE": exchange,
        "WORK_ITEM_ROUTING_KEY": "fruit.red",
        "WORK_ITEM_CONTENT_TYPE": "text/plain",
        "WORK_ITEM_CONTENT_ENCODING": "identity",
        "WORK_ITEM_CORRELATION_ID": "c-1",
        "WORK_ITEM_REPLY_TO": "answers",
        "WORK_ITEM_TIMESTAMP": "1700000000",
        "WORK_ITEM_TYPE": "fruit",
        "WORK_ITEM_APP_ID": "orchard",
        "WORK_ITEM_PRIORITY": "0",
    }
    assert worker.environment["TRACEPARENT"].startswith("00-0af7651916cd43dd8448eb211c80319c-")


EVERY_TYPE = {
    "yes": True,
    "no": Raw(b"t", b"\0"),
    "int8": Raw(b"b", struct.pack(">b", -5)),
    "uint8": Raw(b"B", struct.pack(">B", 250)),
    "int16": Raw(b"s", struct.pack(">h", -30000)),
    "uint16": Raw(b"u", struct.pack(">H", 60000)),
    "int32": Raw(b"I", struct.pack(">i", -2000000000)),
    "uint32": Raw(b"i", struct.pack(">I", 4000000000)),
    "int64": Raw(b"l", struct.pack(">q", -9000000000000000000)),
    "float": Raw(b"f", struct.pack(">f", 0.5)),
    "double": 2.25,
    "decimal": decimal.Decimal("12.34"),
    "text": "plain",
    "empty": "",
    "time": datetime.datetime(2023, 11, 14, 22, 13, 20),
    "nothing": None,
    "bytes": Raw(b"x", struct.pack(">I", 3) + b"abc"),
    "list": [1, "two", [3]],
    "table": {"a": 1, "b": {"c": []}},
}

SCALARS = {
    "YES": "true",
    "NO": "false",
    "INT8": "-5",
    "UINT8": "250",
    "INT16": "-30000",
    "UINT16": "60000",
    "INT32": "-2000000000",
    "UINT32": "4000000000",
    "INT64": "-9000000000000000000",
    "FLOAT": "0.5",
    "DOUBLE": "2.25",
    "DECIMAL": "12.34",
    "TEXT": "plain",
    "EMPTY": "",
    "TIME": "1700000000",
}


def check_every_type(worker):
    seen = headers_seen(worker)
    assert "LIST" not in seen and "TABLE" not in seen, seen
    assert seen.pop("NOTHING", "") == ""
    assert seen.pop("BYTES", "abc") == "abc"
    assert seen == SCALARS


def test_headers_of_every_type(bench):
    queue = bench.queue("quorum")
    queue.put(b"apple", headers=EVERY_TYPE)
    worker = bench.worker()
    assert bench.run("-q", queue.name, worker=worker).status == 0
    check_every_type(worker)
    queue.assert_empty()


def test_headers_of_every_type_from_a_peer(bench):
    """A broker encodes tables again. This peer forwards them unchanged, with one more type that clients know."""
    headers = {**EVERY_TYPE, "uint64": Raw(b"L", struct.pack(">Q", 5))}
    peer = bench.peer((b"apple", pika.BasicProperties(headers=headers)))
    worker = bench.worker()
    assert bench.run("-q", "queue", url=peer.url, worker=worker).status == 0
    seen = dict(headers_seen(worker))
    assert seen.pop("UINT64") == "5"
    assert {name: seen.get(name) for name in SCALARS} == SCALARS


def test_odd_names_and_values(bench):
    queue = bench.queue("quorum")
    queue.put(
        b"apple",
        headers={
            "a=b": "c=d",
            "new\nline": "one\ntwo\n",
            "nul\0name": "n",
            "dash-and.dot": "x",
            "1digit": "y",
            "lower_UPPER": "z",
            "nul-value": "before\0after",
            "not-utf8": Raw(b"S", struct.pack(">I", 3) + b"\xff\xfe="),
            "id": "of the header",
        },
    )
    worker = bench.worker()
    assert bench.run("-q", queue.name, worker=worker).status == 0
    seen = headers_seen(worker)
    assert seen == {
        "A_B": "c=d",
        "NEW_LINE": "one\ntwo\n",
        "NUL_NAME": "n",
        "DASH_AND_DOT": "x",
        "1DIGIT": "y",
        "LOWER_UPPER": "z",
        "NOT_UTF8": "\udcff\udcfe=",
        "ID": "of the header",
    }
    assert "WORK_ITEM_ID" not in worker.environment
    assert worker.environment["WORK_ITEM_HEADERS_OMITTED"] == "nul-value"


def test_colliding_names_are_both_left_out(bench):
    queue = bench.queue("quorum")
    queue.put(b"apple", headers={"x-y": "1", "X_Y": "2", "x,y\n": "3", "x_y_": "4", "other": "5"})
    worker = bench.worker()
    assert bench.run("-q", queue.name, worker=worker).status == 0
    assert headers_seen(worker) == {"OTHER": "5"}
    omitted = worker.environment["WORK_ITEM_HEADERS_OMITTED"].split(",")
    assert sorted(omitted) == sorted(["x-y", "X_Y", "x_y_", "x_y_"])


def test_property_with_a_nul(bench):
    """No environment variable can hold such a value, and half of it would be a false value."""
    queue = bench.queue("quorum")
    queue.put(b"apple", message_id="a\0b", type="fine")
    worker = bench.worker()
    assert bench.run("-q", queue.name, worker=worker).status == 0
    assert "WORK_ITEM_ID" not in worker.environment
    assert worker.environment["WORK_ITEM_TYPE"] == "fine"


def test_large_header(bench):
    queue = bench.queue("quorum")
    queue.put(b"apple", headers={"large": "x" * 60_000, "just": "y" * 32768, "more": "z" * 32769})
    worker = bench.worker()
    result = bench.run("-q", queue.name, worker=worker)
    assert result.status == 0, result
    assert headers_seen(worker) == {"JUST": "y" * 32768}
    assert sorted(worker.environment["WORK_ITEM_HEADERS_OMITTED"].split(",")) == ["large", "more"]
    queue.assert_empty()


def test_nothing_stale_is_inherited(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker()
    stale = {
        "WORK_ITEM_ID": "stale", "WORK_ITEM_HEADER_FOO": "stale", "WORK_ITEM_HEADERS_OMITTED": "stale",
        "WORK_ITEM_FILE": "stale", "WORK_ITEM_ATTEMPT": "99", "KEPT": "kept",
    }
    assert bench.run("-q", queue.name, worker=worker, env=stale).status == 0
    assert not [name for name, value in worker.environment.items() if value == "stale"]
    assert worker.environment["WORK_ITEM_ATTEMPT"] == "1"
    assert worker.environment["KEPT"] == "kept"


def test_attempts_are_counted(bench):
    queue = bench.queue("quorum", b"apple")
    for attempt in 1, 2, 3:
        worker = bench.worker("exit:3")
        assert bench.run("-q", queue.name, worker=worker).status == 3
        assert worker.environment["WORK_ITEM_ATTEMPT"] == str(attempt)
        assert worker.environment["WORK_ITEM_REDELIVERED"] == ("false" if attempt == 1 else "true")
        queue.assert_back()


def test_a_crash_counts_as_an_attempt(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")
    runner.send(signal.SIGKILL)
    runner.finish()
    queue.assert_back()
    second = bench.worker()
    assert bench.run("-q", queue.name, worker=second).status == 0
    assert second.environment["WORK_ITEM_ATTEMPT"] == "2"


def test_redelivered_on_a_classic_queue(bench):
    queue = bench.queue("classic", b"apple")
    assert bench.run("-q", queue.name, worker=["false"]).status == 1
    worker = bench.worker()
    assert bench.run("-q", queue.name, worker=worker).status == 0
    assert worker.environment["WORK_ITEM_REDELIVERED"] == "true"
