"""Headers that nest thousands of levels deep. Such an item is like any other, and its headers go wherever it goes."""

import json
import struct
import sys

import pytest

from support.amqp import Raw
from support.dead_letters import dead

LEVELS = 2_500
DEEP = Raw(b"", b"".join(b"A" + struct.pack(">I", 5 * within) for within in reversed(range(LEVELS))))
# Recursive code needs more than this for so many levels, however it is compiled.
SMALL_STACK = ("prlimit", f"--stack={1 << 18}")


@pytest.fixture(autouse=True)
def deep_recursion():
    """Raises the limit for pika, which decodes recursively."""
    former = sys.getrecursionlimit()
    sys.setrecursionlimit(10 * LEVELS)
    yield
    sys.setrecursionlimit(former)


def assert_kept(headers):
    assert (headers["own"], headers["last"]) == ("kept", 5)
    levels, value = 0, headers["deep"]
    while value:
        (value,) = value
        levels += 1
    assert levels == LEVELS - 1


def test_an_item_with_deep_headers_is_an_item(bench):
    queue = bench.work_queue()
    queue.put(b"apple", headers={"own": "kept", "deep": DEEP, "last": 5})
    worker = ["sh", "-c", "cat; echo $WORK_ITEM_ATTEMPT $WORK_ITEM_HEADER_OWN $WORK_ITEM_HEADER_LAST; exit 3"]
    for attempt in b"1", b"2":
        result = bench.run(
            "-q", queue.name, "--max-attempts", "2", "--retry-delay", "1ms", worker=worker, prefix=SMALL_STACK)
        assert (result.status, result.stdout) == (3, b"apple" + attempt + b" kept 5\n"), result
    assert dead(bench, "list", queue.name, prefix=SMALL_STACK).status == 0
    assert dead(bench, "replay", queue.name, prefix=SMALL_STACK).status == 0
    _, properties, body = queue.take()
    assert body == b"apple"
    assert_kept(properties.headers)


def test_headers_as_deep_as_can_be_are_listed(bench):
    queue = bench.work_queue()
    levels = 120
    within = Raw(b"", b"".join(b"A" + struct.pack(">I", 5 * within) for within in reversed(range(levels))))
    queue.dead.put(b"apple", headers={"deep": within, "deeper": DEEP})
    result = dead(bench, "list", queue.name, "--json", prefix=SMALL_STACK)
    assert result.status == 0, result
    assert json.loads(result.stdout)["headers"] == {"deep": json.loads("[" * levels + "]" * levels)}


@pytest.mark.parametrize("levels", [129, 1_000_000])
def test_a_line_with_deep_headers_is_no_item(bench, levels):
    queue = bench.queue("classic")
    line = json.dumps({"body": "two", "headers": {"deep": 0}}).replace("0", "[" * levels + "]" * levels)
    source = bench.input(f'{{"body": "one"}}\n{line}\n'.encode())
    result = bench.run("-q", queue.name, "--jsonl", command="publish", stdin=source, prefix=SMALL_STACK)
    result.assert_error(65, "line 2", "--skip 1")
    assert [body for *_, body in queue.take_all()] == [b"one"]
