"""`amqp-job publish --metrics`: what a publisher that reads its input tells of itself over HTTP."""

import signal
import subprocess

import pytest

from support.metrics import Metrics, get, port_of, wait_for
from support.processes import wait_until
from support.replicas import free_port

pytestmark = pytest.mark.any_broker


def start(bench, *options, **more):
    """Starts a publisher. Returns it with the port of its metrics."""
    publisher = bench.start(
        "--metrics", "127.0.0.1:0", "-v", *options, command="publish", stdin=subprocess.PIPE, **more)
    return publisher, port_of(publisher)


def put(publisher, *lines):
    publisher.process.stdin.write(b"".join(line + b"\n" for line in lines))
    publisher.process.stdin.flush()


def end(publisher):
    publisher.process.stdin.close()
    assert publisher.finish().status == 0


def test_what_was_published(bench):
    queue, proxy = bench.queue("quorum"), bench.proxy()
    publisher, port = start(bench, "-q", queue.name, url=proxy.url)
    sent = {"messaging_system": "rabbitmq", "messaging_operation_name": "publish",
            "messaging_destination_name": queue.name}
    wait_until(lambda: get(port, "/readyz")[0] == 200, what="a connection")
    put(publisher, b"apple", b"pear")
    wait_for(port, "messaging_client_sent_messages_total", 2, **sent)
    assert Metrics(port).value("amqp_job_unconfirmed_items", messaging_destination_name=queue.name) == 0
    assert Metrics(port).value("amqp_job_broker_connected") == 1
    assert get(port, "/healthz")[0] == 200
    proxy.swallow()
    put(publisher, b"plum")
    wait_for(port, "amqp_job_unconfirmed_items", 1, messaging_destination_name=queue.name)
    proxy.cut()
    wait_for(port, "messaging_client_sent_messages_total", 3, **sent)
    assert Metrics(port).value("amqp_job_broker_reconnections_total") == 1
    end(publisher)


def test_without_a_broker_it_is_not_ready(bench):
    proxy = bench.proxy(listen=False)
    publisher, port = start(bench, "-q", "q", url=proxy.url)
    status, _, reason = get(port, "/readyz")
    assert (status, reason) == (503, "the publisher has no connection to the broker\n")
    assert get(port, "/healthz")[0] == 200
    assert Metrics(port).value("amqp_job_broker_connected") == 0
    publisher.send(signal.SIGTERM)
    assert publisher.finish().status == 128 + signal.SIGTERM


def test_while_results_are_awaited_nothing_is_served(bench):
    """The port is free again, so nobody waits for an answer there."""
    queue = bench.queue("quorum")
    publisher, port = start(bench, "-q", queue.name, "--wait")
    put(publisher, b"apple")
    publisher.process.stdin.close()
    queue.assert_back(1)

    def is_refused():
        try:
            get(port, "/healthz")
        except ConnectionError:
            return True
        return False

    wait_until(is_refused, what="a closed port")
    assert publisher.runs()
    publisher.send(signal.SIGTERM)
    assert publisher.finish().status == 128 + signal.SIGTERM


@pytest.mark.parametrize("limit", range(6, 28, 2))
def test_a_lack_of_descriptors_is_said(bench, limit):
    queue = bench.queue("classic")
    result = bench.run(
        "-q", queue.name, "--metrics", f"127.0.0.1:{free_port()}", "apple", command="publish",
        prefix=["prlimit", f"--nofile={limit}"])
    if result.status == 0:
        assert queue.depth() == 1
    else:
        result.assert_error(70 if "refuses what" in result.stderr else 74)


def test_an_exchange_is_named_with_the_routing_key(bench):
    publisher, port = start(bench, "--exchange", "amq.direct", "--routing-key", "fruit.new")
    wait_for(port, "messaging_client_sent_messages_total", 0, messaging_destination_name="amq.direct:fruit.new")
    end(publisher)


def test_an_address_that_another_process_has(bench):
    queue = bench.queue("classic")
    publisher, port = start(bench, "-q", queue.name)
    second = bench.run("-q", queue.name, "--metrics", f"127.0.0.1:{port}", "apple", command="publish")
    second.assert_error(74, f"cannot serve metrics at 127.0.0.1:{port}")
    end(publisher)
    assert queue.depth() == 0
