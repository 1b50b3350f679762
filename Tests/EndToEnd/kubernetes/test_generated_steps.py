"""`amqp-job manifest --step` and `--separate-worker`: workers in containers of their own. Their Jobs run here under the rules of
Kubernetes' Job controller and kubelet."""

import json

import pytest

from support import conventions
from support import manifests
from support.cluster import COMPLETE, FRUITS, QUICKLY, put, shell_worker, statuses
from support.manifests import KINDS, NEEDS
from support.processes import wait_until

IMAGE = "python:3.13-alpine"
SHOUT = f"shout {IMAGE} tr a-z A-Z"
WORK = f"work {IMAGE} /worker.py"


def make(bench, kind, *options, command=(), queue="job1", url=None, image=None):
    """The objects. `image` is that of the command."""
    needs = [] if url or "--drain" in options or "--completions" in options else NEEDS.get(kind, [])
    words = [kind, *needs, *options, "--queue", queue, *(["--image", image] if image else [])]
    words += ["--", *command] if command else []
    return manifests.objects(bench.run(*words, command="manifest", url=url))


def containers(kind, found):
    """{name: container} of the pods, in the order in which they start."""
    spec = manifests.pod(kind, found)
    return {each["name"]: each for each in [*spec["initContainers"], *spec["containers"]]}


def run(cluster, found, queue, **more):
    return cluster.run_job(found, queue.name, **{"options": QUICKLY, **more})


# What is written

@pytest.mark.any_broker
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options, command, names", [
    (["--step", SHOUT, "--step", WORK], [], ["shout", "work", "runner"]),
    (["--step", SHOUT, "--image", IMAGE], ["cat"], ["shout", "worker"]),
    (["--separate-worker", "--image", IMAGE], ["cat"], ["worker", "runner"]),
    (["--step", SHOUT, "--separate-worker", "--image", IMAGE, "--timeout", "10m"], ["cat"], ["shout", "worker", "runner"]),
], ids=["steps", "a step and a command", "a separate worker", "a step and a separate worker"])
@pytest.mark.parametrize("injection", [[], ["--inject=image-volume"]], ids=["init", "image volume"])
def test_the_objects_keep_to_the_conventions(bench, kind, options, command, names, injection):
    found = make(bench, kind, *options, *injection, command=command)
    assert conventions.violations(found) == []
    assert list(containers(kind, found)) == [*([] if injection else ["install"]), *names]


@pytest.mark.any_broker
def test_a_step_has_its_image_command_and_resources(bench):
    found = make(
        bench, "job", "--step", "a a/a:1 'a b' \"$(printf x)\"".replace("$", "\\$"), "--step", "b b:2 b -c", "--cpu", "200m",
        "--memory", "64Mi", "--cpu-limit", "3", "--step-cpu", "a=2", "--step-memory", "a=1Gi", "--env", "A=b", "--user", "1000",
        "--volume", "claim/models:/models", "--tmp-size", "3Gi", "--tls-secret", "tls", "--token-secret", "token")
    made = containers("job", found)
    assert (made["a"]["image"], made["b"]["image"], made["runner"]["image"]) == ("a/a:1", "b:2", "amqp-job:1")
    binary, *words = made["a"]["command"]
    assert (binary, words) == (
        "/opt/amqp-job/amqp-job", ["step", "--socket", "/run/amqp-job/a.sock", "--", "a b", "$$(printf x)"])
    assert [made[name]["resources"] for name in ("a", "b", "runner")] == [
        {"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"cpu": "3", "memory": "1Gi"}},
        {"requests": {"cpu": "200m", "memory": "64Mi"}, "limits": {"cpu": "3", "memory": "64Mi"}},
        {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "3", "memory": "128Mi"}}]
    paths = {name: [mount["mountPath"] for mount in each["volumeMounts"]] for name, each in made.items()}
    assert paths["a"] == paths["b"] == ["/opt/amqp-job", "/run/amqp-job", "/tmp", "/models"]
    assert paths["runner"] == [
        "/opt/amqp-job", "/etc/amqp-job/tls", "/etc/amqp-job/token", "/run/amqp-job", "/tmp"]
    assert [made[name]["env"] for name in ("a", "b")] == [[{"name": "A", "value": "b"}]] * 2


