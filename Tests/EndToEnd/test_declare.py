"""amqp-job declare."""

import pika.exceptions
import pytest

from harness import wait_until


def declared(queue, **expected):
    """Whether the broker takes a declaration with exactly this as the same."""
    try:
        queue.client.channel.queue_declare(queue.name, durable=True, arguments=expected or None)
    except pika.exceptions.ChannelClosedByBroker as error:
        raise AssertionError(f"declared otherwise: {error.reply_text}") from None
    return True


def declare(bench, *arguments, **options):
    return bench.run(*arguments, command="declare", **options)


@pytest.mark.parametrize(
    "options, kind", [([], "quorum"), (["--type", "quorum"], "quorum"), (["--type", "classic"], "classic")]
)
def test_declares_a_durable_queue(bench, options, kind):
    queue = bench.name_queue()
    result = declare(bench, queue.name, "--plain", *options)
    assert (result.status, result.stderr) == (0, ""), result
    assert queue.exists()
    assert declared(queue, **{"x-queue-type": kind})


def test_declares_the_same_again(bench):
    queue = bench.name_queue()
    for _ in range(2):
        result = declare(bench, queue.name, "--plain", "--arg", "x-max-length=5")
        assert (result.status, result.stderr) == (0, ""), result
    queue.put(b"apple")
    assert declare(bench, queue.name, "--plain", "--arg", "x-max-length=5").status == 0
    queue.assert_untouched()


def test_declared_otherwise(bench):
    queue = bench.queue("quorum", b"apple")
    declare(bench, queue.name, "--plain", "--type", "classic").assert_error(78, queue.name, "x-queue-type")
    declare(bench, queue.name, "--plain", "--arg", "x-max-length=5").assert_error(78, queue.name, "x-max-length")
    queue.assert_untouched()


def test_not_durable(bench):
    queue = bench.name_queue()
    bench.client.channel.queue_declare(queue.name, durable=False)
    declare(bench, queue.name, "--plain", "--type", "classic").assert_error(78, queue.name, "durable")


def test_arguments(bench):
    queue = bench.name_queue()
    result = declare(
        bench, queue.name, "--plain", "--type", "classic",
        "--arg", "x-max-length=5", "--arg", "x-dead-letter-exchange=", "--arg", "x-dead-letter-routing-key=a=b",
        "--arg", "x-single-active-consumer=true", "--arg", "x-overflow=reject-publish",
    )
    assert result.status == 0, result
    assert declared(queue, **{
        "x-queue-type": "classic", "x-max-length": 5, "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "a=b", "x-single-active-consumer": True, "x-overflow": "reject-publish",
    })


@pytest.mark.parametrize("argument", ["x-max-length", "=5"])
def test_malformed_argument(bench, argument):
    declare(bench, "any", "--plain", "--arg", argument).assert_error(64, "--arg")


def test_argument_that_the_broker_refuses(bench):
    queue = bench.name_queue()
    result = declare(bench, queue.name, "--plain", "--arg", "x-max-length=-5")
    assert result.status in (64, 78), result
    result.assert_error(result.status, "x-max-length")
    assert not queue.exists()


def test_unknown_type(bench):
    declare(bench, "any", "--plain", "--type", "stream").assert_error(64, "stream")


def test_bind(bench):
    queue, exchange = bench.name_queue(), bench.marker
    bench.client.channel.exchange_declare(exchange, "direct")
    try:
        for _ in range(2):
            result = declare(bench, queue.name, "--plain", "--exchange", exchange, "--routing-key", "fruit")
            assert result.status == 0, result
        queue.put(b"apple", exchange=exchange, routing_key="fruit")
        queue.assert_untouched()
    finally:
        bench.client.channel.exchange_delete(exchange)


def test_bind_to_a_missing_exchange(bench):
    queue = bench.name_queue()
    declare(bench, queue.name, "--plain", "--exchange", "no-such-exchange", "--routing-key", "x").assert_error(
        66, "no-such-exchange")


def test_reserved_name(bench):
    result = declare(bench, "amq." + bench.marker, "--plain")
    assert result.status != 0, result
    result.assert_error(result.status, "amq." + bench.marker)


@pytest.mark.parametrize("name", ["", "x" * 256], ids=["empty", "256 bytes"])
def test_impossible_name(bench, name):
    declare(bench, name, "--plain").assert_error(64)


def test_no_name(bench):
    declare(bench, "--plain").assert_error(64)


def test_delete(bench, kind):
    queue = bench.queue(kind, b"apple")
    result = declare(bench, queue.name, "--delete")
    assert result.status == 0, result
    assert not queue.exists()
    declare(bench, queue.name, "--delete").assert_error(66, queue.name)


def test_delete_if_empty(bench, kind):
    queue = bench.queue(kind, b"apple")
    declare(bench, queue.name, "--delete", "--if-empty").assert_error(1, queue.name, "empty")
    queue.assert_untouched()
    assert declare(bench, queue.name, "--delete", "--if-empty").status == 0
    assert not queue.exists()


def test_if_empty_alone(bench):
    declare(bench, "any", "--if-empty").assert_error(64, "--if-empty")


def test_unreachable_broker(bench):
    result = declare(bench, "any", "--plain", "--connect-timeout", "1s", url="amqp://guest:guest@127.0.0.1:1")
    result.assert_error(69, "127.0.0.1")


# With the retry and dead-letter queues

def there(queue):
    """Which of the three queues are there."""
    return [each.name for each in (queue, queue.retry, queue.dead) if each.exists()]


def dead_lettering(target, kind="quorum"):
    safe = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
    return {
        "x-queue-type": kind, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": target,
        **(safe if kind == "quorum" else {}),
    }


