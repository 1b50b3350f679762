"""amqp-job manifest: the objects of each kind, with each option, are valid and as an expert would write them."""

import re

import pytest

from support import fetched
from support import kubernetes
from support.manifests import JOBS, KINDS, OBJECTS, SERVICES, arguments, container, environment, job_spec, make, pod

jsonschema = fetched.package("jsonschema")
pytestmark = pytest.mark.any_broker

SIZES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}

OPTIONS = [
    ["--inject"], ["--inject=init"], ["--inject", "image-volume", "--runner-image", "registry.example:5000/amqp-job:1"],
    ["--inject", "--parallelism", "3"], ["--name", "other"], ["--namespace", "fruits"], ["--secret", "a.secret"],
    ["--tls-secret", "a.secret"], ["--token-secret", "a.secret"],
    ["--env", "A=b", "--env", "B="], ["--user", "1000"], ["--cpu", "1.5"], ["--memory", "1Gi"],
    ["--memory", "64Mi", "--memory-limit", "128Mi"], ["--memory-limit", "128Mi"], ["--tmp-size", "2Gi"],
    ["--timeout", "10m"], ["--grace", "1500ms"], ["--on-term", "stop"], ["--on-term", "finish", "--timeout", "90s"],
    ["--max-attempts", "5"], ["--retry-delay", "1m"], ["--retry-backoff", "2", "--quiet"], ["--plain"],
    ["--wait-first", "0s"], ["--wait-first", "5m"],
    ["--result-queue", "results"], ["--result-queue", "reply-to", "--result-on", "success", "--result-max", "1MiB"],
]
# These settings are for every pod, whatever runs in it.
OPTIONS += [
    ["--cpu-limit", "2"], ["--cpu", "1", "--cpu-limit", "1500m", "--inject"], ["--cpu-limit", "5m", "--inject"],
    ["--label", "team=fruits", "--label", "example.com/Tier=", "--annotation", "example.com/note=any text: \n - yes"],
    ["--pull-secret", "a", "--pull-secret", "b.c"], ["--service-account", "worker"],
    ["--node-selector", "kubernetes.io/arch=amd64", "--node-selector", "disk="],
    ["--toleration", "gpu", "--toleration", "a.b/c=d:NoSchedule", "--toleration", "e=:NoExecute"],
    ["--volume", "claim/models:/models", "--volume", "configmap/settings:/etc/worker", "--volume", "secret/key:/key:ro"],
    ["--volume", "claim/models:/models:ro", "--tls-secret", "broker-tls", "--inject"],
    ["--metrics", "0.0.0.0:9464"],
]
OPTIONS_OF_JOBS = [["--active-deadline", "30m"], ["--ttl", "1h"], ["--backoff-limit", "0"], ["--backoff-limit", "20"]]
OPTIONS_OF_KINDS = {
    "job": [["--completions", "100000"], ["--drain"], ["--drain", "--parallelism", "3"]],
    "cronjob": [["--schedule", "@daily"]],
    "deployment": [["--target", "1"], ["--metric", "rabbitmq_detailed_queue_messages_ready"]],
    "scaledobject": [["--target", "1"]],
}
CASES = [
    (kind, options) for kind in KINDS
    for options in [[], *OPTIONS, *(OPTIONS_OF_JOBS if kind in JOBS else []), *OPTIONS_OF_KINDS.get(kind, [])]
]


def processors(amount):
    return float(amount[:-1]) / 1000 if amount.endswith("m") else float(amount)


def size(amount):
    return int(amount[:-2]) * SIZES[amount[-2:]]


def seconds(options, name, default):
    """The value of the option, in seconds."""
    if name not in options:
        return default
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h)", options[options.index(name) + 1]).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit]


