"""amqp-job manifest broker."""

import re
import urllib.parse

import pytest

from support import manifests

pytestmark = pytest.mark.any_broker


def make(bench, *options):
    found = manifests.objects(bench.run("broker", *options, command="manifest", url=None))
    assert [each["kind"] for each in found] == manifests.OBJECTS["broker"]
    return found


@pytest.mark.parametrize("options", [
    [], ["--name", "queues"], ["--namespace", "fruits"], ["--secret", "a.secret"], ["--image", "rabbitmq:3.13"],
    ["--cpu", "1"], ["--memory", "2Gi"], ["--memory-limit", "2Gi"], ["--storage", "10Gi"],
], ids=" ".join)
def test_its_parts_fit(bench, options):
    value = dict([options]) if options else {}
    secret, service, server = make(bench, *options)
    name = value.get("--name", "rabbitmq")
    assert (service["metadata"]["name"], server["metadata"]["name"], server["spec"]["serviceName"]) == (name,) * 3
    assert secret["metadata"]["name"] == value.get("--secret", "rabbitmq")
    assert {each["metadata"].get("namespace") for each in (secret, service, server)} == {value.get("--namespace")}
    template = server["spec"]["template"]
    for selector in (service["spec"]["selector"], server["spec"]["selector"]["matchLabels"]):
        assert selector and selector.items() <= template["metadata"]["labels"].items()
    (container,) = template["spec"]["containers"]
    assert container["image"] == value.get("--image", "rabbitmq:4.3")
    for variable in container["env"]:
        assert variable["valueFrom"]["secretKeyRef"] == {"name": secret["metadata"]["name"], "key": variable["name"]}
        assert variable["name"] in secret["stringData"]
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
    (claim,), (mount,) = server["spec"]["volumeClaimTemplates"], container["volumeMounts"]
    assert claim["metadata"]["name"] == mount["name"]
    assert claim["spec"]["resources"]["requests"]["storage"] == value.get("--storage", "1Gi")
    assert template["spec"]["securityContext"]["runAsNonRoot"] and not template["spec"]["automountServiceAccountToken"]
    data = secret["stringData"]
    url = urllib.parse.urlsplit(data["BROKER_URL"])
    assert (url.username, url.password) == (data["RABBITMQ_DEFAULT_USER"], data["RABBITMQ_DEFAULT_PASS"])
    assert url.hostname == name + (f".{value['--namespace']}.svc" if "--namespace" in value else "")
    assert url.port == service["spec"]["ports"][0]["port"]


def test_each_has_a_password_of_its_own(bench):
    passwords = {make(bench)[0]["stringData"]["RABBITMQ_DEFAULT_PASS"] for _ in range(5)}
    assert len(passwords) == 5 and all(re.fullmatch("[A-Za-z0-9]{32}", each) for each in passwords)


def test_its_pods_have_what_those_of_workers_have(bench):
    found = make(
        bench, "--cpu-limit", "200m", "--label", "team=fruits", "--annotation", "note=any", "--pull-secret", "a",
        "--service-account", "broker", "--node-selector", "disk=ssd", "--toleration", "gpu:NoSchedule")
    template = found[2]["spec"]["template"]
    for each in (*found, template):
        assert each["metadata"]["labels"]["team"] == "fruits" and each["metadata"]["annotations"] == {"note": "any"}
    spec = template["spec"]
    assert spec["containers"][0]["resources"]["limits"] == {"cpu": "200m", "memory": "1Gi"}
    assert spec["containers"][0]["resources"]["requests"]["cpu"] == "200m"
    assert spec["imagePullSecrets"] == [{"name": "a"}] and spec["serviceAccountName"] == "broker"
    assert spec["nodeSelector"] == {"disk": "ssd"}
    assert spec["tolerations"] == [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]


@pytest.mark.parametrize("options, text", [
    (["--", "worker"], "COMMAND"), (["--parallelism", "3"], "--parallelism"), (["--inject"], "--inject"),
    (["--tls-secret", "a"], "--tls-secret"), (["--token-secret", "a"], "--token-secret"),
    (["--name", "1st"], "letter"), (["-q", "job1"], "--queue"), (["--timeout", "1s"], "--timeout"),
    (["--wait-first", "1s"], "--wait-first"),
    (["--memory", "2Gi", "--memory-limit", "1Gi"], "--memory-limit"), (["--cpu-limit", "1", "--cpu", "2"], "--cpu-limit"),
    (["--volume", "claim/a:/a"], "--volume"), (["--label", "app.kubernetes.io/component=a"], "component"),
    (["--storage", "much"], "--storage"), (["--metrics", ":9464"], "--metrics"),
], ids=str)
def test_bad_usage(bench, options, text):
    bench.run("broker", *options, command="manifest", url=None).assert_error(64, text)
