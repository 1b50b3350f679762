"""amqp-job declare: a queue with its companion queues."""

import pytest

from support import manifests
from support.declarations import dead_lettering, declare, declared
from support.processes import wait_until
from support.users import user


def there(queue):
    """Which of the four queues exist."""
    return [each.name for each in queue.family if each.exists()]


def test_declares_four_queues(bench, kind):
    queue = bench.work_queue(kind, options=("--arg", "x-message-ttl=3600000"))
    assert declared(queue, **dead_lettering(queue.dead.name, kind), **{"x-message-ttl": 3_600_000})
    assert declared(queue.retry, **dead_lettering(queue.name))
    for lasting in (queue.marks, queue.dead):
        assert declared(lasting, **{"x-queue-type": "quorum", "x-delivery-limit": 1_000_000_000})
    queue.put(b"apple")
    result = declare(bench, queue.name, "--type", kind, "--arg", "x-message-ttl=3600000")
    assert (result.status, result.stderr) == (0, ""), result
    queue.assert_untouched()


def test_dead_letters_go_to_their_queue(bench, kind):
    queue = bench.work_queue(kind)
    queue.put(b"apple")
    method, _, _ = queue.client.channel.basic_get(queue.name)
    queue.client.channel.basic_reject(method.delivery_tag, requeue=False)
    queue.dead.assert_back()
    assert queue.dead.take()[2] == b"apple"


def test_items_over_the_delivery_limit_go_to_their_queue(bench):
    queue = bench.work_queue("quorum", options=("--arg", "x-delivery-limit=2"))
    queue.put(b"apple")
    give_back(queue, 3)
    queue.dead.assert_back()


def test_dead_letters_may_be_looked_at_for_ever(bench):
    """By default a quorum queue of RabbitMQ 4 drops an item at its 21st return."""
    queue = bench.work_queue()
    queue.dead.put(b"apple")
    give_back(queue.dead, 30)
    queue.dead.assert_back()


def give_back(queue, times):
    """Takes the item this many times, and rejects it each time. Every version counts that."""
    channel = queue.client.channel
    for _ in range(times):
        queue.assert_back()
        method, _, _ = channel.basic_get(queue.name)
        channel.basic_reject(method.delivery_tag, requeue=True)


def test_retried_items_come_back(bench, kind):
    queue = bench.work_queue(kind)
    queue.retry.put(b"apple", expiration="300")
    assert queue.retry.depth() == 1
    queue.assert_back()
    assert queue.retry.depth() == 0
    assert queue.take()[2] == b"apple"


def test_a_missing_dead_letter_queue_loses_nothing(bench):
    queue = bench.work_queue("quorum", options=("--arg", "x-delivery-limit=1"))
    queue.dead.delete()
    queue.put(b"apple")
    give_back(queue, 2)
    wait_until(lambda: bench.broker.messages(queue.name) == 1, what="the item kept in its queue")
    assert queue.depth() == 0


@pytest.mark.parametrize("other", ["queue", "retry", "marks", "dead"])
def test_nothing_is_made_where_one_is_declared_otherwise(bench, other):
    queue = bench.work_queue(declare=False)
    taken = queue if other == "queue" else getattr(queue, other)
    bench.client.channel.queue_declare(taken.name, durable=True, arguments={"x-queue-type": "quorum"})
    declare(bench, queue.name).assert_error(78, f"'{taken.name}'", "nothing was made", "remove")
    assert there(queue) == [taken.name]


def test_a_plain_queue_stays_alone(bench, kind):
    queue = bench.work_queue(declare=False)
    assert declare(bench, queue.name, "--plain", "--type", kind).status == 0
    declare(bench, queue.name, "--type", kind).assert_error(78, queue.name, "use it as it is, without retries")
    assert there(queue) == [queue.name]


