"""The traces of amqp-job run: a span for each item, over OpenTelemetry's protocol."""

import os
import signal
import time

import pytest

from support import tls
from support.collector import CONSUMER, ERROR, Collector
from support.processes import wait_until
from support.sockets import refusing_port
from support.steps import Steps

pytestmark = pytest.mark.any_broker

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"


@pytest.fixture
def collect(bench):
    """Makes a collector: collect(*statuses, certificate=None)."""

    def make(*statuses, **options):
        made = Collector(*statuses, **options)
        bench.closers.append(made.close)
        return made

    return make


def settings(collector, **more):
    """Spans are sent at once."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": getattr(collector, "url", collector), "OTEL_BSP_SCHEDULE_DELAY": "0", **more}


def lines_about(result, *words):
    return [line for line in result.lines if all(word in line for word in words)]


def run_until(bench, condition, *options, **more):
    """Runs until the collector has got what it is to get. The end of a runner does not wait for it for long."""
    runner = bench.start("--forever", *options, **more)
    wait_until(condition, what="what the collector is to get")
    runner.send(signal.SIGTERM)
    result = runner.finish()
    assert result.status == 0, result
    return result


def spans_of(bench, collector, count, *options, **more):
    run_until(bench, lambda: len(collector.spans) >= count, *options, **more)
    assert len(collector.spans) == count
    return collector.spans


def test_each_item_has_a_span_and_its_worker_a_parent(bench, collect):
    collector, queue = collect(), bench.work_queue()
    queue.put(b"apple", message_id="m-1", headers={"traceparent": SAMPLED, "tracestate": "a=1"})
    worker = bench.worker("read")
    began = time.time()
    env = settings(collector, OTEL_SERVICE_NAME="fruits", OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test")
    (span,) = spans_of(bench, collector, 1, "-q", queue.name, worker=worker, env=env)
    assert (span.name, span.kind, span.trace, span.parent) == (f"process {queue.name}", CONSUMER, TRACE, PARENT)
    assert worker.environment["TRACEPARENT"] == f"00-{TRACE}-{span.id}-01"
    assert worker.environment["TRACESTATE"] == span.content["traceState"] == "a=1"
    assert worker.environment["OTEL_SERVICE_NAME"] == "fruits"
    assert began - 1 <= span.start <= span.end <= time.time() + 1
    assert span.status == {}
    expected = {
        "messaging.system": "rabbitmq", "messaging.operation.name": "process", "messaging.operation.type": "process",
        "messaging.destination.name": queue.name, "messaging.message.id": "m-1", "messaging.message.body.size": 5,
        "messaging.rabbitmq.destination.routing_key": queue.name, "amqp_job.attempt": 1, "amqp_job.settlement": "acked",
        "process.exit.code": 0}
    assert expected.items() <= span.attributes.items()
    assert span.resource["service.name"] == "fruits" and span.resource["deployment.environment.name"] == "test"


def test_what_failed_is_an_error_and_each_attempt_has_a_span(bench, collect):
    collector, queue = collect(), bench.work_queue()
    queue.put(b"3", b"KILL")
    script = bench.script('item=$(cat); [ "$item" != KILL ] || kill -KILL $$; exit "$item"')
    options = ("-q", queue.name, "--max-attempts", "2", "--retry-delay", "0")
    spans = spans_of(bench, collector, 4, *options, worker=script, env=settings(collector))
    ends = sorted((span.attributes["error.type"], span.attributes["amqp_job.attempt"],
                   span.attributes["amqp_job.settlement"], span.status["code"]) for span in spans)
    assert ends == [(kind, attempt, settlement, ERROR) for kind in ("failed", "killed")
                    for attempt, settlement in ((1, "retried"), (2, "dead-lettered"))]
    assert {span.parent for span in spans} == {None} and len({span.trace for span in spans}) == 4


@pytest.mark.parametrize("header, has_span", [("00-not-valid", True), (UNSAMPLED, False)])
def test_an_invalid_parent_is_none_and_an_unsampled_one_has_no_children(bench, collect, header, has_span):
    collector, queue = collect(), bench.queue()
    queue.put(b"apple", headers={"traceparent": header, "tracestate": "a=1"})
    queue.put(b"pear")
    worker = bench.worker()
    spans = spans_of(bench, collector, 1 + has_span, "-q", queue.name, worker=worker, env=settings(collector))
    first, second = (event["environment"] for event in worker.events("start"))
    assert {span.parent for span in spans} == {None}
    assert second["TRACEPARENT"].split("-")[2] in {span.id for span in spans}
    if has_span:
        assert first["TRACEPARENT"].split("-")[2] in {span.id for span in spans} and "TRACESTATE" not in first
    else:
        assert (first["TRACEPARENT"], first["TRACESTATE"]) == (UNSAMPLED, "a=1")


def test_many_items_have_a_span_each(bench, collect):
    collector, queue = collect(), bench.queue("quorum", *(b"item" for _ in range(40)))
    spans = spans_of(bench, collector, 40, "-q", queue.name, "-j", "4", worker=["true"], env=settings(collector))
    assert len({span.id for span in spans}) == 40


def test_the_last_span_is_sent_at_the_end_or_told_to_be_lost(bench, collect):
    """The end waits for a short time only, which a busy machine may need for other things."""
    collector, queue = collect(), bench.queue("quorum", b"apple")
    result = bench.run("-q", queue.name, worker=["true"], env=settings(collector, OTEL_BSP_SCHEDULE_DELAY="60000"))
    assert result.status == 0
    lost = lines_about(result, "1 span", "dropped", "by the end of the program")
    assert len(collector.spans) == 1 or len(lost) == 1, result
    assert result.lines == lost


# Collectors that fail


@pytest.mark.parametrize("status, sent, is_lost", [(503, 2, False), (500, 1, True), (401, 1, True)])
def test_a_collector_that_does_not_take_spans(bench, collect, status, sent, is_lost):
    """Some answers ask for the same request again."""
    collector, queue = collect(status), bench.queue("quorum", b"apple")
    result = run_until(
        bench, lambda: len(collector.requests) >= sent, "-q", queue.name, worker=["true"], env=settings(collector))
    assert [each for each, _, _ in collector.requests] == [status, 200][:sent] and queue.depth() == 0
    assert len(lines_about(result, "1 span", "dropped", f"it answers {status}")) == is_lost, result
    assert len(lines_about(result, "dropped")) == is_lost, result


def test_a_collector_that_is_not_there(bench):
    queue = bench.queue("quorum", b"apple")
    env = settings(f"http://127.0.0.1:{refusing_port(bench)}")
    result = bench.run("-q", queue.name, worker=["true"], env=env)
    assert result.status == 0 and queue.depth() == 0
    assert len(result.lines) == len(lines_about(result, "1 span", "dropped")) == 1, result


def test_the_end_tells_how_many_were_dropped_in_all(bench, collect):
    collector, queue = collect(*[401] * 5), bench.queue("quorum", *(b"item" for _ in range(5)))
    result = bench.run(
        "-q", queue.name, "-n", "5", worker=["true"], env=settings(collector, OTEL_BSP_SCHEDULE_DELAY="1"))
    assert result.status == 0 and queue.depth() == 0
    dropped = lines_about(result, "dropped")
    assert 1 <= len(dropped) <= 2 and "5 spans" in dropped[-1], result


def test_a_silent_collector_holds_a_runner_up_for_a_second_at_most(bench, collect):
    collector, queue = collect().be_silent(), bench.queue("quorum", *(b"item" for _ in range(6)))
    options = {"worker": ["true"]}
    usual = min(bench.run("-q", queue.name, **options).seconds for _ in range(3))
    results = [bench.run("-q", queue.name, env=settings(collector), **options) for _ in range(3)]
    assert [result.status for result in results] == [0] * 3 and queue.depth() == 0
    assert all(lines_about(result, "1 span", "dropped") for result in results), results
    assert min(result.seconds for result in results) < usual + 1.2
    assert len(collector.requests) == 3


# What is sent, and how


def test_headers_are_sent_and_not_told(bench, collect):
    collector, queue = collect(401), bench.queue("quorum", b"apple")
    env = settings(collector, OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20hush-hush,X-Scope=a")
    log = bench.path("log")
    options = ("-q", queue.name, "-v", "--log-file", log)
    result = run_until(bench, lambda: collector.requests, *options, worker=["true"], env=env)
    ((_, headers, _),) = collector.requests
    assert (headers["Authorization"], headers["X-Scope"]) == ("Bearer hush-hush", "a")
    assert headers["User-Agent"].startswith("amqp-job/")
    assert "hush" not in result.stderr + log.read_text()
    queue.put(b"pear")
    env["OTEL_EXPORTER_OTLP_HEADERS"] = "hush-hush"
    result = bench.run("-q", queue.name, "-v", worker=["true"], env=env)
    assert result.status == 0 and lines_about(result, "no traces", "OTEL_EXPORTER_OTLP_HEADERS"), result
    assert "hush" not in result.stderr


@pytest.mark.parametrize("authority, words", [
    ("ca", None), ("other-ca", "1 span"), ("missing", "OTEL_EXPORTER_OTLP_CERTIFICATE")])
def test_https(bench, collect, authority, words):
    collector, queue = collect(certificate=tls.pem("server")), bench.queue("quorum", b"apple")
    env = settings(collector, OTEL_EXPORTER_OTLP_CERTIFICATE=tls.pem(authority))
    if not words:
        spans_of(bench, collector, 1, "-q", queue.name, worker=["true"], env=env)
        return
    result = bench.run("-q", queue.name, worker=["true"], env=env)
    assert result.status == 0 and collector.requests == []
    assert len(result.lines) == 1 and lines_about(result, words), result


@pytest.mark.parametrize("more, words", [
    ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, ("no traces", "OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")),
    ({"OTEL_SDK_DISABLED": "true"}, ()), ({"OTEL_TRACES_EXPORTER": "none"}, ()),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, ())])
def test_no_traces(bench, collect, more, words):
    """Then nothing is started, and the worker sees what it would see anyway."""
    collector, queue = collect(), bench.queue("quorum")
    queue.put(b"apple", headers={"traceparent": SAMPLED})
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, worker=worker, env=settings(collector, **more))
    worker.wait_for("holding")
    assert len(os.listdir(f"/proc/{runner.pid}/task")) == 1
    assert worker.environment["TRACEPARENT"] == SAMPLED
    worker.go()
    result = runner.finish()
    assert result.status == 0 and collector.requests == []
    assert len(result.lines) == len(lines_about(result, *words)) == bool(words), result


def test_a_step_gets_the_span_too(bench, collect):
    collector, queue, results = collect(), bench.queue("quorum", b"apple"), bench.queue()
    steps = Steps(bench)
    step = steps.start("cut", ["sh", "-c", "echo $TRACEPARENT"])
    options = ("-q", queue.name, *steps.options("cut"), "--result-queue", results.name)
    (span,) = spans_of(bench, collector, 1, *options, env=settings(collector))
    ((_, _, seen),) = results.take_all()
    assert seen.decode() == f"00-{span.trace}-{span.id}-01\n"
    step.send(signal.SIGTERM)
    step.finish()
