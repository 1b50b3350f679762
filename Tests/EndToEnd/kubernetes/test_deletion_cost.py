"""run --deletion-cost tells Kubernetes whether the pod works, and manifest --deletion-cost writes what that takes."""

import signal
import socket

import pytest

from support import manifests
from support.pod_server import Pod, PodServer
from support.processes import CAN_ISOLATE, PROMPT, wait_until

pytestmark = pytest.mark.any_broker
in_a_pod = pytest.mark.skipif(not CAN_ISOLATE, reason="making a pod's files takes root, and namespaces")

PATH = "/api/v1/namespaces/fruits/pods/apple-1"


@in_a_pod
def test_a_pod_that_works_costs_more(bench):
    server, queue, worker = PodServer(bench), bench.queue("quorum"), bench.worker("hold")
    pod = Pod(bench, server.port)
    runner = pod.start("-q", queue.name, "--forever", worker=worker)
    wait_until(lambda: server.costs == ["0"], what="a pod that is idle")
    queue.put(b"x")
    wait_until(lambda: server.costs == ["0", "100"], what="a pod that works")
    pod.rotate("second")
    worker.go()
    wait_until(lambda: server.costs == ["0", "100", "0"], what="a pod that is idle again")
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 0
    assert {path for path, _, _ in server.requests} == {PATH}
    assert {headers["Content-Type"] for _, headers, _ in server.requests} == {"application/merge-patch+json"}
    assert [headers["Authorization"] for _, headers, _ in server.requests] == ["Bearer first"] * 2 + ["Bearer second"]


def assert_the_work_goes_on(bench, port, text):
    queue = bench.queue("quorum", b"x")
    runner = Pod(bench, port).start("-q", queue.name, "--forever", worker=["true"])
    wait_until(lambda: text in runner.stderr, what="a word about it")
    queue.put(b"y")
    wait_until(lambda: queue.depth() == 0, what="an empty queue")
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 0
    assert runner.stderr.count("cannot tell Kubernetes what it costs to delete this pod: ") == 1
    queue.assert_empty()


@in_a_pod
@pytest.mark.parametrize("status, text", [(401, "token"), (403, "may not patch pods"), (404, "POD_NAME"), (500, "500")])
def test_a_server_that_refuses(bench, status, text):
    assert_the_work_goes_on(bench, PodServer(bench, status=status).port, text)


@in_a_pod
def test_a_server_that_is_not_to_be_trusted(bench):
    server = PodServer(bench, certificate="elsewhere")
    assert_the_work_goes_on(bench, server.port, "certificate")
    assert server.requests == []


@in_a_pod
def test_a_server_that_is_not_there(bench):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert_the_work_goes_on(bench, nobody.getsockname()[1], "refused")


@in_a_pod
def test_a_server_that_is_silent_holds_nothing_up(bench):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        queue = bench.queue("quorum", b"x")
        runner = Pod(bench, silent.getsockname()[1]).start("-q", queue.name, worker=["true"])
        result = runner.finish(PROMPT)
        assert (result.status, result.stderr) == (0, ""), result
    queue.assert_empty()


@pytest.mark.parametrize("environment, text", [
    ({}, "KUBERNETES_SERVICE_HOST"),
    ({"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}, "service account"),
])
def test_what_is_no_pod(bench, environment, text):
    result = bench.run("-q", "job1", "--deletion-cost", worker=["true"], env=environment)
    result.assert_error(64, "--deletion-cost", text)


ACCESS = ["Role", "RoleBinding"]


@pytest.mark.parametrize("kind", manifests.SERVICES)
@pytest.mark.parametrize("options", [[], ["--namespace", "fruits"], ["--service-account", "mine"], ["--separate-worker"]])
def test_what_the_manifest_writes(bench, kind, options):
    found = manifests.objects(manifests.run(bench, kind, "--deletion-cost", *options))
    account = "mine" if "mine" in options else "job1"
    own = [] if "mine" in options else ["ServiceAccount"]
    assert [each["kind"] for each in found] == own + ACCESS + manifests.OBJECTS[kind]
    role, binding, deployment = found[len(own):len(own) + 3]
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]}]
    namespace = {"namespace": "fruits"} if "fruits" in options else {}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account, **namespace}]
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role["metadata"]["name"]}
    spec = deployment["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == account
    assert spec["automountServiceAccountToken"] is False
    assert own == [] or found[0]["automountServiceAccountToken"] is False
    (runner,) = spec["containers"]
    variables = {each["name"]: each for each in runner["env"]}
    assert variables["AMQP_JOB_DELETION_COST"]["value"] == "true"
    assert variables["POD_NAME"]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert_the_runner_has_the_token(spec, runner)


def assert_the_runner_has_the_token(spec, runner):
    """No other container has it."""
    place = "/var/run/secrets/kubernetes.io/serviceaccount"
    (mount,) = (each for each in runner["volumeMounts"] if each["mountPath"] == place)
    (volume,) = (each for each in spec["volumes"] if each["name"] == mount["name"])
    files = [source for source in volume["projected"]["sources"]]
    assert [next(iter(source)) for source in files] == ["serviceAccountToken", "configMap", "downwardAPI"]
    for other in spec.get("initContainers", []):
        assert mount["name"] not in {each["name"] for each in other["volumeMounts"]}


def test_without_it_there_is_no_role(bench):
    assert not set(ACCESS) & {each["kind"] for each in manifests.make(bench, "deployment")}


@pytest.mark.parametrize("kind, options, text", [
    ("job", [], "--deletion-cost goes with deployment, scaledobject"), ("deployment", ["--env", "POD_NAME=x"], "POD_NAME"),
])
def test_bad_usage(bench, kind, options, text):
    manifests.run(bench, kind, "--deletion-cost", *options).assert_error(64, text)