def test_what_is_missing_is_made(bench):
    """AMQP does not show a policy that deletes a queue. All that can be noticed is that the queue is gone."""
    queue = bench.work_queue("quorum", b"apple")
    queue.dead.put(b"pear")
    with bench.broker.policy(bench.marker, f"^{queue.dead.name}$", '{"expires":500}'):
        wait_until(lambda: not queue.dead.exists(), what="the end of the dead-letter queue")
    for command in "status", "declare":
        result = bench.run(queue.name, command=command)
        assert result.status == 0 and len(result.lines) == 1, result
        assert queue.dead.name in result.stderr and "'expires'" in result.stderr, result
    assert len(there(queue)) == 4
    for command in "status", "declare":
        assert bench.run(queue.name, command=command).stderr == ""
    queue.assert_untouched()


@pytest.mark.parametrize(
    "name", ["x-dead-letter-exchange", "x-dead-letter-routing-key", "x-dead-letter-strategy", "x-overflow"])
def test_arguments_that_would_lead_elsewhere(bench, name):
    queue = bench.work_queue(declare=False)
    declare(bench, queue.name, "--arg", f"{name}=drop-head").assert_error(64, name, "--plain")
    assert there(queue) == []


def test_arguments_that_say_the_same(bench, kind):
    """An argument that declare sets itself may be given again."""
    queue = bench.work_queue(declare=False)
    same = {"x-queue-type": kind, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue.dead.name}
    if kind == "quorum":
        same.update({"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"})
    options = [word for name, value in same.items() for word in ("--arg", f"{name}={value}")]
    for words in options, []:
        result = declare(bench, queue.name, "--type", kind, *words)
        assert (result.status, result.stderr) == (0, ""), result
    plain = bench.name_queue()
    assert declare(bench, plain.name, "--plain", "--type", kind, "--arg", f"x-queue-type={kind}").status == 0


def test_a_type_that_is_another(bench):
    declare(bench, "any", "--arg", "x-queue-type=classic").assert_error(64, "--type")


def test_a_classic_queue_may_overflow(bench):
    bench.work_queue("classic", options=("--arg", "x-max-length=5"))


@pytest.mark.parametrize("options", [
    ("--arg", "x-max-length=2"), ("--arg", "x-max-length-bytes=20"),
    ("--type", "classic", "--arg", "x-max-length=2", "--arg", "x-overflow=reject-publish"),
])
def test_no_queue_refuses_what_its_retry_queue_hands_back(bench, options):
    """The item would be held up there for minutes, where nobody sees it."""
    queue = bench.work_queue(declare=False)
    declare(bench, queue.name, *options).assert_error(78, "x-max-length", "--plain")
    assert there(queue) == []
    assert declare(bench, queue.name, "--plain", *options).status == 0


@pytest.mark.parametrize("options", [
    ("--arg", "x-max-length=five"), ("--arg", "x-max-priority=5"), ("--arg", "x-expires=0"),
], ids=" ".join)
def test_an_argument_that_the_broker_refuses(bench, options):
    """The queues that declare made are removed again, but not those that existed before."""
    queue = bench.work_queue(declare=False)
    for before in [], [queue.dead.name]:
        if before:
            bench.run(queue.name, command="declare")
            for each in (queue, queue.retry, queue.marks):
                each.delete()
        result = declare(bench, queue.name, *options)
        assert result.status in (64, 78) and len(result.lines) == 1, result
        assert "--arg" in result.stderr or "nothing was made" in result.stderr, result
        assert there(queue) == before


def test_a_queue_that_may_not_be_bound(bench):
    """RabbitMQ 3.10 reports this only after the queue has been made."""
    queue = bench.work_queue(declare=False)
    names = [each.name for each in queue.family]
    with user(bench, configure=names, write=["amq.default", *names], read=names) as other:
        other.run(queue.name, "--exchange", "amq.fanout", command="declare").assert_error(77, "amq.fanout")
    assert there(queue) == []


