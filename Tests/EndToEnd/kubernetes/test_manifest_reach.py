"""`amqp-job manifest job` where the broker cannot be reached, as on a laptop outside the cluster."""

import signal

import pytest

from support import manifests
from support.processes import wait_until

pytestmark = pytest.mark.any_broker
WITHOUT_ASKING = "--completions N"


def ask(bench, url, *options):
    return manifests.run(bench, "job", "--connect-timeout", "1s", *options, url=url)


@pytest.mark.parametrize("host, words", [
    ("rabbitmq.default.svc:5672", "--namespace default service/rabbitmq 5672:5672"),
    ("rabbitmq.fruits.svc.cluster.local:5673", "--namespace fruits service/rabbitmq 5673:5673"),
    ("rabbitmq-service", "service/rabbitmq-service 5672:5672"),
], ids=str)
def test_a_service_of_the_cluster(bench, host, words):
    result = ask(bench, f"amqp://guest:secret@{host}")
    result.assert_error(69, f"'kubectl port-forward {words}'", "localhost", WITHOUT_ASKING)
    assert "secret" not in result.stderr and "--tls-server-name" not in result.stderr


def test_the_way_there_is_said_at_the_first_failure(bench):
    url = "amqp://guest:secret@rabbitmq.default.svc"
    command = bench.start(
        "job", "--queue", "job1", "--image", "example/worker:1", "--", "true", command="manifest", url=url)
    wait_until(lambda: "kubectl port-forward --namespace default service/rabbitmq 5672:5672" in command.stderr, what="the line")
    assert command.runs()
    command.send(signal.SIGTERM)
    command.finish()


def test_a_service_by_tls(bench):
    """The certificate still names the Service."""
    ask(bench, "amqps://rabbitmq.default.svc").assert_error(
        69, "service/rabbitmq 5671:5671", "--tls-server-name rabbitmq.default.svc")


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:1", "rabbitmq.example.invalid"])
def test_another_host(bench, host):
    result = ask(bench, f"amqp://{host}")
    result.assert_error(69, WITHOUT_ASKING)
    assert "kubectl" not in result.stderr


def test_a_broker_that_answers_is_no_matter_of_reach(bench):
    result = manifests.run(bench, "job", url=bench.broker.url.replace("guest:guest", "guest:wrong"))
    result.assert_error(77)
    assert WITHOUT_ASKING not in result.stderr


def test_the_help_says_so(bench):
    words = " ".join(bench.run("--help-all", command="manifest", url=None).stdout.decode().split())
    assert "kubectl port-forward service/NAME 5672:5672" in words
