"""Dead letters that are larger than the memory of the program that looks at them."""

import hashlib
import json
import os
import sys

import pytest

from support.dead_letters import dead
from support.processes import CAN_ISOLATE

MOST_MEMORY = 32 << 20
SIZE = 100 << 20

# Runs a command, and writes its peak memory to a file.
MEASURE = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10))
sys.exit(status)
"""


@pytest.fixture(scope="module")
def large():
    return os.urandom(1 << 20) * (SIZE >> 20)


@pytest.fixture
def measured(bench, figures, request):
    """Runs `amqp-job dead`, and asserts that it stays within its memory limit."""

    def run(action, *words):
        path = bench.path("peak")
        result = dead(bench, action, *words, prefix=[sys.executable, "-ISc", MEASURE, str(path)], timeout=60)
        peak = int(path.read_text())
        figures.append(f"dead {action} ({request.node.name}): peak memory {peak / (1 << 20):.1f} MiB")
        assert peak < MOST_MEMORY, f"{peak >> 20} MiB"
        return result

    return run


@pytest.mark.slow
def test_list(bench, large, measured):
    queue = bench.work_queue("classic")
    queue.dead.put(large, message_id="large")
    queue.dead.put(b"apple", message_id="small")
    for _ in range(2):
        result = measured("list", queue.name, "--json")
        assert result.status == 0, result
        items = [json.loads(line) for line in result.stdout.splitlines()]
        assert [(item["id"], item["size"]) for item in items] == [("large", SIZE), ("small", 5)]


@pytest.mark.slow
def test_replay(bench, large, measured):
    queue = bench.work_queue("classic")
    queue.dead.put(b"apple")
    queue.dead.put(large, headers={"own": "kept"})
    queue.dead.put(b"banana")
    result = measured("replay", queue.name)
    assert result.status == 0 and "3 items moved" in result.stderr, result
    assert queue.dead.depth() == 0
    items = queue.take_all()
    assert [len(body) for _, _, body in items] == [5, SIZE, 6]
    assert hashlib.sha256(items[1][2]).digest() == hashlib.sha256(large).digest()
    assert items[1][1].headers["own"] == "kept"


def test_replay_of_many(bench, measured):
    """Only a few items are in flight at a time."""
    queue = bench.work_queue("classic")
    body = os.urandom(200_000)
    queue.dead.put(*[body] * 300)
    result = measured("replay", queue.name)
    assert result.status == 0 and "300 items moved" in result.stderr, result
    assert [len(body) for _, _, body in queue.take_all()] == [200_000] * 300


def test_replay_of_another_item_needs_no_room(bench):
    queue = bench.work_queue()
    queue.dead.put(b"x" * 3_000_000)
    queue.dead.put(b"apple", message_id="a")
    result = dead(bench, "replay", queue.name, "--id", "a", env={"TMPDIR": "/no/such/directory"})
    assert result.status == 0 and "1 item moved" in result.stderr, result
    queue.assert_back()
    queue.dead.assert_back()


def test_replay_where_an_item_cannot_be_kept(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple")
    queue.dead.put(b"x" * 3_000_000)
    result = dead(bench, "replay", queue.name, env={"TMPDIR": "/no/such/directory"})
    result.assert_error(74, queue.name, "/no/such/directory", "1 item moved")
    queue.assert_back()
    queue.dead.assert_back()


@pytest.mark.skipif(not CAN_ISOLATE, reason="needs a mount of its own")
def test_replay_on_a_full_disk(bench):
    queue = bench.work_queue()
    queue.dead.put(b"x" * 3_000_000)
    spool = bench.path("spool")
    spool.mkdir()
    full = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o size=1m none {spool}; exec "$@"', "sh"]
    dead(bench, "replay", queue.name, env={"TMPDIR": str(spool)}, prefix=full).assert_error(74, "no space", "0 items moved")
    queue.dead.assert_back()


def test_replay_of_an_item_that_the_broker_refuses(bench, broker):
    """The refusal comes in the middle of the body. The rest of it is not sent, and the item stays dead."""
    queue = bench.work_queue("quorum")
    queue.dead.put(b"x" * 3_000_000)
    with broker.policy(bench.marker, f"^{queue.name}$", '{"max-length-bytes": 1000, "overflow": "reject-publish"}'):
        queue.put(b"y" * 2000)
        result = dead(bench, "replay", queue.name)
        result.assert_error(75, queue.name, "full", "0 items moved")
    queue.dead.assert_back()
