"""amqp-job dead: what its actions have in common, and the action purge."""

import json

import pytest

from support.dead_letters import content, content_of_many, dead, numbers, put_many
from support.peer import Basic, Queue


def test_purge(bench):
    queue = bench.work_queue()
    queue.put(b"apple")
    queue.dead.put(b"banana", b"cherry")
    result = dead(bench, "purge", queue.name)
    assert result.status == 0 and "2 items dropped" in result.stderr, result
    assert queue.dead.depth() == 0
    queue.assert_untouched()


@pytest.mark.parametrize("action", ["list", "show --id a", "replay", "replay --dry-run", "purge", "purge --reason failed"])
def test_no_dead_letter_queue(bench, action):
    queue = bench.queue("quorum", b"apple")
    dead(bench, *action.split(), queue.name).assert_error(
        66, f"'{queue.name}.dead'", f"beside queue '{queue.name}', which stands alone")
    queue.assert_untouched()


def test_the_cure_for_a_queue_without_dead_letters(bench):
    """What the message advises is accepted."""
    queue = bench.work_queue(declare=False)
    assert bench.run(queue.name, "--plain", command="declare").status == 0
    removal, remaking = f"amqp-job declare {queue.name} --delete --if-empty", f"amqp-job declare {queue.name}"
    for option in ([], ["--max-attempts", "3"]):
        result = bench.run("-q", queue.name, *option, worker=["true"]) if option else dead(bench, "list", queue.name)
        result.assert_error(78 if option else 66, f"remove that queue ('{removal}') and make it anew ('{remaking}')")
    for advice in (removal, remaking):
        assert bench.run(*advice.split()[2:], command="declare").status == 0
    result = dead(bench, "list", queue.name)
    assert result.status == 0 and "is empty" in result.stderr, result


def test_a_queue_with_dead_letters_elsewhere_says_where(bench):
    """Its own dead-letter queue has a name that `dead` can be given, or not."""
    queue, other = bench.work_queue(declare=False), bench.queue("quorum")
    arguments = {"x-queue-type": "quorum", "x-dead-letter-exchange": "", "x-dead-letter-routing-key": other.name}
    bench.client.channel.queue_declare(queue.name, durable=True, arguments=arguments)
    dead(bench, "list", queue.name).assert_error(
        66, f"whose dead letters go to queue '{other.name}' ('amqp-job run -q {other.name}' takes them)", "--max-attempts")
    queue.put(b"apple")
    assert bench.run("-q", queue.name, "--max-attempts", "1", worker=["false"]).status == 1
    assert bench.run("-q", other.name, worker=["cat"]).stdout == b"apple"


def test_a_dead_letter_queue_that_was_deleted_is_made_anew(bench):
    queue = bench.work_queue()
    queue.dead.delete()
    dead(bench, "list", queue.name).assert_error(66, "somebody deleted it", f"'amqp-job declare {queue.name}'")
    assert bench.run(queue.name, command="declare").status == 0
    assert dead(bench, "list", queue.name).status == 0


def test_neither_a_queue_nor_a_dead_letter_queue(bench):
    name = bench.name_queue().name
    dead(bench, "list", name).assert_error(66, f"'{name}.dead'", f"nor a queue '{name}'; check the name, or make the queue with 'amqp-job declare {name}'")


def own(bench, **declaration):
    """A queue with a dead-letter queue that `declare` did not make."""
    queue = bench.work_queue(declare=False)
    bench.client.channel.queue_declare(queue.name, durable=True)
    bench.client.channel.queue_declare(queue.dead.name, durable=True, **declaration)
    return queue


