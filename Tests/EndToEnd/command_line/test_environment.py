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


@pytest.mark.parametrize("options, variables, names", [
    (["--on-failure", "reject"], {"MAX_ATTEMPTS": "3", "RETRY_DELAY": "1s"},
     ["--max-attempts from AMQP_JOB_MAX_ATTEMPTS", "--retry-delay from AMQP_JOB_RETRY_DELAY", "--on-failure excludes"]),
    ([], {"COUNT": "3", "DRAIN": "true"}, ["--count from AMQP_JOB_COUNT", "--drain from AMQP_JOB_DRAIN", "and --forever"]),
    (["--drain"], {"WHEN_EMPTY": "exit"}, ["--when-empty from AMQP_JOB_WHEN_EMPTY"]),
    ([], {"DRAIN_TIMEOUT": "3s"}, ["--drain-timeout from AMQP_JOB_DRAIN_TIMEOUT"]),
    (["--any-queue"], {"ASSUME": "classic"}, ["--any-queue and --assume from AMQP_JOB_ASSUME"]),
    ([], {"VERBOSE": "true", "QUIET": "true"}, ["--verbose from AMQP_JOB_VERBOSE", "--quiet from AMQP_JOB_QUIET"]),
], ids=str)
def test_a_conflict_names_the_variables(bench, options, variables, names):
    env = {f"AMQP_JOB_{name}": value for name, value in variables.items()}
    bench.run("-q", "any", *options, worker=TRUE, env=env).assert_error(64, *names)


def test_what_the_runner_refuses_names_the_variable(bench):
    queue = bench.queue("quorum", b"apple")
    result = bench.run("-q", queue.name, worker=TRUE, env={"AMQP_JOB_MAX_ATTEMPTS": "3"})
    result.assert_error(78, "--max-attempts from AMQP_JOB_MAX_ATTEMPTS")
    queue.assert_untouched()
    queue.put(b"pear")
    result = bench.run("-q", queue.name, "--timeout", "300ms", worker=["sleep", "60"], env={"AMQP_JOB_TIMEOUT": "9s"})
    result.assert_error(124, "(--timeout)")


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