@pytest.mark.any_broker
@pytest.mark.parametrize("options, command, text", [
    (["--step", "a"], [], "'a' needs an image"), (["--step", "a A"], [], "not 'A'"),
    (["--step", "a b"], [], "'a' needs a command"), (["--step", ""], [], "NAME IMAGE COMMAND"),
    (["--step", "A b c"], [], "'A b c'"), (["--step", "a_b c d"], [], "NAME"), (["--step", "x" * 64 + " b c"], [], "63"),
    (["--step", "a b 'c"], [], "single quote (') is not closed"), (["--step", 'a b "c'], [], 'double quote (") is not closed'),
    (["--step", "a b c | d"], [], "acts on its |"), (["--step", "a b $c"], [], "acts on its $"),
    (["--step", "a b c", "--step", "a d e"], [], "two steps are called 'a'"),
    (["--step", "install b c"], [], "'install'"), (["--step", "runner b c"], [], "'runner'"),
    (["--step", "worker b c", "--image", "a"], ["d"], "'worker'"),
    (["--step", "worker b c", "--separate-worker", "--image", "a"], ["d"], "two steps are called 'worker'"),
    (["--step", "a b c", "--separate-worker"], [], "COMMAND"), (["--separate-worker"], [], "COMMAND"),
    (["--separate-worker"], ["c"], "--image"), (["--step", "a b c"], ["d"], "--image"),
    (["--step", "a b c", "--image", "d"], [], "--image"),
    (["--step", "a b c", "--step-cpu", "d=1"], [], "--step-cpu d="), (["--step-memory", "d=1Gi", "--image", "a"], ["d"], "d="),
    (["--step", "a b c", "--step-cpu", "a=x"], [], "--step-cpu"), (["--step", "a b c", "--step-cpu", "a"], [], "NAME=AMOUNT"),
    (["--step", "a b c", "--step-cpu", "a=1", "--step-cpu", "a=2"], [], "twice"),
    (["--step", "a b c", "--step-cpu", "a=2", "--cpu-limit", "1"], [], "--step-cpu is more than --cpu-limit"),
    (["--step", "a b c", "--step-memory", "a=2Gi", "--memory-limit", "1Gi"], [], "--step-memory is more"),
    (["--step", "a b c", "--env", "AMQP_JOB_STEP=x"], [], "AMQP_JOB_STEP"),
], ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "")
def test_bad_usage(bench, options, command, text):
    words = ["job", "--queue", "q", "--completions", "1", *options, *(["--", *command] if command else [])]
    result = bench.run(*words, command="manifest", url=None)
    result.assert_error(64, text)
    assert result.stdout == b""


@pytest.mark.any_broker
@pytest.mark.parametrize("option", [["--step", "a b c"], ["--separate-worker"], ["--step-cpu", "a=1"]], ids=" ".join)
def test_a_broker_has_no_steps(bench, option):
    bench.run("broker", *option, command="manifest", url=None).assert_error(64, option[0], "broker")


# What happens

def test_each_item_passes_the_steps_in_their_order(bench, make_cluster, queue):
    put(queue, FRUITS)
    worker, done = shell_worker(bench, "")
    found = make(bench, "job", "--step", SHOUT, "--step", WORK, queue=queue.name, url=True)
    outcome = run(make_cluster(worker), found, queue).wait()
    assert (outcome.condition, statuses(outcome, "runner")) == (COMPLETE, {0: 8}), outcome
    assert sorted(done()) == [fruit.upper() for fruit in FRUITS]
    queue.assert_empty()


