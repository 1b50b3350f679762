"""The manifests and Dockerfiles of k8s/. They follow the official schemas and our own conventions, and every reference
has a target."""

import copy
import os
import re
import subprocess
import urllib.parse

import pytest

from support import conventions
from support import fetched
from support import kubernetes
from support import overlays
from support.overlays import FOLDER

pytestmark = pytest.mark.any_broker

ALONE = {
    path: kubernetes.load_all((FOLDER / path).read_text())
    for path in ("tutorial/temporary-pod.yaml", "network-policy/keda.yaml", "network-policy/prometheus.yaml")
}
DOCKERFILES = sorted(FOLDER.rglob("Dockerfile*"))


def objects_of(name):
    """The objects of an overlay, or of a file that is applied by itself beside the base."""
    return ALONE.get(name) or overlays.objects(name)


NAMES = [*overlays.NAMES, *ALONE]
everything = pytest.mark.parametrize("name", NAMES)
with_pods = pytest.mark.parametrize("name", [name for name in NAMES if list(conventions.workloads(objects_of(name)))])


def test_every_file_is_built_or_applied_alone():
    for path in FOLDER.glob("*/*.yaml"):
        kustomization = (path.parent / "kustomization.yaml").read_text()
        built = re.search(rf"^\s*- (path: )?{path.name}$", kustomization, re.MULTILINE)
        assert built or path.name == "kustomization.yaml" or str(path.relative_to(FOLDER)) in ALONE, path


@everything
def test_schemas(name):
    for each in objects_of(name):
        kubernetes.validate(each)


@pytest.mark.parametrize("kind, path, value", [
    ("Job", "spec.podFailurePolicy.rules", "none"),
    ("Job", "spec.template.spec.enableServiceLink", False),
    ("ScaledJob", "spec.triggers", []),
    ("ScaledJob", "spec.jobTargetRef.backoffLimits", 1),
    ("HorizontalPodAutoscaler", "spec.maxReplicas", "many"),
    ("NetworkPolicy", "spec.egres", []),
    ("PodMonitor", "spec.podMetricsEndpoints", []),
    ("PrometheusRule", "spec.group", []),
])
def test_the_schemas_see_what_breaks_them(kind, path, value):
    found = (each for name in overlays.NAMES for each in overlays.objects(name) if each["kind"] == kind)
    whole = place = copy.deepcopy(next(found))
    kubernetes.validate(whole)
    *folders, last = path.split(".")
    for folder in folders:
        place = place[folder]
    place[last] = value
    with pytest.raises(Exception, match=last):
        kubernetes.validate(whole)


@with_pods
def test_conventions(name):
    assert conventions.violations(objects_of(name)) == []


def broken(change, name="tutorial"):
    """The violations in the Job of this folder after `change(spec of the Job, of its pods, of the container)`."""
    objects = copy.deepcopy(overlays.objects(name))
    (job,) = (each["spec"] for each in objects if each["kind"] == "Job")
    pod = job["template"]["spec"]
    change(job, pod, pod["containers"][0])
    return [line.partition("not so: ")[2] for line in conventions.violations(objects)]


@pytest.mark.parametrize(
    "rule, change",
    [
        ("gets no variables for Services", lambda job, pod, own: pod.pop("enableServiceLinks")),
        ("gets no token", lambda job, pod, own: pod.pop("automountServiceAccountToken")),
        ("starts each try as a pod", lambda job, pod, own: pod.update(restartPolicy="OnFailure")),
        ("replaces a pod when it has ended", lambda job, pod, own: job.pop("podReplacementPolicy")),
        ("has an end", lambda job, pod, own: job.pop("activeDeadlineSeconds")),
        ("has a limit for failures", lambda job, pod, own: job.pop("backoffLimit")),
        ("knows what exit statuses mean", lambda job, pod, own: job["podFailurePolicy"]["rules"].pop()),
        ("is hardened", lambda job, pod, own: pod["securityContext"].pop("runAsNonRoot")),
        ("is hardened", lambda job, pod, own: own["securityContext"].update(readOnlyRootFilesystem=False)),
        ("asks for what it needs", lambda job, pod, own: own["resources"].pop("limits")),
        ("has an image of a version", lambda job, pod, own: own.update(image="job-wq-1:latest")),
        ("takes the URL from a Secret", lambda job, pod, own: own["env"].pop(0)),
        ("names the port of its metrics", lambda job, pod, own: own["env"].append({"name": "AMQP_JOB_METRICS", "value": ":1"})),
        ("ends when there is nothing more, or never", lambda job, pod, own: job.pop("completions")),
        ("waits for a queue that is not there yet", lambda job, pod, own: own["command"].pop(2)),
        ("may settle its item before the KILL", lambda job, pod, own: own["command"].insert(2, "--grace=26s")),
        ("keeps its state beside the read-only root", lambda job, pod, own: own["volumeMounts"].pop(0)),
        ("is probed", lambda job, pod, own: own.pop("livenessProbe")),
    ],
)
def test_the_conventions_see_what_breaks_them(rule, change):
    assert broken(change) == [rule]


