"""amqp-job manifest scaledobject --scale-by work: promtool evaluates the query that it writes, on series that are made up."""

import json
import math

import pytest

from support import kubernetes
from support import manifests
from support.prometheus import promtool

pytestmark = pytest.mark.any_broker

URL = "http://prometheus.monitoring.svc:9090"
STEP, LOOK = 15, 600  # seconds between two samples, and until the query is evaluated
SAMPLES = 50
DURATION = "messaging_process_duration_seconds"


def make(bench, *options, queue="job1"):
    """The Deployment and the ScaledObject."""
    found = manifests.objects(
        manifests.run(bench, "scaledobject", "--scale-by", "work", "--prometheus", URL, *options, queue=queue))
    assert [each["kind"] for each in found] == ["Deployment", "ScaledObject"]
    return found


def query(bench, *options, **more):
    (trigger,) = make(bench, *options, **more)[1]["spec"]["triggers"]
    return trigger["metadata"]["query"]


def line(start, rate=0.0):
    """The samples of a value that grows by that much a second."""
    return f"{start}{rate * STEP:+}x{SAMPLES}"


def runner(name, rate, seconds, queue="job1", **labels):
    """The series of a runner that does so many items a second, each in that time."""
    text = ",".join(f'{key}="{value}"' for key, value in
                    {"messaging_destination_name": queue, "instance": name, **labels}.items())
    return {f"{DURATION}_count{{{text}}}": line(0, rate), f"{DURATION}_sum{{{text}}}": line(0, rate * seconds)}


def queue(ready, growth=0.0, held=0, name="job1", prefix="rabbitmq", labels=""):
    """The series of a queue with so many items that are ready when the query is evaluated, and so many that are held."""
    start = ready - growth * LOOK
    text = f'{{vhost="/",queue="{name}"{labels}}}'
    return {
        f"{prefix}_queue_messages_ready{text}": line(start, growth),
        f"{prefix}_queue_messages{text}": line(start + held, growth)}


def formula(arrivals, seconds, waiting=0, parallelism=1, backlog_time=300):
    return math.ceil(round((arrivals / 0.9 + waiting / backlog_time) * seconds / parallelism, 6))