def test_the_runners_own_command_comes_last(bench, make_cluster, queue):
    put(queue, FRUITS[:3])
    worker, done = shell_worker(bench, "")
    found = make(bench, "job", "--step", SHOUT, "--drain", "--parallelism", "1", queue=queue.name, image=IMAGE, command=["/worker.py"])
    outcome = run(make_cluster(worker), found, queue).wait()
    assert (outcome.condition, statuses(outcome)) == (COMPLETE, {0: 1}), outcome
    assert sorted(done()) == [fruit.upper() for fruit in FRUITS[:3]]
    queue.assert_empty()


def test_a_separate_worker_sees_its_item_and_no_credentials(bench, make_cluster, queue):
    put(queue, ["apple"])
    worker = bench.worker("read")
    (path,) = bench.script("exec " + " ".join(worker.command))
    found = make(
        bench, "job", "--separate-worker", "--env", "A=b", "--env", "AMQP_JOB_LOG_FORMAT=json", queue=queue.name, image=IMAGE,
        command=["/worker.py"], url=True)
    outcome = run(make_cluster(path), found, queue).wait()
    assert (outcome.condition, statuses(outcome, "runner")) == (COMPLETE, {0: 1}), outcome
    (start,), (end,) = worker.events("start"), worker.events("end-of-input")
    assert (end["length"], start["environment"]["WORK_ITEM_QUEUE"], start["environment"]["A"]) == (5, queue.name, "b")
    assert not [name for name in start["environment"] if name.startswith("AMQP_") or name in ("BROKER_URL", "QUEUE")]
    assert bench.broker.url not in json.dumps(start)


def test_an_item_that_fails_in_a_step_is_tried_again_by_another_pod(bench, make_cluster, queue):
    put(queue, FRUITS)
    worker, done = shell_worker(bench, 'case $item in BANANA | GRAPE) [ "$WORK_ITEM_ATTEMPT" = 2 ] || exit 7 ;; esac')
    found = make(bench, "job", "--step", SHOUT, "--step", WORK, queue=queue.name, url=True)
    outcome = run(make_cluster(worker), found, queue).wait()
    assert (outcome.condition, statuses(outcome, "runner"), outcome.failed) == (COMPLETE, {0: 8, 7: 2}, 2), outcome
    assert sorted(done()) == [fruit.upper() for fruit in FRUITS]
    queue.assert_empty()


def test_a_step_that_cannot_be_started_keeps_the_pod_from_taking_an_item(bench, make_cluster, queue):
    put(queue, FRUITS[:2])
    found = make(bench, "job", "--step", SHOUT, "--step", f"work {IMAGE} no-such-worker", queue=queue.name, url=True)
    job = run(make_cluster(), found, queue)
    wait_until(lambda: job.pods and "no-such-worker" in job.pods[0].log, what="a word about the missing command")
    pod = job.pods[0]
    assert (pod.phase, pod.exit_codes) == ("Running", {"install": 0})
    job.delete(pod)
    wait_until(lambda: pod.phase == "Failed", what="the pod's end")
    # TERM may come at any time, also when the step has just been started again.
    assert pod.exit_codes.pop("work") in (127, 143) and pod.exit_codes == {"install": 0, "shout": 0}, pod
    job.close()
    queue.assert_untouched(2)


def test_a_pod_that_is_stopped_gives_its_item_back_and_the_steps_end_after_the_runner(bench, make_cluster, queue):
    put(queue, ["apple"])
    worker = bench.worker("hold")
    (path,) = bench.script("exec " + " ".join(worker.command))
    found = make(bench, "job", "--step", WORK, queue=queue.name, url=True)
    job = run(make_cluster(path), found, queue, change=lambda spec: spec.update(backoffLimit=0))
    worker.wait_for("holding")
    job.disrupt(job.pods[0])
    wait_until(lambda: job.pods[0].phase == "Failed", what="the pod's end")
    assert job.pods[0].exit_codes == {"install": 0, "runner": 143, "work": 0}, job.pods
    worker.go()
    outcome = job.wait()
    assert (outcome.condition, outcome.failed, len(outcome.pods)) == (COMPLETE, 0, 2), outcome
    assert [each["environment"]["WORK_ITEM_ATTEMPT"] for each in worker.events("start")] == ["1", "1"]
    queue.assert_empty()
