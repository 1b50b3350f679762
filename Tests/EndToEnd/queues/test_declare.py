"""amqp-job declare."""

import pytest

from support.declarations import declare, declared


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
    declare(bench, queue.name, "--plain", "--arg", "x-max-length=-5").assert_error(78, "x-max-length")
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
    queue = bench.work_queue(declare=False)
    declare(bench, queue.name, "--exchange", "no-such-exchange", "--routing-key", "x").assert_error(
        66, "no-such-exchange", "nothing was made")
    assert not any(each.exists() for each in queue.family)


def test_reserved_name(bench):
    declare(bench, "amq." + bench.marker, "--plain").assert_error(77, "amq." + bench.marker, "AMQP reserves names")


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
    result = declare(bench, queue.name, "--delete")
    assert result.status == 0 and len(result.lines) == 1 and f"there is no queue '{queue.name}'" in result.stderr, result


def test_delete_warns_of_consumers(bench, kind):
    queue = bench.queue(kind)
    runner = bench.start("-q", queue.name, worker=["true"])
    queue.wait_for_consumer()
    result = declare(bench, queue.name, "--delete")
    assert result.status == 0 and not queue.exists(), result
    assert len(result.lines) == 1 and f"deleted; queue '{queue.name}' had a consumer" in result.lines[0], result
    assert runner.finish().status == 66


def test_delete_if_empty(bench, kind):
    queue = bench.queue(kind, b"apple")
    declare(bench, queue.name, "--delete", "--if-empty").assert_error(
        1, queue.name, "empty", f"'amqp-job run -q {queue.name} --drain -- COMMAND' works on its items")
    queue.assert_untouched()
    assert declare(bench, queue.name, "--delete", "--if-empty").status == 0
    assert not queue.exists()


def test_if_empty_alone(bench):
    declare(bench, "any", "--if-empty").assert_error(64, "--if-empty")


def test_unreachable_broker(bench):
    result = declare(bench, "any", "--plain", "--connect-timeout", "1s", url="amqp://guest:guest@127.0.0.1:1")
    result.assert_error(69, "127.0.0.1")