def test_declares_three_queues(bench, kind):
    queue = bench.work_queue(kind, options=("--arg", "x-max-length=500"))
    assert declared(queue, **dead_lettering(queue.dead.name, kind), **{"x-max-length": 500})
    assert declared(queue.retry, **dead_lettering(queue.name))
    assert declared(queue.dead, **{"x-queue-type": "quorum", "x-delivery-limit": 1_000_000_000})
    queue.put(b"apple")
    result = declare(bench, queue.name, "--type", kind, "--arg", "x-max-length=500")
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
    """A quorum queue of RabbitMQ 4 drops an item at its 21st return, unless it is told otherwise."""
    queue = bench.work_queue()
    queue.dead.put(b"apple")
    give_back(queue.dead, 30)
    queue.dead.assert_back()


def give_back(queue, times):
    """Takes the item that often, and rejects it, which every version counts."""
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
    kept = f"{queue.name}\t1"
    wait_until(
        lambda: kept in bench.broker.ctl("--quiet", "list_queues", "name", "messages").splitlines(),
        what="the item kept in its queue")
    assert queue.depth() == 0


@pytest.mark.parametrize("other", ["queue", "retry", "dead"])
def test_nothing_is_made_where_one_is_declared_otherwise(bench, other):
    queue = bench.work_queue(declare=False)
    taken = queue if other == "queue" else getattr(queue, other)
    bench.client.channel.queue_declare(taken.name, durable=True, arguments={"x-queue-type": "quorum"})
    declare(bench, queue.name).assert_error(78, f"'{taken.name}'", "--plain", "remove")
    assert there(queue) == [taken.name]


def test_a_plain_queue_stays_alone(bench, kind):
    queue = bench.work_queue(declare=False)
    assert declare(bench, queue.name, "--plain", "--type", kind).status == 0
    declare(bench, queue.name, "--type", kind).assert_error(78, queue.name, "--plain")
    assert there(queue) == [queue.name]


def test_what_is_missing_is_made(bench):
    queue = bench.work_queue()
    queue.dead.delete()
    queue.put(b"apple")
    assert declare(bench, queue.name).status == 0
    assert len(there(queue)) == 3
    queue.assert_untouched()


@pytest.mark.parametrize(
    "name", ["x-dead-letter-exchange", "x-dead-letter-routing-key", "x-dead-letter-strategy", "x-overflow"])
def test_arguments_that_would_lead_elsewhere(bench, name):
    queue = bench.work_queue(declare=False)
    declare(bench, queue.name, "--arg", f"{name}=drop-head").assert_error(64, name, "--plain")
    assert there(queue) == []


def test_a_classic_queue_may_overflow(bench):
    bench.work_queue("classic", options=("--arg", "x-max-length=5", "--arg", "x-overflow=reject-publish"))


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
    declare(bench, queue.name, "--delete").assert_error(66, queue.name)


def test_delete_what_is_left(bench):
    queue = bench.work_queue()
    queue.delete()
    assert declare(bench, queue.name, "--delete").status == 0
    assert there(queue) == []


def test_delete_the_queue_alone(bench):
    queue = bench.work_queue()
    assert declare(bench, queue.name, "--delete", "--plain").status == 0
    assert there(queue) == [queue.retry.name, queue.dead.name]


@pytest.mark.parametrize("holder", ["queue", "retry", "dead"])
def test_delete_if_all_are_empty(bench, kind, holder):
    queue = bench.work_queue(kind)
    full = queue if holder == "queue" else getattr(queue, holder)
    full.put(b"apple")
    declare(bench, queue.name, "--delete", "--if-empty").assert_error(1, f"'{full.name}'", "1 item")
    assert len(there(queue)) == 3
    assert full.take()[2] == b"apple"
    assert declare(bench, queue.name, "--delete", "--if-empty").status == 0
    assert there(queue) == []


# How long a consumer may take

def heeds_consumer_timeout(bench, kind):
    return (3, 12) <= bench.broker.version and (kind == "quorum" or bench.broker.version < (4, 3))


def test_consumer_timeout(bench, kind):
    queue = bench.work_queue(declare=False)
    result = declare(bench, queue.name, "--type", kind, "--consumer-timeout", "2m")
    assert result.status == 0, result
    heeds = heeds_consumer_timeout(bench, kind)
    if heeds:
        assert result.stderr == ""
    else:
        assert len(result.lines) == 1 and "consumer timeout" in result.stderr and queue.name in result.stderr, result
    assert declared(queue, **dead_lettering(queue.dead.name, kind), **({"x-consumer-timeout": 120_000} if heeds else {}))


@pytest.mark.limit(120)
def test_consumer_timeout_is_kept(bench, kind):
    """Where the broker heeds it, it takes an item back from a consumer that is too slow."""
    if not heeds_consumer_timeout(bench, kind):
        pytest.skip("this broker does not heed it")
    queue = bench.work_queue(kind, options=("--consumer-timeout", "1s"))
    queue.put(b"apple")
    runner = bench.start("-q", queue.name, worker=["sleep", "100"])
    queue.wait_for_consumer()
    assert runner.finish(90).status == 76
    queue.assert_back()


@pytest.mark.parametrize("options", [
    ["--consumer-timeout", "0"], ["--consumer-timeout", "soon"], ["--arg", "x-consumer-timeout=60000"],
    ["--delete", "--consumer-timeout", "1m"],
], ids=" ".join)
def test_impossible_consumer_timeout(bench, options):
    declare(bench, "any", *options).assert_error(64, "--consumer-timeout")