def check_container(each, volumes):
    assert each["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert size(each["resources"]["requests"]["memory"]) <= size(each["resources"]["limits"]["memory"])
    assert processors(each["resources"]["requests"]["cpu"]) <= processors(
        each["resources"]["limits"].get("cpu", "1000"))
    mounts = each["volumeMounts"]
    assert {mount["name"] for mount in mounts} <= set(volumes)
    assert len({mount["mountPath"] for mount in mounts}) == len(mounts)
    names = [variable["name"] for variable in each.get("env", [])]
    assert len(set(names)) == len(names)


def check_pod(kind, spec, options):
    assert spec["restartPolicy"] == ("Always" if kind in SERVICES else "Never")
    assert spec["enableServiceLinks"] is False
    # A named service account decides itself whether its pods get a token.
    assert spec.get("automountServiceAccountToken") is (None if "--service-account" in options else False)
    user = spec["securityContext"]["runAsUser"]
    owns = {"fsGroup": user, "fsGroupChangePolicy": "OnRootMismatch"} if "claim/models:/models" in options else {}
    assert user > 0 and spec["securityContext"] == {
        "runAsNonRoot": True, "runAsUser": user, "runAsGroup": user, "seccompProfile": {"type": "RuntimeDefault"}, **owns}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert len(volumes) == len(spec["volumes"])
    others = {"image", "secret", "configMap", "persistentVolumeClaim"}
    assert all(volume.keys() & others or size(volume["emptyDir"]["sizeLimit"]) > 0 for volume in spec["volumes"])
    for each in spec.get("initContainers", []) + spec["containers"]:
        check_container(each, volumes)
    words = arguments_of(spec)
    finishes = "--on-term=finish" in words
    assert finishes <= any(word.startswith("--timeout=") for word in words)
    ending = seconds(options, "--grace", 20) + 5 + (seconds(options, "--timeout", 0) if finishes else 0)
    assert spec["terminationGracePeriodSeconds"] > ending


def arguments_of(spec):
    command = spec["containers"][0]["command"]
    return command[:command.index("--")]


def check_worker(kind, worker, options):
    runner, run, *words = worker["command"]
    waits = seconds(options, "--wait-first", 0 if kind in ("cronjob", "scaledjob") else 60)
    assert run == "run" and words[0] == f"--wait-first={waits}s"
    assert words[words.index("--"):] == ["--", "./worker.py"]
    found = environment(worker, {"BROKER_URL": "amqp://u:p@h"})
    assert found["QUEUE"] == "job1" and found["BROKER_URL"] == "amqp://u:p@h"
    paths = {mount["mountPath"] for mount in worker["volumeMounts"] if not mount.get("readOnly")}
    assert paths == {"/run/amqp-job", "/tmp", *(["/models"] if "claim/models:/models" in options else [])}
    assert found["AMQP_JOB_SPOOL_DIR"] == "/run/amqp-job"
    assert found["AMQP_JOB_LIVENESS_FILE"] == "/run/amqp-job/alive"
    assert worker["livenessProbe"] == {
        "exec": {"command": [runner, "check"]}, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3}


def check_job(spec, options):
    assert spec["activeDeadlineSeconds"] == seconds(options, "--active-deadline", 24 * 3600)
    assert spec["podReplacementPolicy"] == "Failed"
    assert spec["podFailurePolicy"] == {"rules": [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "Ignore", "onExitCodes": {"containerName": "worker", "operator": "In", "values": [69, 75]}},
        {"action": "FailJob", "onExitCodes": {
            "containerName": "worker", "operator": "In", "values": [64, 78, 126, 127, 128]}},
    ]}
    completions = spec.get("completions")
    assert completions is None or spec["parallelism"] <= completions
    assert spec["parallelism"] >= 1
    words = arguments_of(spec["template"]["spec"])
    assert ("--when-empty=exit" in words, "--drain" in words) == (completions is not None, completions is None)


def check_labels(kind, found):
    for each in found:
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] and labels["app.kubernetes.io/component"] and re.fullmatch(
            "[a-z0-9-]+", labels["app.kubernetes.io/instance"])
        assert labels["app.kubernetes.io/managed-by"] == "amqp-job"
    if kind in SERVICES:
        spec = found[0]["spec"]
        assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
        assert "replicas" not in spec
    else:
        assert job_spec(kind, found)["template"]["metadata"]["labels"] == found[-1]["metadata"]["labels"]


@pytest.mark.parametrize("kind, options", CASES, ids=lambda value: value if isinstance(value, str) else " ".join(value))
def test_the_objects_of_every_kind(bench, kind, options):
    found = make(bench, kind, *options)
    check_pod(kind, pod(kind, found), options)
    check_worker(kind, container(kind, found), options)
    check_labels(kind, found)
    if kind in JOBS:
        check_job(job_spec(kind, found), options)
    name = options[1] if options[:1] == ["--name"] else "job1"
    assert {each["metadata"]["name"] for each in found} == {name}
    namespace = options[1] if options[:1] == ["--namespace"] else None
    assert {each["metadata"].get("namespace") for each in found} == {namespace}


