"""Settings from the environment."""

import pytest

pytestmark = pytest.mark.any_broker

TRUE = ["true"]


def test_settings_from_the_environment(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    result = bench.run(
        url=None, worker=worker,
        env={
            "AMQP_URL": bench.broker.url,
            "AMQP_QUEUE": queue.name,
            "AMQP_JOB_TIMEOUT": "300ms",
            "AMQP_JOB_GRACE": "300ms",
        },
    )
    assert result.status == 124, result
    queue.assert_back()
    result = bench.run(
        url=None, worker=["sh", "-c", "exit 75"],
        env={"BROKER_URL": bench.broker.url, "QUEUE": queue.name, "AMQP_JOB_RAW_STATUS": "true"},
    )
    assert result.status == 75, result
    result = bench.run(
        url=None, worker=["sh", "-c", "exit 75"],
        env={"BROKER_URL": bench.broker.url, "QUEUE": queue.name, "AMQP_JOB_RAW_STATUS": "false"},
    )
    assert result.status == 1, result


def test_the_flag_comes_first(bench):
    queue = bench.queue("quorum", b"apple")
    dead = "amqp://guest:guest@127.0.0.1:1"
    result = bench.run(
        "-q", queue.name, "--timeout", "20s", url=True, worker=TRUE,
        env={
            "AMQP_URL": dead, "BROKER_URL": dead, "AMQP_QUEUE": "other", "QUEUE": "other", "AMQP_JOB_TIMEOUT": "soon",
        },
    )
    assert result.status == 0, result
    queue.assert_empty()


def test_amqp_names_come_before_the_tutorials(bench):
    queue = bench.queue("quorum", b"apple")
    result = bench.run(
        url=None, worker=TRUE,
        env={
            "AMQP_URL": bench.broker.url, "BROKER_URL": "redis://cache",
            "AMQP_QUEUE": queue.name, "QUEUE": "other",
        },
    )
    assert result.status == 0, result
    queue.assert_empty()


def test_what_kubernetes_injects_for_a_service_is_ignored(bench):
    """Kubernetes sets such variables for a Service named `amqp-job-timeout`, or for a Service named `amqp-job` with
    such a port."""
    queue = bench.queue("quorum", b"apple")
    result = bench.run(
        "-q", queue.name, worker=TRUE,
        env={"AMQP_JOB_TIMEOUT": "tcp://10.0.0.1:5672", "AMQP_JOB_PORT": "tcp://10.0.0.1:80"},
    )
    assert result.status == 0, result
    queue.assert_empty()