@pytest.mark.parametrize("declaration", [
    {"arguments": {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000_000}}, {},
], ids=["quorum", "classic"])
def test_purge_many_items(bench, declaration):
    """This is more than any batch of messages that is taken, published or given back."""
    count = 3000
    queue = own(bench, **declaration)
    put_many(bench, queue.dead, count)
    ids = [json.loads(line)["id"] for line in dead(bench, "list", queue.name, "--json").stdout.splitlines()]
    assert len(ids) == count
    # This is done twice, because quorum queues keep returned messages apart.
    for options in [], ["--limit", "1500"]:
        again = dead(bench, "list", queue.name, "--json", *options)
        assert [json.loads(line)["id"] for line in again.stdout.splitlines()] == ids[:int((options or [0, count])[1])]
    result = dead(bench, "replay", queue.name, "--limit", "2000")
    assert result.status == 0 and "2000 items moved" in result.stderr, result
    assert content_of_many(queue) == numbers(range(2000))
    assert content_of_many(queue.dead) == numbers(range(2000, count))


@pytest.mark.parametrize("action", ["list", "replay"])
def test_a_queue_that_deletes_itself_stays(bench, action):
    """The queue would be deleted with its last consumer, and the items with it."""
    queue = own(bench, auto_delete=True)
    queue.dead.put(*numbers(range(5)))
    result = dead(bench, action, queue.name, "--limit", "2")
    if action == "list":
        assert result.status == (0 if bench.broker.version >= (4, 3) else 78), result
    else:
        assert result.status == 0 and "2 items moved" in result.stderr, result
    assert content(queue.dead) == numbers(range(0 if action == "list" else 2, 5))


@pytest.mark.any_broker
@pytest.mark.parametrize("action, text", [("list", "SIZE"), ("replay", "1 item moved")])
def test_items_that_others_take_after_they_were_counted(bench, action, text):
    """The broker counts three items and delivers one. Later it counts none."""
    server = bench.peer(b"apple", has_retries=True)
    counts = iter([3])

    def count(session, channel, method):
        ready = next(counts, 0) if method.queue == "q.dead" and method.passive else 0
        session.send(channel, Queue.DeclareOk(method.queue, ready, len(session.consumers)))

    server.on(Queue.Declare, count)
    server.on(Basic.Publish, lambda session, channel, method: session.send(channel, Basic.Ack(1)))
    result = dead(bench, action, "q", url=server.url)
    assert result.status == 0 and text in result.stdout.decode() + result.stderr, result
    assert (server.count(Basic.Nack), server.count(Basic.Ack)) == ((1, 0) if action == "list" else (0, 1))


def test_queue_from_the_environment(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple", message_id="a")
    result = dead(bench, "list", "--json", env={"QUEUE": queue.name})
    assert json.loads(result.stdout)["id"] == "a"


@pytest.mark.parametrize("words, text", [
    ([], "ACTION"), (["look", "q"], "look"), (["list"], "no queue"), (["purge", "q", "--json"], "--json"),
    (["list", "q", "--dry-run"], "--dry-run"), (["purge", "q", "--limit", "1"], "--limit"),
    (["list", "q", "r"], "'r'"), (["list", "q", "--limit", "0"], "--limit"), (["list", "x" * 250], "249"),
    (["show", "q"], "--id"), (["show", "q", "--id", "a", "--id", "b"], "--id"),
    (["show", "q", "--id", "a", "--reason", "failed"], "--reason"),
    (["list", "q", "--since", "yesterday"], "--since"), (["list", "q", "--since", "2026-02-30T00:00:00Z"], "--since"),
    (["purge", "q", "--older-than", "1 day"], "--older-than"), (["replay", "q", "--where", "color"], "HEADER=VALUE"),
    (["replay", "q", "--where", "=red"], "HEADER=VALUE"),
], ids=lambda value: " ".join(value)[:40])
def test_bad_usage(bench, words, text):
    bench.run(*words, command="dead").assert_error(64, text)


def test_messages_for_machines(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple", b"banana")
    result = dead(bench, "replay", queue.name, "--log-format", "json")
    assert json.loads(result.lines[-1])["items"] == 2
