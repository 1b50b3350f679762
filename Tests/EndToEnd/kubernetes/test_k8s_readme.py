"""The commands in k8s/README.md. kubectl accepts them, the files and objects exist, and those of amqp-job do what the
page says."""

import os
import re
import shlex
import subprocess

import pytest

from support import amqp
from support import fetched
from support import kubernetes
from support import overlays
from support import readme

pytestmark = pytest.mark.any_broker

ROOT = overlays.FOLDER.parent
TEXT = (overlays.FOLDER / "README.md").read_text()
LINES = readme.shell_lines(TEXT)
KUBECTL = [line for line in LINES if line.startswith("kubectl ")]
DOCKER = [line for line in LINES if line.startswith("docker ")]
AMQP_JOB = [line for line in LINES if line.startswith("amqp-job ")]

# kubectl uses these names of kinds.
KINDS = {
    "configmap": "ConfigMap",
    "cronjob": "CronJob",
    "hpa": "HorizontalPodAutoscaler",
    "job": "Job",
    "pod": "Pod",
    "prometheusrule": "PrometheusRule",
    "pvc": "PersistentVolumeClaim",
    "scaledjob": "ScaledJob",
    "statefulset": "StatefulSet",
}


def words_of(line):
    return shlex.split(line, comments=True)


def applied():
    """The files and overlays that the README applies."""
    objects = [each for name in overlays.NAMES for each in overlays.objects(name)]
    for path in re.findall(r"kubectl apply -f (\S+)", "\n".join(LINES)):
        objects += kubernetes.load_all((ROOT / path).read_text())
    return objects


def known():
    """The (kind, name) of every object that results."""
    found = {(each["kind"], each["metadata"]["name"]) for each in applied()}
    # https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-storage
    for kind, name in list(found):
        if kind == "StatefulSet":
            found |= {("Pod", f"{name}-0"), ("PersistentVolumeClaim", f"data-{name}-0")}
    return found


def test_all_lines_are_of_these_kinds():
    assert sorted([*KUBECTL, *DOCKER, *AMQP_JOB, "exit"]) == sorted(LINES)


def kubectl(line, home):
    """What kubectl says of a line without a cluster. It asks the cluster before it looks up kinds and names."""
    words = [fetched.program("kubectl"), "--server=http://127.0.0.1:1", "--request-timeout=2s", *words_of(line)[1:]]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("line", KUBECTL)
def test_kubectl_takes_it(line, tmp_path):
    done = kubectl(line, tmp_path)
    assert done.returncode == 1 and "refused" in done.stderr, done


@pytest.mark.parametrize("line", ["kubectl get pods --wach", "kubectl aply -k k8s/base", "kubectl apply -k k8s/bas"])
def test_there_is_what_kubectl_does_not_take(line, tmp_path):
    done = kubectl(line, tmp_path)
    assert done.returncode == 1 and "refused" not in done.stderr, done


@pytest.mark.parametrize("line", KUBECTL)
def test_what_it_names_is_there(line):
    verb, *words = words_of(line)[1:]
    if verb == "exec":
        words = words[: words.index("--")]
    references = [("Pod", word) for word in words if verb == "exec" and not word.startswith("-")]
    for word in words:
        kind, slash, name = word.removeprefix("--from=").partition("/")
        if slash and kind in KINDS:
            references.append((KINDS[kind], name))
        elif word.startswith("batch.kubernetes.io/job-name="):
            references.append(("Job", word.partition("=")[2]))
        elif word.startswith("app.kubernetes.io/instance=") and verb == "logs":
            references.append(("Deployment", word.partition("=")[2]))
    if words[0] in KINDS and verb in ("get", "delete"):
        labels = [word.split("=") for option, word in zip(words, words[1:]) if option == "-l"]
        references += [
            (each["kind"], each["metadata"]["name"]) for each in applied() for key, value in labels
            if each["kind"] == KINDS[words[0]] and each["metadata"]["labels"].get(key) == value]
        references += [(KINDS[words[0]], name) for name in words[1:] if not name.startswith("-") and "=" not in name]
    elif words[0] == "-k":
        assert ROOT / words[1] in [overlays.FOLDER / name for name in overlays.NAMES]
        references.append(None)
    elif words[0] == "-f":
        assert (ROOT / words[1]).is_file()
        references.append(None)
    assert references, "nothing was looked at"
    assert {each for each in references if each} <= known()


@pytest.mark.parametrize("line", DOCKER)
def test_what_is_built_is_there(line):
    docker, build, *words = words_of(line)
    context = ROOT / words[-1]
    dockerfile = ROOT / words[words.index("-f") + 1] if "-f" in words else context / "Dockerfile"
    assert build == "build" and dockerfile.is_file() and context.is_dir()
    for source in re.findall(r"^COPY (?!--from)(\S+) \S+$", dockerfile.read_text(), re.MULTILINE):
        assert (context / source).exists(), source


def test_the_tag_of_each_image_is_one_that_the_manifests_name():
    images = {word for line in DOCKER for word in [words_of(line)[words_of(line).index("-t") + 1]]}
    built = "\n".join(overlays.text(name) for name in overlays.NAMES)
    assert all(f"image: {image}\n" in built for image in images) and images


def test_what_is_done_in_the_temporary_pod(bench):
    queue = amqp.Queue(bench.client, "job1", "quorum")
    bench.queues += [amqp.Queue(bench.client, name, "quorum") for name in ("foo", "job1", "job1.retry", "job1.marks", "job1.dead")]
    (bench.directory / "bin").mkdir()
    (bench.directory / "bin/amqp-job").symlink_to(bench.binary)
    environment = bench.environment(BROKER_URL=bench.broker.url)
    environment["PATH"] = f"{bench.directory}/bin:{environment['PATH']}"
    script = "set -e\n" + "\n".join(AMQP_JOB)
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "Hello"), done
    assert [body for _, _, body in queue.take_all()] == [
        word.encode() for word in "apple banana cherry date fig grape lemon melon".split()
    ]
