"""What the pages have kubectl make and delete, by kubectl itself and an API server that keeps objects."""

import os
import shlex
import subprocess

import pytest

import api_server
import overlays
import readme

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
    def run(line, data=None):
        verb, *words = shlex.split(line, comments=True)[1:]
        takes_files = verb == "apply" or (verb == "create" and "-f" in words)
        validation = ["--validate=false"] if takes_files else []  # the server has no schemas
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        return subprocess.run(
            [os.environ["TEST_KUBECTL"], f"--server={cluster.url}", verb, *words, *validation], input=data, cwd=ROOT,
            env=environment, capture_output=True, text=True, timeout=30)
    return run


def test_a_broker_is_made_once_and_can_be_applied_later(bench, cluster, kubectl):
    lines = readme.shell_lines(readme.section((ROOT / "README.md").read_text(), "On Kubernetes"))
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
