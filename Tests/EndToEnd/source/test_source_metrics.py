"""`amqp-job publish --from --metrics`: what a publisher tells of itself over HTTP."""

import signal

import pytest

from support.metrics import Metrics, get, port_of, wait_for
from support.processes import wait_until

pytestmark = pytest.mark.any_broker


def test_the_active_publisher_answers_at_the_address_of_its_candidate(publishers, source):
    source.set("a", "b")
    publisher = publishers.start(source.url, "--metrics", "127.0.0.1:0")
    port, queue = port_of(publisher), {"messaging_destination_name": publishers.queue.name}
    wait_for(port, "messaging_client_sent_messages_total", 2, messaging_operation_name="publish", **queue)
    metrics = Metrics(port)
    assert metrics.value("amqp_job_source_polls_total", outcome="success", **queue) >= 1
    assert metrics.value("amqp_job_source_names", **queue) == 2
    assert metrics.value("amqp_job_source_last_success_timestamp_seconds", **queue) > 0
    assert metrics.value("amqp_job_leader", **queue) == 1 and metrics.value("amqp_job_leader_epoch", **queue) == 1
    source.responses["/items"] = (500, b"no")
    wait_until(
        lambda: Metrics(port).value("amqp_job_source_polls_total", outcome="failure", **queue), what="a failure")
    assert get(port, "/readyz")[0] == 200
    publishers.end(publisher)


def test_a_standby_answers_until_it_is_active(publishers, source):
    source.set("a")
    first = publishers.start(source.url, name="pod-a")
    publishers.wait_for("a")
    second = publishers.start(source.url, "--metrics", "127.0.0.1:0", name="pod-b")
    wait_until(lambda: "'pod-a' leads" in second.stderr, what="a standby")
    port, queue = port_of(second), {"messaging_destination_name": publishers.queue.name}
    wait_for(port, "amqp_job_leader_epoch", 1, **queue)
    assert Metrics(port).value("amqp_job_leader", **queue) == 0
    first.send(signal.SIGTERM)
    assert first.finish().status == 0
    source.set("a", "b")
    wait_for(port, "messaging_client_sent_messages_total", 1, **queue)
    assert Metrics(port).value("amqp_job_leader_epoch", **queue) == 2
    publishers.end(second)
