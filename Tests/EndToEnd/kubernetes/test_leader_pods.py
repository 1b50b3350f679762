"""Applications with a leader: `amqp-job manifest deployment --lead`, and the overlay k8s/lead."""

import copy
import re
import socket
import threading

import pytest

from support import conventions
from support import kubernetes
from support import manifests
from support import overlays
from support import pods
from support.election import Election
from support.processes import wait_until

ADDRESS = "127.0.0.1:4040"
EVERYTHING = [
    "--name", "other", "--namespace", "fruits", "--secret", "a.secret", "--tls-secret", "tls", "--token-secret", "token",
    "--env", "A=b", "--env", "AMQP_JOB_LOG_FORMAT=json", "--user", "1000", "--cpu-limit", "2", "--memory", "1Gi",
    "--tmp-size", "2Gi", "--parallelism", "5", "--lease", "10m", "--volume", "claim/models:/models", "--label", "team=fruits",
]


def make(bench, *options, command=("./planner.py",)):
    words = ["deployment", "--lead", "planner", "--image", "example/planner:1", *options, *(["--", *command] if command else [])]
    return manifests.objects(bench.run(*words, command="manifest", url=None))


def pod_of(objects):
    (deployment,) = (each for each in objects if each["kind"] == "Deployment")
    return deployment["spec"]["template"]["spec"]


def containers(objects):
    """{name: container}, in the order in which they start."""
    spec = pod_of(objects)
    return {each["name"]: each for each in [*spec.get("initContainers", []), *spec["containers"]]}


def secret_names(container):
    return {each["valueFrom"]["secretKeyRef"]["name"] for each in container["env"] if "secretKeyRef" in each.get("valueFrom", {})}


# What is written


@pytest.mark.any_broker
@pytest.mark.parametrize("options, names", [
    ([], ["application"]), (["--inject"], ["install", "application"]), (["--inject=image-volume"], ["application"]),
    (["--lead-http", ADDRESS], ["lead", "application"]), (["--inject", *EVERYTHING], ["install", "application"]),
    (["--lead-http", ADDRESS, *EVERYTHING], ["lead", "application"]),
], ids=["in the image", "init", "image volume", "sidecar", "everything", "everything with a sidecar"])
def test_the_objects_keep_to_the_conventions(bench, options, names):
    found = make(bench, *options)
    assert [each["kind"] for each in found] == ["Deployment"]
    assert conventions.violations(found) == []
    assert list(containers(found)) == names


@pytest.mark.any_broker
def test_a_command_that_runs_in_the_leader_s_pod(bench):
    found = make(bench, "--inject", "--lease", "10m", "--tls-secret", "tls")
    (deployment,) = found
    assert deployment["spec"]["replicas"] == 3 and deployment["metadata"]["name"] == "planner"
    application = containers(found)["application"]
    assert application["command"] == [
        "/opt/amqp-job/amqp-job", "lead", "--election=planner", "--lease=600s", "--", "./planner.py"]
    assert secret_names(application) == {"rabbitmq"}
    assert {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}} in application["env"]
    # The grace of the command is a third of the lease.
    assert pod_of(found)["terminationGracePeriodSeconds"] > 200


@pytest.mark.any_broker
def test_an_application_beside_a_sidecar(bench):
    found = containers(make(bench, "--lead-http", ADDRESS, "--env", "A=b", "--env", "AMQP_JOB_GRACE=2s", command=()))
    lead, application = found["lead"], found["application"]
    assert lead["args"] == ["lead", "--election=planner", "--lease=15s", f"--http={ADDRESS}"]
    assert lead["restartPolicy"] == "Always" and lead["image"] == "amqp-job:1"
    assert "command" not in application and secret_names(application) == set()
    assert [each["name"] for each in application["env"]] == ["POD_NAME", "A"]
    assert [each["name"] for each in lead["env"]] == ["BROKER_URL", "POD_NAME", "AMQP_JOB_GRACE"]


@pytest.mark.any_broker
@pytest.mark.parametrize("kind, options, command, words", [
    ("deployment", ["--lead", "x", "--image", "a", "--queue", "q"], ["b"], ("--queue", "does not go with --lead")),
    ("deployment", ["--lead", "x", "--image", "a", "--max-attempts", "2"], ["b"], ("--max-attempts", "--lead")),
    ("deployment", ["--lead", "x", "--image", "a", "--target", "2"], ["b"], ("--target", "--lead")),
    ("deployment", ["--lead", "x", "--image", "a", "--step", "a b c"], ["b"], ("--step", "--lead")),
    ("deployment", ["--lead", "x", "--image", "a"], [], ("COMMAND", "--lead-http")),
    ("deployment", ["--lead", "x"], ["b"], ("--image is missing",)),
    ("deployment", ["--lead", "x", "--image", "a", "--inject", "--lead-http", ADDRESS], ["b"], ("--inject", "--lead-http")),
    ("deployment", ["--lead", "x", "--image", "a", "--runner-image", "r"], ["b"], ("--runner-image", "--lead-http")),
    ("deployment", ["--lead", "x", "--image", "a", "--env", "POD_NAME=b"], ["b"], ("POD_NAME", "not for you")),
    ("deployment", ["--lead-http", ADDRESS, "--image", "a", "--queue", "q"], ["b"], ("--lead-http", "--lead")),
    ("deployment", ["--lead", "x", "--lease", "1s", "--image", "a"], ["b"], ("--lease", "3s")),
    ("job", ["--lead", "x", "--image", "a"], ["b"], ("--lead", "deployment")),
])
def test_what_does_not_go_together(bench, kind, options, command, words):
    bench.run(kind, *options, *(["--", *command] if command else []), command="manifest", url=None).assert_error(64, *words)