def test_values_of_options(bench):
    (job,) = make(
        bench, "job", "--parallelism", "2", "--env", "A=b", "--user", "1000", "--cpu", "2", "--memory", "1Gi",
        "--memory-limit", "2Gi", "--tmp-size", "3Gi", "--timeout", "10m", "--grace", "30s", "--on-term", "finish",
        "--max-attempts", "5", "--retry-delay", "1m", "--retry-backoff", "2", "--retry-jitter", "0.2", "--quiet",
        "--active-deadline", "90m", "--ttl", "1h", "--backoff-limit", "9",
        "--secret", "other", "--result-queue", "results", "--result-on", "failure", "--result-max", "64KiB")
    spec, worker = job["spec"], container("job", [job])
    assert (spec["parallelism"], spec["backoffLimit"]) == (2, 9)
    assert (spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (5400, 3600)
    assert arguments("job", [job]) == [
        "--wait-first=60s", "--when-empty=exit", "--timeout=600s", "--grace=30s", "--on-term=finish",
        "--max-attempts=5", "--retry-delay=60s", "--retry-backoff=2", "--retry-jitter=0.2", "--result-queue=results",
        "--result-on=failure", "--result-max=64KiB"]
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 600 + 30 + 10
    assert worker["resources"] == {"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    assert worker["env"][0]["valueFrom"]["secretKeyRef"]["name"] == "other"
    assert worker["env"][-1] == {"name": "A", "value": "b"}
    assert {"name": "tmp", "emptyDir": {"sizeLimit": "3Gi"}} in spec["template"]["spec"]["volumes"]


@pytest.mark.parametrize("completions, parallelism, backoff", [(1, 1, 6), (8, 8, 8), (500, 10, 500)])
def test_a_job_grows_with_its_items(bench, completions, parallelism, backoff):
    (job,) = make(bench, "job", "--completions", str(completions))
    assert (job["spec"]["parallelism"], job["spec"]["backoffLimit"]) == (parallelism, backoff)


def test_a_cronjob(bench):
    (cronjob,) = make(bench, "cronjob", "--schedule", "0 3 * * 1-5")
    assert cronjob["spec"]["schedule"] == "0 3 * * 1-5" and cronjob["spec"]["concurrencyPolicy"] == "Forbid"
    assert job_spec("cronjob", [cronjob])["parallelism"] == 1


def test_a_deployment(bench):
    deployment, scaler = make(bench, "deployment", "--parallelism", "7", "--target", "3")
    worker = container("deployment", [deployment])
    assert worker["readinessProbe"]["exec"]["command"] == ["amqp-job", "check", "--ready"]
    assert "--forever" in worker["command"] and "--on-term=stop" in worker["command"]
    spec = scaler["spec"]
    assert spec["scaleTargetRef"] == {
        "apiVersion": "apps/v1", "kind": "Deployment", "name": deployment["metadata"]["name"]}
    assert (spec["minReplicas"], spec["maxReplicas"]) == (1, 7)
    assert spec["metrics"] == [{"type": "External", "external": {
        "metric": {"name": "rabbitmq_queue_messages_ready", "selector": {"matchLabels": {"queue": "job1"}}},
        "target": {"type": "AverageValue", "averageValue": "3"}}}]
    deployment, _ = make(bench, "deployment", "--timeout", "10m")
    assert "--on-term=finish" in container("deployment", [deployment])["command"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_token(bench, kind):
    """The directory is mounted. Kubernetes would never update a single file that is mounted by subPath."""
    found = make(bench, kind, "--token-secret", "broker-token")
    worker = container(kind, found)
    assert {"name": "AMQP_JOB_TOKEN_FILE", "value": "/etc/amqp-job/token/token"} in worker["env"]
    assert {"name": "token", "mountPath": "/etc/amqp-job/token", "readOnly": True} in worker["volumeMounts"]
    assert {"name": "token", "secret": {"secretName": "broker-token"}} in pod(kind, found)["volumes"]


@pytest.mark.parametrize("kind, target", [("scaledjob", "1"), ("scaledobject", "10")])
def test_what_keda_scales(bench, kind, target):
    found = make(bench, kind, "--parallelism", "7", "--secret", "other")
    authentication, scaled = found[-2:]
    assert authentication["spec"]["secretTargetRef"] == [{"parameter": "host", "name": "other", "key": "BROKER_URL"}]
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["authenticationRef"] == {"name": authentication["metadata"]["name"]}
    assert trigger["metadata"] == {"protocol": "amqp", "queueName": "job1", "mode": "QueueLength", "value": target}
    assert (scaled["spec"]["minReplicaCount"], scaled["spec"]["maxReplicaCount"]) == (0, 7)
    if kind == "scaledjob":
        assert scaled["spec"]["scalingStrategy"] == {"strategy": "accurate"}
        assert (scaled["spec"]["jobTargetRef"]["completions"], scaled["spec"]["jobTargetRef"]["parallelism"]) == (1, 1)
    else:
        assert scaled["spec"]["scaleTargetRef"]["name"] == found[0]["metadata"]["name"]


def test_every_kind_is_tested():
    assert set(OBJECTS) == {*KINDS, "broker"}


@pytest.mark.parametrize("kind, break_it", [
    ("job", lambda found: job_spec("job", found).update(complitions=1)),
    ("job", lambda found: job_spec("job", found).update(completions="8")),
    ("job", lambda found: container("job", found).pop("name")),
    ("job", lambda found: container("job", found)["env"].append({"name": "A", "value": True})),
    ("cronjob", lambda found: found[0]["spec"].pop("schedule")),
    ("deployment", lambda found: found[1]["spec"].pop("maxReplicas")),
    ("scaledjob", lambda found: found[0]["spec"]["secretTargetRef"][0].pop("parameter")),
    ("scaledjob", lambda found: found[1]["spec"].pop("triggers")),
    ("scaledjob", lambda found: found[1]["spec"]["triggers"][0].pop("metadata")),
    ("scaledjob", lambda found: found[1]["spec"]["triggers"][0]["metadata"].update(value=1)),
    ("scaledjob", lambda found: job_spec("scaledjob", found).pop("template")),
    ("scaledobject", lambda found: found[2]["spec"].pop("scaleTargetRef")),
    ("scaledobject", lambda found: found[2]["metadata"].update(labels={"a": 1})),
])
def test_the_schemas_find_mistakes(bench, kind, break_it):
    found = make(bench, kind)
    break_it(found)
    with pytest.raises((jsonschema.ValidationError, AssertionError)):
        for each in found:
            kubernetes.validate(each)
