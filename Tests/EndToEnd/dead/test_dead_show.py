"""amqp-job dead show: one item's body unchanged, or everything else about the item."""

import hashlib
import json
import os
import subprocess

import pytest

from support.amqp import Raw
from support.dead_letters import ENDED, content, dead
from support.processes import wait_until

pytestmark = pytest.mark.any_broker
ANY_BYTES = bytes(range(256)) + b"\r\n\0"


def test_body(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple", message_id="a")
    queue.dead.put(ANY_BYTES, message_id="b")
    queue.dead.put(b"later", message_id="b")
    queue.dead.put(b"", message_id="c")
    for name, body in ("a", b"apple"), ("b", ANY_BYTES), ("c", b""):
        result = dead(bench, "show", queue.name, "--id", name)
        assert (result.status, result.stdout, result.stderr) == (0, body, ""), result
    assert content(queue.dead) == [b"apple", ANY_BYTES, b"later", b""]


def test_json(bench):
    queue = bench.work_queue()
    queue.dead.put(
        b"apple", message_id="a", content_type="text/plain", priority=3, correlation_id="c", reply_to="r", timestamp=5,
        type="t", app_id="x", expiration="600000", content_encoding="gzip", headers={
            **ENDED, "n": 7, "ok": False, "ratio": 0.5, "none": None, "list": [1, "two", [True, {"x": []}]],
            "table": {"x": {"y": [1.5]}, "z": None}, "deep": [[[]]], "decimal": Raw(b"D", b"\2\0\0\4\322"),
            "x-death": [{"queue": "q", "count": 1}],
        })
    result = dead(bench, "show", queue.name, "--id", "a", "--json")
    assert (result.status, result.stderr) == (0, "") and result.stdout.count(b"\n") == 1, result
    item = json.loads(result.stdout)
    item["headers"].pop("x-delivery-count", None)  # RabbitMQ 3.10 sets these.
    assert item == {
        "position": 1, "id": "a", "queue": "fruits", "reason": "failed", "by": "amqp-job", "status": 3, "attempts": 4, "host": "pod-1",
        "time": "2026-02-28T23:59:58Z", "size": 5, "exchange": "", "routing_key": queue.dead.name,
        "properties": {
            "content_type": "text/plain", "content_encoding": "gzip", "delivery_mode": 2, "priority": 3,
            "correlation_id": "c", "reply_to": "r", "expiration": "600000", "message_id": "a", "timestamp": 5, "type": "t",
            "app_id": "x",
        },
        "headers": {
            **ENDED, "x-amqp-job-time": "2026-02-28T23:59:58Z", "n": 7, "ok": False, "ratio": 0.5, "none": None,
            "list": [1, "two", [True, {"x": []}]], "table": {"x": {"y": [1.5]}, "z": None}, "deep": [[[]]],
            "decimal": "12.34", "x-death": [{"queue": "q", "count": 1}],
        },
    }


def test_an_item_without_an_id(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple", b"banana", bytes(3_000_000))
    for position, body in enumerate([b"apple", b"banana", bytes(3_000_000)], 1):
        result = dead(bench, "show", queue.name, "--position", str(position))
        assert (result.status, result.stdout, result.stderr) == (0, body, ""), position
    assert json.loads(dead(bench, "show", queue.name, "--position", "2", "--json").stdout)["position"] == 2
    for options in [], ["--id", "a", "--position", "1"], ["--position", "1-2"]:
        assert dead(bench, "show", queue.name, *options).status == 64, options
    assert queue.dead.depth() == 3


def test_an_item_that_is_not_there(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple", message_id="a")
    queue.dead.put(b"banana")
    dead(bench, "show", queue.name, "--id", "b").assert_error(1, "'b'", queue.dead.name)
    assert content(queue.dead) == [b"apple", b"banana"]


def test_a_large_body(bench):
    """The item is never in memory as a whole. It is back in its queue while somebody reads the output slowly."""
    queue = bench.work_queue("classic")
    body = os.urandom(1 << 20) * 12
    queue.dead.put(b"x" * 3_000_000, message_id="another")
    queue.dead.put(body, message_id="large")
    runner = bench.start("show", queue.name, "--id", "large", command="dead", stdout=subprocess.PIPE)
    queue.dead.assert_back(2)
    shown = runner.process.stdout.read()
    assert runner.finish().status == 0
    assert hashlib.sha256(shown).digest() == hashlib.sha256(body).digest()
    assert queue.dead.depth() == 2


def test_where_it_cannot_be_stored(bench):
    queue = bench.work_queue()
    queue.dead.put(b"x" * 3_000_000, message_id="a")
    result = dead(bench, "show", queue.name, "--id", "a", env={"TMPDIR": "/no/such/directory"})
    result.assert_error(74, "'a'", "/no/such/directory")
    assert dead(bench, "show", queue.name, "--id", "a", "--json", env={"TMPDIR": "/no/such/directory"}).status == 0
    queue.dead.assert_back()


def test_output_that_nobody_reads(bench):
    queue = bench.work_queue()
    queue.dead.put(b"x" * 900_000, message_id="a")
    reading, writing = os.pipe()
    os.close(reading)
    runner = bench.start("show", queue.name, "--id", "a", command="dead", stdout=writing)
    os.close(writing)
    assert runner.finish().status == 141
    wait_until(lambda: queue.dead.depth() == 1, what="the item in its queue")
