"""amqp-job dead: what its actions have in common, and purge."""

import json

import pytest

from dead_letters import dead


def test_purge(bench):
    queue = bench.work_queue()
    queue.put(b"apple")
    queue.dead.put(b"banana", b"cherry")
    result = dead(bench, "purge", queue.name)
    assert result.status == 0 and "2 items dropped" in result.stderr, result
    assert queue.dead.depth() == 0
    queue.assert_untouched()


@pytest.mark.parametrize("action", ["list", "replay", "purge"])
def test_no_dead_letter_queue(bench, action):
    queue = bench.queue("quorum", b"apple")
    dead(bench, action, queue.name).assert_error(66, f"'{queue.name}.dead'", f"declare {queue.name}'")
    queue.assert_untouched()


def test_queue_from_the_environment(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple", message_id="a")
    result = dead(bench, "list", "--json", env={"QUEUE": queue.name})
    assert json.loads(result.stdout)["id"] == "a"


@pytest.mark.parametrize("words, text", [
    ([], "ACTION"), (["show", "q"], "show"), (["list"], "no queue"), (["purge", "q", "--json"], "--json"),
    (["list", "q", "--id", "a"], "--id"), (["list", "q", "r"], "'r'"), (["list", "q", "--limit", "0"], "--limit"),
    (["list", "x" * 250], "249"),
], ids=lambda value: " ".join(value)[:40])
def test_bad_usage(bench, words, text):
    dead(bench, *(words or [])).assert_error(64, text) if words else bench.run(command="dead").assert_error(64, text)


def test_messages_for_machines(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple", b"banana")
    result = dead(bench, "replay", queue.name, "--log-format", "json")
    assert json.loads(result.lines[-1])["items"] == 2