def answer_is(bench, expression, series, expected):
    """`expected` is None for an empty answer."""
    found = [] if expected is None else [{"labels": "{}", "value": expected}]
    path = bench.file("query.yaml", json.dumps({"evaluation_interval": f"{STEP}s", "tests": [{
        "interval": f"{STEP}s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expression, "eval_time": f"{LOOK}s", "exp_samples": found}]}]}))
    promtool("test", "rules", path)


@pytest.mark.parametrize("options, series, expected", [
    ([], {**queue(0, held=6), **runner("a", 4, 1)}, formula(4, 1)),
    ([], {**queue(0, held=12), **runner("a", 2, 1.5), **runner("b", 4, 1.5)}, formula(6, 1.5)),
    ([], {**queue(1200, growth=4, held=10), **runner("a", 10, 1)}, formula(14, 1, waiting=1200)),
    ([], {**queue(500, growth=-2, held=10), **runner("a", 10, 1)}, formula(8, 1, waiting=500)),
    (["--backlog-time", "1m"], {**queue(500, held=10), **runner("a", 10, 1)}, formula(10, 1, waiting=500, backlog_time=60)),
    (["--env", "AMQP_JOB_PARALLELISM=4"], {**queue(9, held=12), **runner("a", 10, 1)}, formula(10, 1, 9, parallelism=4)),
    ([], {**queue(10, held=12), **runner("a", 2, 1), **runner("a", 3, 3, error_type="failed")}, formula(5, 2.2, 10)),
    ([], {**queue(0, growth=-1), **runner("a", 0.5, 1)}, 0),
    ([], {**queue(0), **runner("a", 0, 1)}, 0),
    ([], queue(0), 0),
], ids=[
    "below", "two runners", "above", "worked off", "sooner", "four workers", "failed attempts", "purged", "idle", "never used"])
def test_the_number_of_pods_is_that_of_the_formula(bench, options, series, expected):
    answer_is(bench, query(bench, *options), series, expected)


@pytest.mark.parametrize("options, series, expected", [
    ([], queue(300), 10), (["--service-time", "2500ms"], queue(300), 3),
    # The runners have done one item each, before anybody read their metrics.
    ([], {**queue(300), f'{DURATION}_count{{messaging_destination_name="job1"}}': line(1),
          f'{DURATION}_sum{{messaging_destination_name="job1"}}': line(7)}, 7),
], ids=["assumed", "given", "of all time"])
def test_the_time_of_an_item_while_none_is_done(bench, options, series, expected):
    answer_is(bench, query(bench, *options), series, expected)


@pytest.mark.parametrize("items, parallelism, expected", [(1, 1, 1), (5, 1, 5), (5, 2, 3)])
def test_long_items_get_one_worker_each(bench, items, parallelism, expected):
    """They have come within the last minute, which looks like a rate of one or five a minute."""
    before = (LOOK - 30) // STEP
    samples = f"0x{before - 1} {items}x{SAMPLES - before}"
    series = {name: samples for name in queue(0)}
    options = ["--service-time", "1h", "--env", f"AMQP_JOB_PARALLELISM={parallelism}"]
    answer_is(bench, query(bench, *options), series, expected)


def test_each_item_of_a_batch_takes_as_long_as_the_batch(bench):
    """One item a second in batches of ten, which take ten seconds each, keeps one worker busy."""
    options = ["--batch", "10", "--feed", "lines"]
    answer_is(bench, query(bench, *options), {**queue(0, held=20), **runner("a", 1, 10)}, formula(1, 10, parallelism=10))


def test_a_window_that_holds_one_sample_gives_no_answer(bench):
    """Prometheus reads metrics once a minute unless it is told otherwise."""
    series = {name: " ".join(["_" if n * STEP % 60 else "5" for n in range(SAMPLES)]) for name in queue(0)}
    answer_is(bench, query(bench, "--rate-window", "45s"), series, None)


def test_a_runner_that_is_started_again_counts_on(bench):
    restarted = {name: f"{values.split('x')[0]}x20 {values.split('x')[0]}x{SAMPLES}" for name, values in runner("a", 4, 1).items()}
    answer_is(bench, query(bench), {**queue(0, held=6), **restarted}, formula(4, 1))


def test_without_the_brokers_metrics_there_is_no_answer(bench):
    answer_is(bench, query(bench), {**runner("a", 4, 1), **queue(5, name="other")}, None)


def test_other_queues_do_not_count(bench):
    name = 'a "b" \\ c'
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    series = {
        **queue(0, held=6, name=escaped), **runner("a", 4, 1, queue=escaped), **queue(5000, growth=7),
        **runner("b", 9, 9)}
    answer_is(bench, query(bench, queue=name), series, formula(4, 1))


def test_other_brokers_do_not_count(bench):
    ours, theirs = ',namespace="fruits"', ',namespace="nuts"'
    series = {
        **queue(0, held=6, prefix="rabbitmq_detailed", labels=ours), **runner("a", 4, 1, namespace="fruits"),
        **queue(0, held=900, growth=9, prefix="rabbitmq_detailed", labels=theirs), **runner("b", 9, 9, namespace="nuts")}
    options = ["--metric", "rabbitmq_detailed_queue_messages_ready", "--series-label", "namespace=fruits"]
    answer_is(bench, query(bench, *options), series, formula(4, 1))


@pytest.mark.parametrize("options, port", [([], 9464), (["--metrics", ":9000"], 9000)])
def test_the_pods_serve_metrics(bench, options, port):
    container = manifests.container("scaledobject", make(bench, *options))
    assert f"--metrics=:{port}" in container["command"]
    assert container["ports"] == [{"name": "metrics", "containerPort": port}]


def test_what_keda_scales(bench):
    deployment, scaled = make(bench, "--parallelism", "7")
    spec = scaled["spec"]
    assert spec["scaleTargetRef"] == {"name": deployment["metadata"]["name"]}
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (0, 7)
    (trigger,) = spec["triggers"]
    del trigger["metadata"]["query"]
    assert trigger == {
        "type": "prometheus", "metadata": {"serverAddress": URL, "threshold": "1", "ignoreNullValues": "false"}}
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert behavior == {
        "scaleUp": {"stabilizationWindowSeconds": 0, "policies": [{"type": "Pods", "value": 7, "periodSeconds": 15}]},
        "scaleDown": {"stabilizationWindowSeconds": 300}}
    metadata = {"name": "x"}
    kubernetes.validate({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": {
        "maxReplicas": 7, "scaleTargetRef": {"kind": "Deployment", "name": "x"}, "behavior": behavior}})


@pytest.mark.parametrize("options, text", [
    (["--series-label", "__name__=x"], "without '__' at its start"),
    (["--series-label", "queue=job2"], "it names the queue"),
    (["--series-label", "messaging_destination_name=job2"], "it names the queue"),
    (["--series-label", "vhost=/"], "finds nothing"), (["--series-label", "job=x"], "finds nothing"),
    (["--series-label", "namespace=~x.*"], "--series-label"), (["--series-label", "namespace="], "--series-label"),
    (["--series-label", "namespace=a", "--series-label", "namespace=b"], "--series-label namespace=... is given twice"),
    (["--metrics", "localhost:9464"], "only the pod itself reaches localhost:9464"),
])
def test_what_no_series_can_have(bench, options, text):
    manifests.run(bench, "scaledobject", "--scale-by", "work", "--prometheus", URL, *options).assert_error(64, text)


@pytest.mark.parametrize("url", [
    "prometheus:9090", "http://", "http:///", "http://p:99999", "http://p:x", "http://u:s3cret@p", "http://p/?q=1", "http://a b",
    "http://localhost:9090", "http://127.0.0.1:9090", "http://p:9090/api/v1/query"])
def test_where_no_prometheus_can_be(bench, url):
    result = manifests.run(bench, "scaledobject", "--scale-by", "work", "--prometheus", url)
    result.assert_error(64, "--prometheus")
    assert "s3cret" not in result.stderr
