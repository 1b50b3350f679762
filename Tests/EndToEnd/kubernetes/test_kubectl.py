"""What the pages have kubectl make and delete, by kubectl itself and an API server that keeps objects."""

import os
import re
import shlex
import subprocess

import pytest

from support import api_server
from support import fetched
from support import overlays
from support import readme

pytestmark = pytest.mark.any_broker

ROOT = overlays.FOLDER.parent


@pytest.fixture
def cluster():
    server = api_server.ApiServer()
    yield server
    server.close()


@pytest.fixture
def kubectl(cluster, tmp_path):
    """Runs a line of kubectl's."""
    def start(*words, data=None):
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        return subprocess.run(
            [fetched.program("kubectl"), f"--server={cluster.url}", *words], input=data, cwd=ROOT, env=environment,
            capture_output=True, text=True, timeout=30)

    def run(line, data=None):
        words = shlex.split(line, comments=True)[1:]
        if words[0] == "create" and "-f" not in words:
            # It would send something else than JSON, which is all that the server reads.
            data = start(*words, "--dry-run=client", "-o", "json").stdout
            words = ["create", "-f", "-"]
        validation = ["--validate=false"] if words[0] in ("apply", "create") else []  # the server has no schemas
        return start(*words, *validation, data=data)

    return run


PAGE = (overlays.FOLDER / "README.md").read_text()
HASHED = re.compile(r"-[a-z0-9]{10}$")  # kustomize names a ConfigMap after its content.
CLEAN_UP = readme.shell_lines(readme.section(PAGE, "Clean up"))
CHANGES = [
    line for line in readme.shell_lines(PAGE)
    if line.startswith(("kubectl apply", "kubectl create", "kubectl delete")) and line not in CLEAN_UP and " -k . " not in line]


def test_the_clean_up_leaves_nothing_of_what_the_page_made(cluster, kubectl):
    for line in CHANGES:
        assert kubectl(line).returncode == 0, line
    kinds = {kind for kind, _ in cluster.names}
    assert {"ConfigMap", "CronJob", "Job", "PersistentVolumeClaim", "ScaledJob", "NetworkPolicy"} <= kinds
    assert ("Job", "publish-now") in cluster.names
    # Of a version of the program before.
    for path, newest in [item for item in cluster.objects.items() if item[1]["kind"] == "ConfigMap"]:
        name = newest["metadata"]["name"]
        if not HASHED.search(name):
            continue
        name += "-older"
        cluster.add(f"{path.rpartition('/')[0]}/{name}", {**newest, "metadata": {**newest["metadata"], "name": name}})

    for line in CLEAN_UP:
        done = kubectl(line)
        assert done.returncode == 0, (line, done)
    assert cluster.names == set()


def test_the_clean_up_of_a_folder_is_enough_for_it(cluster, kubectl):
    """Volumes apart, whose line is there for all."""
    for name in overlays.NAMES:
        line = f"kubectl delete -k k8s/{name} --ignore-not-found"
        if name == "base":
            continue
        assert line in CLEAN_UP
        assert kubectl(f"kubectl apply -k k8s/{name}").returncode == kubectl(line).returncode == 0
        assert {kind for kind, _ in cluster.names} <= {"PersistentVolumeClaim"}, name


def test_a_broker_is_made_once_and_can_be_applied_later(bench, cluster, kubectl):
    lines = readme.shell_lines(readme.section(readme.page("OnKubernetes"), "Generate manifests"))
    (line,) = (each for each in lines if "manifest broker" in each)
    manifest, create = line.partition("#")[0].split("|")
    assert create.strip() in bench.run("--help-all", command="manifest", url=None).stdout.decode()
    text, other = (
        bench.run(*shlex.split(manifest)[2:], command="manifest", url=None).stdout.decode() for _ in range(2))
    done = kubectl(create, text)
    assert (done.returncode, done.stderr) == (0, ""), done
    made = dict(cluster.objects)
    assert {kind for kind, _ in cluster.names} == {"Secret", "Service", "StatefulSet", "PersistentVolumeClaim"}

    done = kubectl(create, other)
    assert done.returncode == 1 and "AlreadyExists" in done.stderr and cluster.objects == made, done
    done = kubectl("kubectl apply -f -", text)
    assert (done.returncode, done.stderr) == (0, ""), done