@pytest.mark.parametrize(
    "rule, change",
    [
        ("has its steps, in their order", lambda pod, step, runner: pod["initContainers"].reverse()),
        ("has its steps, in their order", lambda pod, step, runner: runner["env"].pop(2)),
        ("starts before its runner", lambda pod, step, runner: step.pop("restartPolicy")),
        ("starts before its runner", lambda pod, step, runner: step["startupProbe"]["exec"]["command"].pop()),
        ("is a step of its runner", lambda pod, step, runner: step["volumeMounts"].pop(1)),
        ("has no credentials", lambda pod, step, runner: step.update(env=[{"name": "AMQP_JOB_PASSWORD_FILE"}])),
        ("has no credentials", lambda pod, step, runner: step.update(env=[{"name": "A", "valueFrom": {}}])),
        ("has its binary", lambda pod, step, runner: step["volumeMounts"].pop(0)),
        ("is hardened", lambda pod, step, runner: step["securityContext"].pop("capabilities")),
    ],
)
def test_the_conventions_see_what_breaks_steps(rule, change):
    def change_pod(_, pod, runner):
        change(pod, pod["initContainers"][1], runner)
    assert broken(change_pod, "steps") == [rule]


# References


def secrets(objects):
    return {each["metadata"]["name"]: each["stringData"] for each in objects if each["kind"] == "Secret"}


def named(objects, kind):
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}


def all_containers(objects):
    return [(workload, container) for workload in conventions.workloads(objects) for container in workload.containers]


@with_pods
def test_what_containers_refer_to_is_there(name):
    around = [*overlays.objects("base"), *objects_of(name)]
    for workload, container in all_containers(objects_of(name)):
        for variable in container.get("env", []):
            for kind, reference in variable.get("valueFrom", {}).items():
                assert kind == "fieldRef" or reference["key"] in secrets(around)[reference["name"]], variable
        volumes = {each["name"] for each in workload.spec.get("volumes", [])}
        claims = named(around, workload.kind)[workload.name]["spec"].get("volumeClaimTemplates", [])
        volumes |= {each["metadata"]["name"] for each in claims}
        assert {each["name"] for each in container.get("volumeMounts", [])} <= volumes
    for workload in conventions.workloads(objects_of(name)):
        mounted = {mount["name"] for container in workload.containers for mount in container.get("volumeMounts", [])}
        for volume in workload.spec.get("volumes", []):
            assert volume["name"] in mounted, volume
            if "configMap" in volume:
                assert volume["configMap"]["name"] in named(around, "ConfigMap")
        for rule in workload.job.get("podFailurePolicy", {}).get("rules", []):
            container = rule.get("onExitCodes", {}).get("containerName")
            assert container is None or container in {each["name"] for each in workload.containers}


