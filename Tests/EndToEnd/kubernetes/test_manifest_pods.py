"""amqp-job manifest: what pods have beside their worker."""

import pytest

from support.manifests import KINDS, SERVICES, arguments, container, make, pod, templates

pytestmark = pytest.mark.any_broker


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_without_the_runner(bench, kind):
    found = make(bench, kind, "--inject")
    (install,) = pod(kind, found)["initContainers"]
    assert install["image"] == "amqp-job:1" and "command" not in install
    assert install["args"] == ["install", "/opt/amqp-job"]
    (mount,) = install["volumeMounts"]
    assert not mount.get("readOnly")
    worker = container(kind, found)
    assert worker["command"][0] == "/opt/amqp-job/amqp-job"
    assert {**mount, "readOnly": True} in worker["volumeMounts"]
    (volume,) = [each for each in pod(kind, found)["volumes"] if each["name"] == mount["name"]]
    assert "emptyDir" in volume

    found = make(bench, kind, "--inject", "image-volume", "--runner-image", "example/runner:2")
    assert "initContainers" not in pod(kind, found)
    worker = container(kind, found)
    assert worker["command"][0] == "/opt/amqp-job/amqp-job"
    assert {**mount, "readOnly": True} in worker["volumeMounts"]
    assert {"name": mount["name"], "image": {"reference": "example/runner:2"}} in pod(kind, found)["volumes"]

    found = make(bench, kind)
    assert container(kind, found)["command"][0] == "amqp-job" and len(pod(kind, found)["volumes"]) == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("injection", [[], ["--inject"]], ids=str)
def test_an_authority_for_tls(bench, kind, injection):
    found = make(bench, kind, "--tls-secret", "broker-tls", *injection)
    worker = container(kind, found)
    assert {"name": "AMQP_JOB_TLS_CA", "value": "/etc/amqp-job/tls/ca.crt"} in worker["env"]
    assert {"name": "tls", "mountPath": "/etc/amqp-job/tls", "readOnly": True} in worker["volumeMounts"]
    assert {"name": "tls", "secret": {"secretName": "broker-tls"}} in pod(kind, found)["volumes"]
    if kind.startswith("scaled"):
        (authentication,) = (each for each in found if each["kind"] == "TriggerAuthentication")
        assert authentication["spec"]["secretTargetRef"][1:] == [
            {"parameter": "tls", "name": "broker-tls", "key": "tls"},
            {"parameter": "ca", "name": "broker-tls", "key": "ca.crt"}]


@pytest.mark.parametrize("kind", KINDS)
def test_labels_and_annotations(bench, kind):
    found = make(
        bench, kind, "--label", "team=fruits", "--label", "example.com/tier=", "--annotation", "A.b/note=1 = one\n")
    plain = make(bench, kind)
    for each, without in zip([*found, *templates(kind, found)], [*plain, *templates(kind, plain)], strict=True):
        labels = without["metadata"]["labels"]
        assert each["metadata"]["labels"] == {**labels, "team": "fruits", "example.com/tier": ""}
        assert each["metadata"]["annotations"] == {"A.b/note": "1 = one\n"} and "annotations" not in without["metadata"]
    if kind in SERVICES:
        assert found[0]["spec"]["selector"] == plain[0]["spec"]["selector"]


@pytest.mark.parametrize("kind", KINDS)
def test_where_and_as_whom_pods_run(bench, kind):
    spec = pod(kind, make(
        bench, kind, "--pull-secret", "a", "--pull-secret", "b", "--service-account", "worker", "--node-selector",
        "disk=ssd", "--toleration", "gpu", "--toleration", "a=b:NoSchedule"))
    assert spec["imagePullSecrets"] == [{"name": "a"}, {"name": "b"}]
    assert spec["serviceAccountName"] == "worker" and "automountServiceAccountToken" not in spec
    assert spec["nodeSelector"] == {"disk": "ssd"}
    assert spec["tolerations"] == [
        {"key": "gpu", "operator": "Exists"},
        {"key": "a", "operator": "Equal", "value": "b", "effect": "NoSchedule"}]


@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_on_the_processor(bench, kind):
    """Every container has limits. A quota for limits refuses pods without them."""
    found = make(bench, kind, "--cpu-limit", "50m", "--inject")
    (install,), worker = pod(kind, found)["initContainers"], container(kind, found)
    assert [each["resources"]["limits"]["cpu"] for each in (install, worker)] == ["50m", "50m"]
    assert [each["resources"]["requests"]["cpu"] for each in (install, worker)] == ["10m", "50m"]


@pytest.mark.parametrize("kind", KINDS)
def test_volumes(bench, kind):
    found = make(
        bench, kind, "--volume", "claim/models:/models", "--volume", "configmap/a.b:/etc/worker", "--volume",
        "secret/key:/key", "--volume", "claim/models:/old:ro", "--inject")
    mounts = [mount for mount in container(kind, found)["volumeMounts"] if mount["name"].startswith("volume-")]
    assert mounts == [
        {"name": "volume-1", "mountPath": "/models"},
        {"name": "volume-2", "mountPath": "/etc/worker", "readOnly": True},
        {"name": "volume-3", "mountPath": "/key", "readOnly": True},
        {"name": "volume-1", "mountPath": "/old", "readOnly": True}]
    assert pod(kind, found)["volumes"][-3:] == [
        {"name": "volume-1", "persistentVolumeClaim": {"claimName": "models"}},
        {"name": "volume-2", "configMap": {"name": "a.b"}}, {"name": "volume-3", "secret": {"secretName": "key"}}]
    assert len(pod(kind, found)["initContainers"][0]["volumeMounts"]) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_metrics(bench, kind):
    found = make(bench, kind, "--metrics", ":9464")
    assert "--metrics=:9464" in arguments(kind, found)
    assert container(kind, found)["ports"] == [{"name": "metrics", "containerPort": 9464}]
    found = make(bench, kind)
    assert not any("metrics" in word for word in arguments(kind, found)) and "ports" not in container(kind, found)