def test_a_dead_letter_exchange_of_its_own(bench, kind):
    """No advice leads to another refusal."""
    queue = bench.queue(kind, b"apple", **{"x-dead-letter-exchange": "amq.fanout"})
    result = bench.run("-q", queue.name, "--max-attempts", "3", "--retry-delay", "1s", worker=["true"])
    result.assert_error(78, "dead-letter exchange of its own", "--retry-delay")
    assert "declare" not in result.stderr
    for options in [], ["--plain"]:
        result = declare(bench, queue.name, "--type", kind, *options)
        result.assert_error(78, "nothing was made", "use it as it is")
        assert "--plain" not in result.stderr
    assert bench.run("-q", queue.name, "--max-attempts", "3", worker=["true"]).status == 0


def test_the_names_have_to_fit(bench):
    declare(bench, "x" * 250).assert_error(64, "249")


def test_bind_with_dead_letters(bench):
    queue, exchange = bench.work_queue(declare=False), bench.marker
    bench.client.channel.exchange_declare(exchange, "direct")
    try:
        assert declare(bench, queue.name, "--exchange", exchange).status == 0
        queue.put(b"apple", exchange=exchange, routing_key=queue.name)
        queue.assert_back()
    finally:
        bench.client.channel.exchange_delete(exchange)


def test_delete_all(bench, kind):
    queue = bench.work_queue(kind)
    queue.dead.put(b"apple")
    assert declare(bench, queue.name, "--delete").status == 0
    assert there(queue) == []
    assert declare(bench, queue.name, "--delete").status == 0


def test_delete_what_is_left(bench):
    queue = bench.work_queue()
    queue.delete()
    assert declare(bench, queue.name, "--delete").status == 0
    assert there(queue) == []


def test_delete_the_queue_alone(bench):
    queue = bench.work_queue()
    assert declare(bench, queue.name, "--delete", "--plain").status == 0
    assert there(queue) == [each.name for each in queue.family[1:]]


@pytest.mark.parametrize("holder", ["queue", "retry", "marks", "dead"])
def test_delete_if_all_are_empty(bench, kind, holder):
    queue = bench.work_queue(kind)
    full = queue if holder == "queue" else getattr(queue, holder)
    full.put(b"apple")
    declare(bench, queue.name, "--delete", "--if-empty").assert_error(1, f"'{full.name}'", "1 item")
    assert len(there(queue)) == 4
    assert full.take()[2] == b"apple"
    assert declare(bench, queue.name, "--delete", "--if-empty").status == 0
    assert there(queue) == []


# What run and manifest do without one of them


def cure(queue):
    return f"'amqp-job declare {queue.name}'"


@pytest.mark.parametrize("options", [(), ("--max-attempts", "3"), ("--drain",)])
def test_a_queue_whose_dead_letter_queue_is_gone_is_refused_before_an_item_is_taken(bench, kind, options):
    queue = bench.work_queue(kind, b"apple")
    queue.dead.delete()
    bench.run("-q", queue.name, *options, worker=["false"]).assert_error(78, queue.dead.name, "would drop what it dead-letters", cure(queue))
    manifests.run(bench, "job", queue=queue.name, url=True).assert_error(78, queue.dead.name, "would drop what it dead-letters", cure(queue))
    queue.assert_untouched()


def test_a_queue_whose_retry_queue_is_gone_is_served_with_a_warning(bench, kind):
    queue = bench.work_queue(kind, b"apple")
    queue.retry.delete()
    job = manifests.run(bench, "job", queue=queue.name, url=True)
    assert job.status == 0 and queue.retry.name in job.stderr and cure(queue) in job.stderr, job
    result = bench.run("-q", queue.name, worker=["cat"])
    assert (result.status, result.stdout, len(result.lines)) == (0, b"apple", 1), result
    assert queue.retry.name in result.stderr and cure(queue) in result.stderr, result


def test_a_queue_that_is_called_declared_and_is_not_can_be_served_without_that_option(bench, kind):
    queue = bench.queue(kind, b"apple")
    result = bench.run("-q", queue.name, "--assume", "declared", worker=["cat"])
    result.assert_error(78, cure(queue), "leave out --assume")
    assert bench.run("-q", queue.name, worker=["cat"]).stdout == b"apple"