# What the pods do


class Replicas:
    """The pods of a Deployment, without its controller."""

    def __init__(self, bench, objects, change):
        template = pod_of(objects)
        secret = {"BROKER_URL": bench.broker.url}
        made = [{"kind": "Secret", "metadata": {"name": name}, "stringData": secret} for name in ("example-rabbitmq", "rabbitmq")]
        runner, python = bench.path("images/runner"), bench.path("images/python")
        runner.mkdir(parents=True)
        python.mkdir()
        (runner / "amqp-job").symlink_to(bench.binary)
        images = {
            "amqp-job:1": pods.Image(runner, ("/amqp-job",)), "python:3.13-alpine": pods.Image(python),
            "example/planner:1": pods.Image(python),
        }
        node = pods.Node(bench.path("node"), bench.environment(), images, [*objects, *made])
        self.pods, self.ended = [], {}
        for name in ("planner-a", "planner-b", "planner-c"):
            spec = copy.deepcopy(template) | {"restartPolicy": "Never"}
            change(spec)
            self.ended[name] = threading.Event()
            self.pods.append(pods.Pod(node, name, spec, lambda pod: self.ended[pod.name].set()))
        for pod in self.pods:
            pod.start()

    def epochs(self, pod):
        return [int(epoch) for epoch in re.findall(r"planning as the leader, epoch (\d+)", pod.log)]

    def planning(self):
        return [pod for pod in self.pods if self.epochs(pod)]

    def end(self):
        for pod in self.pods:
            pod.delete()
        for pod in self.pods:
            wait_until(self.ended[pod.name].is_set, what=f"the end of {pod.name}")


def alter(containers, election, port=None):
    """Makes them candidates of this election. Each pod has an address of its own in the cluster, and here a port."""
    for each in containers:
        for words in (each.get("args", []), each.get("command", [])):
            words[:] = ["--lease=3s" if word.startswith("--lease=") else word for word in words]
            words[:] = [f"--election={election}" if word.startswith("--election=") else word for word in words]
            words[:] = [f"--http=127.0.0.1:{port}" if word.startswith("--http=") else word for word in words]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_only_the_leader_of_the_overlay_plans(bench):
    election = Election(bench)

    def change(spec):
        port = free_port()
        alter([*spec["initContainers"], *spec["containers"]], election.name, port)
        spec["containers"][0]["env"] += [
            {"name": "LEADER_URL", "value": f"http://localhost:{port}"}, {"name": "PERIOD", "value": "0.1"}]

    replicas = Replicas(bench, overlays.objects("lead"), change)
    wait_until(replicas.planning, what="a leader")
    (first,) = replicas.planning()
    wait_until(lambda: len(replicas.epochs(first)) > 20, what="a leader that goes on")
    assert replicas.planning() == [first]
    first.delete()
    wait_until(replicas.ended[first.name].is_set, what="the end of the leader")
    assert first.exit_codes == {"planner": 0, "lead": 0}
    wait_until(lambda: len(replicas.planning()) == 2, what="the next leader")
    (second,) = (pod for pod in replicas.planning() if pod is not first)
    assert min(replicas.epochs(second)) > max(replicas.epochs(first))
    replicas.end()
    bench.assert_nothing_left()


def test_a_generated_command_runs_in_one_pod(bench):
    election = Election(bench)
    command = ["sh", "-c", 'echo "planning as the leader, epoch $LEADER_EPOCH"; sleep 1000']

    def change(spec):
        alter(spec["containers"], election.name)

    found = kubernetes.load_all(bench.run(
        "deployment", "--lead", "planner", "--image", "example/planner:1", "--inject", "--", *command, command="manifest",
        url=None).stdout.decode())
    replicas = Replicas(bench, found, change)
    wait_until(replicas.planning, what="a leader")
    (first,) = replicas.planning()
    first.delete()
    wait_until(lambda: len(replicas.planning()) == 2, what="the next leader")
    assert sorted(replicas.epochs(pod)[0] for pod in replicas.planning()) == [1, 2]
    replicas.end()
    bench.assert_nothing_left()
