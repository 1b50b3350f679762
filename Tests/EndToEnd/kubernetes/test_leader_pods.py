"""Applications with a leader: `amqp-job manifest deployment --lead`, and the overlay k8s/lead."""

import re

import pytest

from support import conventions
from support import kubernetes
from support import manifests
from support import overlays
from support.election import Election
from support.processes import wait_until
from support.replicas import Replicas, free_port, replace

ADDRESS = "127.0.0.1:4040"
NAMES = ("planner-a", "planner-b", "planner-c")
EVERYTHING = [
    "--name", "other", "--namespace", "fruits", "--secret", "a.secret", "--tls-secret", "tls", "--token-secret", "token",
    "--env", "A=b", "--env", "AMQP_JOB_LOG_FORMAT=json", "--user", "1000", "--cpu-limit", "2", "--memory", "1Gi",
    "--tmp-size", "2Gi", "--parallelism", "5", "--lease", "10m", "--volume", "claim/models:/models", "--label", "team=fruits",
    "--metrics", ":9464",
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
def test_metrics_of_candidates(bench):
    with_metrics, without = (
        containers(make(bench, "--lead-http", ADDRESS, *options)) for options in (["--metrics", ":9464"], []))
    assert with_metrics["lead"]["args"] == [*without["lead"]["args"][:-1], "--metrics=:9464", f"--http={ADDRESS}"]
    assert with_metrics["lead"]["ports"] == [{"name": "metrics", "containerPort": 9464}]
    assert with_metrics["application"] == without["application"]
    application = containers(make(bench, "--metrics", ":9464"))["application"]
    assert application["command"][-3:] == ["--metrics=:9464", "--", "./planner.py"]
    assert application["ports"] == with_metrics["lead"]["ports"]


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
    ("deployment", ["--lead", "x", "--lead-http", "127.0.0.1:0", "--image", "a"], ["b"], ("--lead-http", "not 0")),
    ("job", ["--lead", "x", "--image", "a"], ["b"], ("--lead", "deployment")),
])
def test_what_does_not_go_together(bench, kind, options, command, words):
    bench.run(kind, *options, *(["--", *command] if command else []), command="manifest", url=None).assert_error(64, *words)


# What the pods do


def alter(containers, election, port=None):
    """Makes them candidates of this election. Each pod has an address of its own in the cluster, and here a port."""
    for each in containers:
        replace(each, {"--lease=": "3s", "--election=": election, "--http=": f"127.0.0.1:{port}"})


def epochs(pod):
    return [int(epoch) for epoch in re.findall(r"planning as the leader, epoch (\d+)", pod.log)]


def planning(replicas):
    return [pod for pod in replicas.pods if epochs(pod)]


def test_only_the_leader_of_the_overlay_plans(bench):
    election = Election(bench)

    def change(spec):
        port = free_port()
        alter([*spec["initContainers"], *spec["containers"]], election.name, port)
        spec["containers"][0]["env"] += [
            {"name": "LEADER_URL", "value": f"http://localhost:{port}"}, {"name": "PERIOD", "value": "0.1"}]

    replicas = Replicas(bench, overlays.objects("lead"), pod_of(overlays.objects("lead")), NAMES, change)
    wait_until(lambda: planning(replicas), what="a leader")
    (first,) = planning(replicas)
    wait_until(lambda: len(epochs(first)) > 20, what="a leader that goes on")
    assert planning(replicas) == [first]
    first.delete()
    replicas.wait_for_end(first)
    assert first.exit_codes == {"planner": 0, "lead": 0}
    wait_until(lambda: len(planning(replicas)) == 2, what="the next leader")
    (second,) = (pod for pod in planning(replicas) if pod is not first)
    assert min(epochs(second)) > max(epochs(first))
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
    replicas = Replicas(bench, found, pod_of(found), NAMES, change)
    wait_until(lambda: planning(replicas), what="a leader")
    (first,) = planning(replicas)
    first.delete()
    wait_until(lambda: len(planning(replicas)) == 2, what="the next leader")
    assert sorted(epochs(pod)[0] for pod in planning(replicas)) == [1, 2]
    replicas.end()
    bench.assert_nothing_left()