@everything
def test_what_objects_refer_to_is_there(name):
    objects = [*overlays.objects("base"), *objects_of(name)]
    labels = [workload.template["metadata"]["labels"] for workload in conventions.workloads(objects)]
    for each in objects:
        spec = each.get("spec", {})
        if each["kind"] in ("StatefulSet", "Deployment"):
            assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
        if each["kind"] == "StatefulSet":
            assert spec["serviceName"] in named(objects, "Service")
        if each["kind"] == "Service":
            assert any(spec["selector"].items() <= pod.items() for pod in labels)
        if each["kind"] == "HorizontalPodAutoscaler":
            target = spec["scaleTargetRef"]
            assert named(objects, target["kind"])[target["name"]]["apiVersion"] == target["apiVersion"]
        if each["kind"] == "ScaledJob":
            for trigger in spec["triggers"]:
                assert trigger["authenticationRef"]["name"] in named(objects, "TriggerAuthentication")
        if each["kind"] == "TriggerAuthentication":
            for reference in spec["secretTargetRef"]:
                assert reference["key"] in secrets(objects)[reference["name"]]


@pytest.mark.parametrize("name", [name for name in overlays.NAMES if secrets(overlays.objects(name))])
def test_the_url_is_that_of_the_broker(name):
    objects = overlays.objects(name)
    (secret,) = secrets(objects).values()
    url = urllib.parse.urlsplit(secret["BROKER_URL"])
    service = named(objects, "Service")[url.hostname.partition(".")[0]]
    assert url.port in [port["port"] for port in service["spec"]["ports"]]
    assert (url.username, url.password) == (secret["RABBITMQ_DEFAULT_USER"], secret["RABBITMQ_DEFAULT_PASS"])


# Programs that the manifests and images start


def run(binary, words, variables, tmp_path):
    environment = {"PATH": os.environ["PATH"], "AMQP_JOB_CONNECT_TIMEOUT": "10ms", **variables}
    return subprocess.run([binary, *words], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)


@with_pods
def test_the_commands_are_ones_that_amqp_job_takes(name, binary, tmp_path):
    """Each program gets as far as a broker that cannot be reached."""
    for _, container in all_containers(objects_of(name)):
        words = conventions.arguments(container)
        if not words:
            continue
        if words[0] == "install":
            assert run(binary, ["install", str(tmp_path), *words[2:]], {}, tmp_path).returncode == 0
            continue
        if words[0] == "step":  # There is no such folder for its socket.
            words = ["step", "--socket", str(tmp_path / "none/socket"), *words[3 : words.index("--") + 1], "true"]
            assert run(binary, words, {}, tmp_path).returncode == 74
            continue
        variables = {each["name"]: each["value"] for each in container.get("env", []) if "value" in each}
        variables = {**variables, "BROKER_URL": "amqp://127.0.0.1:1", "AMQP_JOB_LIVENESS_FILE": str(tmp_path / "alive"),
                     "AMQP_JOB_SPOOL_DIR": str(tmp_path), "AMQP_JOB_METRICS": "127.0.0.1:0"}
        words = [*words[: words.index("--") + 1], "true"] if "--" in words else words
        done = run(binary, words, variables, tmp_path)
        assert done.returncode == 69, (words, done)


@with_pods
def test_the_probes_are_commands_that_amqp_job_takes(name, binary, tmp_path):
    for _, container in all_containers(objects_of(name)):
        for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
            words = container.get(kind, {}).get("exec", {}).get("command", [])
            if words and words[0].endswith("amqp-job"):
                done = run(binary, words[1:], {"AMQP_JOB_LIVENESS_FILE": str(tmp_path / "none")}, tmp_path)
                assert done.returncode == 1, (words, done)


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_dockerfiles(path):
    done = subprocess.run([fetched.program("hadolint"), "--no-color", path], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_tutorials_image_has_what_its_job_runs():
    dockerfile = (FOLDER / "tutorial/Dockerfile").read_text()
    copies = re.findall(r"^COPY (?:--from=\S+ )?(\S+) (\S+)$", dockerfile, re.MULTILINE)
    (workload,) = (each for each in conventions.workloads(overlays.objects("tutorial")) if each.kind == "Job")
    words = workload.spec["containers"][0]["command"]
    assert dict(copies) == {"/amqp-job": f"/usr/local/bin/{words[0]}", "worker.py": words[-1]}
    assert os.access(FOLDER / "tutorial/worker.py", os.X_OK)
