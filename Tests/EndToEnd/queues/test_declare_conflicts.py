"""amqp-job declare of a queue that another program made: what the message advises to do works."""

import pytest

from support.declarations import declare
from support.processes import wait_until

pytestmark = pytest.mark.any_broker

DEAD_LETTERING = {"durable": True, "arguments": {"x-dead-letter-exchange": "amq.fanout"}}
# Its options, the advice, and the options with which run serves it.
OTHERS = {
    "plain": ({"durable": True}, "use it as it is, without retries", []),
    "limited": ({"durable": True, "arguments": {"x-max-length": 5}}, "use it as it is", []),
    "with a dead-letter exchange": (DEAD_LETTERING, "it has a dead-letter exchange of its own: use it as it is", []),
    "not durable": ({}, "use it as it is ('run --any-queue'), though its items are lost with it", ["--any-queue"]),
    "auto-delete": ({"durable": True, "auto_delete": True}, "use it as it is ('run --any-queue')", ["--any-queue"]),
}


def make(bench, options):
    queue = bench.work_queue("classic", declare=False)
    bench.client.channel.queue_declare(queue.name, **options)
    queue.put(b"apple")
    return queue


@pytest.mark.parametrize("options", [[], ["--plain"]], ids=["", "plain"])
@pytest.mark.parametrize("name", OTHERS)
def test_a_queue_of_another_program_can_be_used_as_the_message_says(bench, name, options):
    declaration, advice, served = OTHERS[name]
    queue = make(bench, declaration)
    result = declare(bench, queue.name, *options)
    result.assert_error(78, queue.name, "nothing was made", "use it as it is" if options else advice)
    assert "--plain" not in result.stderr
    result = bench.run("-q", queue.name, *served, worker=["cat"])
    assert (result.status, result.stdout) == (0, b"apple"), result


def test_the_command_that_the_message_names_removes_the_queue_once_it_is_empty(bench):
    queue = make(bench, {"durable": True})
    command = f"amqp-job declare {queue.name} --delete --if-empty"
    declare(bench, queue.name).assert_error(78, f"'{command}'")
    declare(bench, *command.split()[2:]).assert_error(1, "not empty")
    queue.take()
    assert declare(bench, *command.split()[2:]).status == 0
    assert declare(bench, queue.name).status == 0


@pytest.mark.parametrize("options", [[], ["--plain"]], ids=["", "plain"])
def test_a_stream_is_not_advised_to_be_used(bench, options):
    queue = make(bench, {"durable": True, "arguments": {"x-queue-type": "stream"}})
    declare(bench, queue.name, *options).assert_error(78, "amqp-job serves no queue of that type")
    # Whatever count of its items it reports at this moment.
    for _ in range(2):
        result = declare(bench, queue.name, *options, "--delete", "--if-empty")
        result.assert_error(78, "it is a stream", "without --if-empty it is removed with its items")
        assert "--drain" not in result.stderr
        wait_until(lambda: queue.depth() > 0, what="the stream's own count of its items")
    assert declare(bench, queue.name, *options, "--delete").status == 0 and not queue.exists()


@pytest.mark.parametrize("end", ["retry", "dead"])
def test_nothing_is_removed_if_one_of_the_queues_is_a_stream(bench, end):
    queue = bench.work_queue("quorum")
    companion = getattr(queue, end)
    companion.delete()
    bench.client.channel.queue_declare(companion.name, durable=True, arguments={"x-queue-type": "stream"})
    declare(bench, queue.name, "--delete", "--if-empty").assert_error(78, f"queue '{companion.name}'", "it is a stream")
    assert all(each.exists() for each in queue.family)


def test_a_queue_that_has_its_own_queue_of_the_name_for_dead_letters_comes_first(bench):
    queue = bench.work_queue("classic", declare=False)
    bench.client.channel.queue_declare(queue.dead.name, durable=True)
    bench.client.channel.queue_declare(queue.name, durable=True, arguments={
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue.dead.name})
    queue.put(b"apple")
    declare(bench, queue.name).assert_error(78, f"queue '{queue.name}' at", "use it as it is")
    assert bench.run("-q", queue.name, worker=["cat"]).stdout == b"apple"


@pytest.mark.parametrize("end", ["retry", "marks", "dead"])
def test_nobody_is_told_to_remove_a_queue_that_belongs_to_another_one(bench, end):
    queue = bench.work_queue("quorum")
    result = declare(bench, f"{queue.name}.{end}", *(["--plain"] if end == "marks" else []))
    result.assert_error(78, f"for queue '{queue.name}': leave it alone", "nothing was made")
    assert "--delete" not in result.stderr
