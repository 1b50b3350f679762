"""The tests' own kubelet runs native sidecars as https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/ says."""

import pytest

from support import pods
from support.processes import wait_until

pytestmark = pytest.mark.any_broker


@pytest.fixture
def run(bench, tmp_path):
    """Starts a pod whose only container runs this shell script."""
    made = []

    def start(script, *sidecars, grace=30):
        """Each of the sidecars is a name, a script, and perhaps a script for its startup probe."""
        def container(name, text):
            return {"name": name, "image": "sh", "command": ["sh", "-c", f"cd {tmp_path}; {text}"]}

        def sidecar(name, text, probe=None):
            fields = {"startupProbe": {"exec": {"command": container("", probe)["command"]}}} if probe else {}
            return {**container(name, text), "restartPolicy": "Always", **fields}

        spec = {
            "restartPolicy": "Never", "terminationGracePeriodSeconds": grace, "containers": [container("main", script)],
            "initContainers": [sidecar(*each) for each in sidecars],
        }
        node = pods.Node(bench.path(f"pods-{len(made)}"), bench.environment(), {"sh": pods.Image(tmp_path)})
        made.append(pods.Pod(node, "pod", spec, lambda pod: None))
        made[-1].start()
        return made[-1]

    yield start
    for pod in made:
        pod.kill()


def ended(pod):
    wait_until(lambda: pod.phase != "Running", what="the pod's end")
    return pod.phase


FOREVER = "trap 'echo end $me >>log; exit 3' TERM; echo begin $me >>log; while :; do sleep 0.02; done"


def forever(name):
    return f"me={name}; {FOREVER}"


def begun(name):
    return f"grep -q 'begin {name}' log"


def test_they_start_before_the_containers_and_end_after_them_the_last_one_first(run, tmp_path):
    pod = run("echo main >>log", ("a", forever("a"), begun("a")), ("b", forever("b"), begun("b")))
    assert (ended(pod), pod.exit_codes) == ("Succeeded", {"main": 0, "a": 3, "b": 3}), pod
    assert (tmp_path / "log").read_text().splitlines() == ["begin a", "begin b", "main", "end b", "end a"]


def test_one_that_ends_is_started_again(run, tmp_path):
    pod = run("until [ $(wc -l <log) -ge 3 ]; do sleep 0.02; done", ("a", "echo again >>log; exit 1"))
    assert ended(pod) == "Succeeded", pod


def test_the_startup_probe_holds_back_what_follows(run, tmp_path):
    pod = run("[ -e go ]", ("a", forever("a"), "echo probed >>probes; [ -e go ]"))
    wait_until(lambda: (tmp_path / "probes").exists() and len((tmp_path / "probes").read_text().split()) > 2)
    assert (pod.phase, pod.exit_codes) == ("Running", {})
    (tmp_path / "go").touch()
    assert ended(pod) == "Succeeded", pod


def test_one_that_cannot_start_holds_the_pod_until_it_is_deleted(run, tmp_path):
    pod = run("touch ran", ("a", "echo tried >>log; exit 127", "false"))
    wait_until(lambda: (tmp_path / "log").exists() and len((tmp_path / "log").read_text().split()) > 2)
    assert pod.phase == "Running"
    pod.delete()
    assert (ended(pod), pod.exit_codes.keys()) == ("Failed", {"a"}) and pod.exit_codes["a"] in (127, 143), pod
    assert not (tmp_path / "ran").exists()


def test_the_containers_of_a_pod_that_is_deleted_end_before_its_sidecars(run, tmp_path):
    main = "trap 'sleep 0.2; echo end main >>log; exit 5' TERM; touch begun; while :; do sleep 0.02; done"
    pod = run(main, ("a", forever("a"), begun("a")))
    wait_until((tmp_path / "begun").exists)
    pod.delete()
    assert (ended(pod), pod.exit_codes) == ("Failed", {"main": 5, "a": 3}), pod
    assert (tmp_path / "log").read_text().splitlines() == ["begin a", "end main", "end a"]


def test_one_that_does_not_end_is_killed_after_the_grace_period(run):
    pod = run("exit 0", ("a", "trap '' TERM; touch begun; while :; do sleep 0.02; done", "[ -e begun ]"), grace=0.3)
    assert (ended(pod), pod.exit_codes) == ("Succeeded", {"main": 0, "a": 137}), pod
