"""`amqp-job run --metrics`: what a runner tells of itself over HTTP."""

import signal
import time

import pytest

from support.metrics import Metrics, get, port_of, wait_for
from support.processes import wait_until

pytestmark = pytest.mark.any_broker


def start(bench, queue, *options, **more):
    """Starts a runner. Returns it with the port of its metrics."""
    runner = bench.start("-q", queue.name, "--forever", "--metrics", "127.0.0.1:0", "-v", *options, **more)
    return runner, port_of(runner)


def end(runner):
    runner.send(signal.SIGTERM)
    assert runner.finish().status == 0


def test_what_became_of_the_items(bench):
    queue = bench.work_queue()
    now = int(time.time())
    for body in (b"0", b"0", b"3"):
        queue.put(body, timestamp=now - 100)
    worker = bench.script('exit "$(cat)"')
    runner, port = start(bench, queue, "--max-attempts", "2", "--retry-delay", "0", "-j", "2", worker=worker)
    name = {"messaging_destination_name": queue.name}
    wait_for(port, "amqp_job_settled_items_total", 1, settlement="dead-lettered", **name)
    wait_for(port, "amqp_job_settled_items_total", 2, settlement="acked", **name)
    metrics = Metrics(port)
    assert metrics.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    system = {"messaging_system": "rabbitmq", **name}
    assert metrics.value("amqp_job_settled_items_total", settlement="retried", **name) == 1
    assert metrics.value("messaging_client_consumed_messages_total", messaging_operation_name="consume", **system) == 4
    duration = "messaging_process_duration_seconds_count"
    assert metrics.value(duration, error_type="failed", **system) == 2
    assert sum(value for (sample, _), value in metrics.samples.items() if sample == duration) == 4
    assert metrics.value("amqp_job_item_attempts_count", **name) == 3
    assert metrics.value("amqp_job_item_wait_seconds_count", **name) == 3
    assert metrics.value("amqp_job_item_wait_seconds_bucket", le="60.0", **name) == 0
    assert metrics.value("amqp_job_workers") == 2 and metrics.value("amqp_job_workers_busy") == 0
    assert 0 <= time.time() - metrics.value("process_start_time_seconds") < 600
    end(runner)


def test_a_busy_runner_tells_so(bench):
    queue, worker = bench.queue("quorum", b"a"), bench.worker("hold")
    runner, port = start(bench, queue, worker=worker)
    wait_for(port, "amqp_job_workers_busy", 1)
    worker.wait_for("holding")
    worker.go()
    wait_for(port, "amqp_job_workers_busy", 0)
    end(runner)


def test_a_lost_connection_shows(bench):
    queue, proxy = bench.queue(), bench.proxy()
    runner, port = start(bench, queue, url=proxy.url, worker=["true"])
    wait_for(port, "amqp_job_broker_connected", 1)
    wait_until(lambda: get(port, "/readyz")[0] == 200, what="a runner that is ready")
    proxy.freeze()
    proxy.cut()
    wait_until(lambda: get(port, "/readyz")[0] == 503, what="a runner that is not ready")
    assert get(port, "/healthz")[0] == 200
    assert Metrics(port).value("amqp_job_broker_connected") == 0
    proxy.thaw()
    wait_until(lambda: get(port, "/readyz")[0] == 200, what="a runner that is ready again")
    wait_for(port, "amqp_job_broker_reconnections_total", 1)
    end(runner)


def test_the_probes_of_a_runner(bench):
    queue = bench.queue()
    runner, port = start(bench, queue, worker=["true"])
    assert get(port, "/healthz") == (200, "text/plain; charset=utf-8", "ok\n")
    assert get(port, "/other")[0] == 404
    end(runner)
    with pytest.raises(ConnectionRefusedError):
        get(port, "/healthz")


def test_an_address_that_cannot_be_had(bench):
    queue = bench.queue("quorum", b"a")
    runner, port = start(bench, queue, worker=["true"])
    result = bench.run("-q", queue.name, "--metrics", f"127.0.0.1:{port}", worker=["true"])
    result.assert_error(74, f"cannot serve metrics at 127.0.0.1:{port}: Address already in use; name another port")
    end(runner)
