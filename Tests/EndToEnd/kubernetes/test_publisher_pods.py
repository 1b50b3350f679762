"""Publishers that follow a source: `amqp-job manifest deployment|cronjob --from`, and the overlay k8s/source."""

import pytest

from support import conventions
from support import manifests
from support import overlays
from support.amqp import Queue
from support.processes import holds_for, wait_until
from support.replicas import Replicas, free_port, replace

ORIGIN = "http://127.0.0.1:8080/fruits"
SERVER = """
import http.server, json, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.rpartition("/")[2]
        found = {"kind": "Item", "apiVersion": "v1", "data": {"fruit": name}}
        if name == "items":
            found = {"kind": "ItemList", "apiVersion": "v1", "items": ["apple", "banana"]}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
EVERYTHING = [
    "--name", "other", "--namespace", "fruits", "--secret", "a.secret", "--tls-secret", "tls", "--token-secret", "token",
    "--env", "A=b", "--env", "AMQP_JOB_LOG_FORMAT=json", "--user", "1000", "--cpu-limit", "2", "--memory", "1Gi",
    "--tmp-size", "2Gi", "--lease", "10m", "--volume", "claim/models:/models", "--label", "team=fruits", "--data-field", "x",
    "--metrics", ":9464",
]
KINDS = {"deployment": ["--every", "1m"], "cronjob": ["--schedule", "@hourly", "--ttl", "1h"]}


def make(bench, kind, *options, command=()):
    words = [kind, "--queue", "job1", *KINDS[kind], *options, *(["--", *command] if command else [])]
    return manifests.objects(bench.run(*words, command="manifest", url=None))


def pod_of(kind, objects):
    (found,) = (each for each in objects if each["kind"].lower() == kind)
    job = found["spec"]["jobTemplate"] if kind == "cronjob" else found
    return job["spec"]["template"]["spec"]


def containers(kind, objects):
    spec = pod_of(kind, objects)
    return {each["name"]: each for each in [*spec.get("initContainers", []), *spec["containers"]]}


# What is written


@pytest.mark.any_broker
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options, command, names", [
    (["--from", "dir:/inbox/*.txt", "--volume", "claim/inbox:/inbox:ro"], [], ["publish"]),
    (["--from", ORIGIN, "--image", "example/source:1"], [], ["source", "publish"]),
    (["--from", ORIGIN, "--image", "example/source:1", *EVERYTHING], ["./serve.py"], ["source", "publish"]),
], ids=["a directory", "a server", "everything"])
def test_the_objects_keep_to_the_conventions(bench, kind, options, command, names):
    found = make(bench, kind, *options, command=command)
    assert [each["kind"].lower() for each in found] == [kind]
    assert conventions.violations(found) == []
    assert list(containers(kind, found)) == names


@pytest.mark.any_broker
def test_a_source_beside_its_publisher(bench):
    found = make(
        bench, "deployment", "--from", ORIGIN, "--image", "example/source:1", "--env", "A=b", "--env", "AMQP_JOB_VERBOSE=1",
        command=["./serve.py"])
    made = containers("deployment", found)
    publish, source = made["publish"], made["source"]
    assert publish["args"] == ["publish", "--queue=job1", f"--from={ORIGIN}", "--every=60s", "--lease=15s"]
    assert [each["name"] for each in publish["env"]] == ["BROKER_URL", "POD_NAME", "AMQP_JOB_VERBOSE"]
    assert source["restartPolicy"] == "Always" and source["command"] == ["./serve.py"]
    assert [each["name"] for each in source["env"]] == ["A"]
    assert found[0]["spec"]["replicas"] == 2


@pytest.mark.any_broker
@pytest.mark.parametrize("kind", KINDS)
def test_metrics_of_publishers(bench, kind):
    made = containers(kind, make(bench, kind, "--from", ORIGIN, "--image", "example/source:1", "--metrics", ":9464"))
    assert made["publish"]["args"][-1] == "--metrics=:9464"
    assert made["publish"]["ports"] == [{"name": "metrics", "containerPort": 9464}]
    assert "ports" not in made["source"]


@pytest.mark.any_broker
@pytest.mark.parametrize("kind, options, command, words", [
    ("deployment", ["--from", "x"], [], ("--from", "no source")),
    ("deployment", ["--from", ORIGIN], ["serve"], ("--image", "missing")),
    ("deployment", ["--from", ORIGIN, "--max-attempts", "2"], [], ("--max-attempts", "--from")),
    ("deployment", ["--from", ORIGIN, "--lead", "x"], [], ("--lead", "--from")),
    ("deployment", ["--from", ORIGIN, "--inject", "--image", "a"], ["b"], ("--inject", "--from")),
    ("deployment", ["--every", "1m", "--image", "a"], ["b"], ("--every", "--from")),
    ("deployment", ["--lease", "1m", "--image", "a"], ["b"], ("--lease", "--lead", "--from")),
    ("cronjob", ["--from", ORIGIN, "--schedule", "@hourly", "--every", "1m"], [], ("--every", "cronjob")),
    ("cronjob", ["--from", ORIGIN], [], ("--schedule",)),
    ("job", ["--from", ORIGIN], [], ("--from", "deployment")),
    ("deployment", ["--from", "command:curl x"], [], ("--from", "no shell")),
    ("deployment", ["--from", "dir:/inbox"], [], ("--from", "--volume")),
    ("deployment", ["--from", "dir:/in", "--volume", "claim/in:/in", "--image", "a"], [], ("--image", "http://127.0.0.1")),
    ("deployment", ["--from", ORIGIN, "--env", "AMQP_JOB_FROM=x"], [], ("AMQP_JOB_FROM", "not for you")),
])
def test_what_does_not_go_together(bench, kind, options, command, words):
    line = [kind, "--queue", "q", *options, *(["--", *command] if command else [])]
    bench.run(*line, command="manifest", url=None).assert_error(64, *words)


@pytest.mark.any_broker
def test_the_objects_stand_beside_those_of_the_workers(bench):
    found = make(bench, "deployment", "--from", ORIGIN, "--image", "example/source:1")
    workers = manifests.make(bench, "deployment", queue="job1")
    assert found[0]["metadata"]["name"] == "job1-source"
    selectors = [each["spec"]["selector"]["matchLabels"] for each in (found[0], workers[0])]
    assert selectors[0] != selectors[1]


# What the pods do


@pytest.fixture
def queue(bench):
    made = bench.queue("quorum")
    bench.queues += [Queue(bench.client, f"{made.name}.source{part}", "quorum") for part in ("", ".election")]
    return made


def start(bench, queue, objects, template, names, change):
    def adapt(spec):
        for each in [*spec.get("initContainers", []), *spec["containers"]]:
            replace(each, {"--queue=": queue.name, "--lease=": "3s", "--every=": "200ms"})
            each["args"] = [queue.name if word == "job1" else word for word in each.get("args", [])]
            if "publish" in each["args"] and not any(word.startswith("--lease=") for word in each["args"]):
                each["args"].append("--lease=3s")
        change(spec)

    return Replicas(bench, objects, template, names, adapt)


def test_the_overlay_publishes_each_file_once(bench):
    queue = bench.work_queue("quorum")
    bench.queues += [Queue(bench.client, f"{queue.name}.source{part}", "quorum") for part in ("", ".election")]
    objects = overlays.objects("source")
    replicas = start(bench, queue, objects, pod_of("deployment", objects), ("inbox-a", "inbox-b"), lambda spec: None)
    wait_until(lambda: queue.depth() == 3, what="three items")
    first = next(pod for pod in replicas.pods if "leading, epoch 1" in pod.log)
    first.delete()
    replicas.wait_for_end(first)
    wait_until(lambda: any("epoch 2" in pod.log for pod in replicas.pods), what="the next publisher")
    holds_for(lambda: queue.depth() == 3, 1, "the same three items")
    replicas.end()
    bench.assert_nothing_left()


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_in_the_pod(bench, queue, kind):
    port = free_port()
    found = make(
        bench, kind, "--from", f"http://127.0.0.1:{port}", "--image", "python:3.13-alpine", "--data-field", "fruit",
        command=["python3", "-c", SERVER, str(port)])
    replicas = start(bench, queue, found, pod_of(kind, found), ("source-a",), lambda spec: None)
    wait_until(lambda: queue.depth() == 2, what="two items")
    if kind == "cronjob":
        replicas.wait_for_end(replicas.pods[0])
        assert replicas.pods[0].phase == "Succeeded"
    assert sorted(body for _, _, body in queue.take_all()) == [b"apple", b"banana"]
    replicas.end()
    bench.assert_nothing_left()
