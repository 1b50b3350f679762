"""The tests' own Job controller, compared with what Kubernetes' documentation says."""

import time

import pytest

from support import job_controller
from support import pods
from support.processes import holds_for, wait_until

pytestmark = pytest.mark.any_broker

# https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy
FAIL_ON_42 = {
    "action": "FailJob",
    "onExitCodes": {"containerName": "main", "operator": "In", "values": [42]},
}
IGNORE_DISRUPTIONS = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}


@pytest.fixture
def run(bench, tmp_path):
    """Starts a Job whose pods run this shell script."""
    jobs = []

    def start(script, rules=None, init=None, grace=30, **spec):
        def container(name, text):
            return {"name": name, "image": "sh", "command": ["sh", "-c", text]}

        template = {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": grace,
            "containers": [container("main", script)],
            "initContainers": [container("first", init)] if init else [],
        }
        if rules:
            spec["podFailurePolicy"] = {"rules": rules}
        manifest = {"metadata": {"name": f"job-{len(jobs)}"}, "spec": {**spec, "template": {"spec": template}}}
        node = pods.Node(bench.path("pods"), bench.environment(), {"sh": pods.Image(tmp_path)})
        jobs.append(job_controller.Job(manifest, node, back_off_seconds=0.01))
        return jobs[-1]

    yield start
    for job in jobs:
        job.close()


def nth_pod(directory, text):
    """A script in which $n is the number of pods that ran it before."""
    return f"n=0; until mkdir {directory}/$n 2>/dev/null; do n=$((n + 1)); done; {text}"


def test_a_job_without_completions_and_parallelism_is_one_pod(run):
    outcome = run("exit 0").wait()
    assert (outcome.condition, outcome.succeeded, len(outcome.pods)) == (("Complete", ""), 1, 1)


def test_a_fixed_completion_count_never_runs_more_pods_than_are_wanted(run, tmp_path):
    job = run(nth_pod(tmp_path, f"until [ -e {tmp_path}/go$n ]; do sleep 0.01; done"), completions=3, parallelism=2)
    wait_until(lambda: (tmp_path / "1").exists())
    holds_for(lambda: len(job.pods) == 2, 0.2, "two pods")
    for number in range(3):
        (tmp_path / f"go{number}").touch()
    outcome = job.wait()
    assert (outcome.condition, outcome.succeeded, len(outcome.pods)) == (("Complete", ""), 3, 3)


def test_a_work_queue_starts_none_after_the_first_success_and_waits_for_the_others(run, tmp_path):
    script = nth_pod(tmp_path, f"[ $n = 0 ] || until [ -e {tmp_path}/go ]; do sleep 0.01; done; exit $n")
    job = run(script, parallelism=3)
    wait_until(lambda: (tmp_path / "2").exists() and any(pod.phase == "Succeeded" for pod in job.pods))
    holds_for(lambda: len(job.pods) == 3, 0.2, "three pods")
    (tmp_path / "go").touch()
    outcome = job.wait()
    assert (outcome.condition, outcome.succeeded, outcome.failed, len(outcome.pods)) == (("Complete", ""), 1, 2, 3)


@pytest.mark.parametrize("limit, pods_run", [(None, 7), (0, 1), (2, 3)])
def test_one_failure_more_than_the_limit_fails_the_job(run, limit, pods_run):
    spec = {} if limit is None else {"backoffLimit": limit}
    outcome = run("exit 3", completions=1, **spec).wait()
    assert outcome.condition == ("Failed", "BackoffLimitExceeded")
    assert [pod.exit_codes["main"] for pod in outcome.pods] == [3] * pods_run
    assert outcome.failed == pods_run


def test_failures_up_to_the_limit_are_replaced(run, tmp_path):
    outcome = run(nth_pod(tmp_path, "[ $n -ge 2 ]"), completions=2, parallelism=1, backoffLimit=2).wait()
    assert (outcome.condition, outcome.succeeded, outcome.failed) == (("Complete", ""), 2, 2)


def test_the_pods_of_a_job_that_fails_are_stopped_first(run, tmp_path):
    script = nth_pod(tmp_path, "[ $n = 0 ] || exit 42; sleep 60 & wait")
    outcome = run(script, [FAIL_ON_42], completions=4, parallelism=2, backoffLimit=6).wait()
    assert outcome.condition == ("Failed", "PodFailurePolicy")
    assert sorted(pod.exit_codes["main"] for pod in outcome.pods) == [42, 143]


@pytest.mark.parametrize(
    "rule, status, condition, failed",
    [
        (FAIL_ON_42, 42, ("Failed", "PodFailurePolicy"), 1),
        (FAIL_ON_42, 41, ("Failed", "BackoffLimitExceeded"), 3),
        ({"action": "FailJob", "onExitCodes": {"containerName": "other", "operator": "In", "values": [42]}}, 42,
         ("Failed", "BackoffLimitExceeded"), 3),
        ({"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [41]}}, 42,
         ("Failed", "PodFailurePolicy"), 1),
        ({"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [42]}}, 42,
         ("Failed", "BackoffLimitExceeded"), 3),
    ],
)
def test_exit_codes(run, rule, status, condition, failed):
    outcome = run(f"exit {status}", [rule], backoffLimit=2).wait()
    assert (outcome.condition, outcome.failed) == (condition, failed)


def test_the_first_rule_that_matches_decides(run):
    count = {"action": "Count", "onExitCodes": {"operator": "In", "values": [42]}}
    assert run("exit 42", [count, FAIL_ON_42], backoffLimit=1).wait().condition == ("Failed", "BackoffLimitExceeded")


def test_what_is_ignored_does_not_count(run, tmp_path):
    ignore = {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [69]}}
    outcome = run(nth_pod(tmp_path, "[ $n -ge 3 ] || exit 69"), [ignore], backoffLimit=0).wait()
    assert (outcome.condition, outcome.failed, len(outcome.pods)) == (("Complete", ""), 0, 4)


@pytest.mark.parametrize("rules, outcome", [([IGNORE_DISRUPTIONS], 0), ([FAIL_ON_42], 1)])
def test_disruptions(run, tmp_path, rules, outcome):
    job = run(nth_pod(tmp_path, "[ $n = 1 ] || sleep 60 & wait $!"), rules, backoffLimit=1)
    wait_until(lambda: (tmp_path / "0").exists())
    job.disrupt(job.pods[0])
    ended = job.wait()
    assert (ended.condition, ended.failed, len(ended.pods)) == (("Complete", ""), outcome, 2)
    assert job.pods[0].exit_codes == {"main": 143}


@pytest.mark.parametrize("policy, replaced_before", [("Failed", False), ("TerminatingOrFailed", True)])
def test_pod_replacement(run, tmp_path, policy, replaced_before):
    stubborn = f"trap 'until [ -e {tmp_path}/go ]; do sleep 0.01; done; exit 1' TERM; touch {tmp_path}/ready"
    job = run(nth_pod(tmp_path, f"[ $n = 1 ] || {{ {stubborn}; sleep 60 & wait; }}"), podReplacementPolicy=policy)
    wait_until(lambda: (tmp_path / "ready").exists())
    job.delete(job.pods[0])
    if replaced_before:
        wait_until(lambda: len(job.pods) == 2)
    else:
        holds_for(lambda: len(job.pods) == 1, 0.3, "the one pod")
    (tmp_path / "go").touch()
    assert (job.wait().condition, job.failed, len(job.pods)) == (("Complete", ""), 1, 2)


def test_after_the_grace_period_comes_the_kill(run, tmp_path):
    job = run(f"trap '' TERM; touch {tmp_path}/ready; while :; do sleep 0.05; done", grace=0.3, backoffLimit=0)
    wait_until(lambda: (tmp_path / "ready").exists())
    job.delete(job.pods[0])
    assert job.wait().pods[0].exit_codes == {"main": 137}


def test_the_deadline_comes_before_the_limit(run):
    outcome = run("exit 1", activeDeadlineSeconds=0.3, backoffLimit=10**6).wait()
    assert outcome.condition == ("Failed", "DeadlineExceeded")


def test_the_deadline_stops_what_runs(run):
    outcome = run("sleep 60 & wait", activeDeadlineSeconds=0.2, parallelism=2, completions=2).wait()
    assert outcome.condition == ("Failed", "DeadlineExceeded")
    assert [pod.exit_codes["main"] for pod in outcome.pods] == [143, 143]


def test_a_failed_init_container_is_a_failed_pod(run, tmp_path):
    outcome = run(f"touch {tmp_path}/ran", init="exit 7", backoffLimit=0).wait()
    assert [pod.exit_codes for pod in outcome.pods] == [{"first": 7}]
    assert not (tmp_path / "ran").exists()


def test_references_to_variables():
    # The examples are those of EnvVar.value: "$$(VAR_NAME)" becomes "$(VAR_NAME)", whether or not that variable exists.
    variables = {"A": "apple", "B": "$(A)"}
    assert pods.expand("$(A)/$(B)/$(C) $$(A) $$$(A) $A $( 5$", variables) == "apple/$(A)/$(C) $(A) $apple $A $( 5$"


def test_pauses_double_and_a_success_ends_them():
    # The documentation says: "10s, 20s, 40s ... capped at six minutes".
    assert [job_controller.back_off(n) for n in range(8)] == [0, 10, 20, 40, 80, 160, 320, 360]


def test_pods_are_replaced_after_the_pause(run, tmp_path):
    started = time.monotonic()
    run(nth_pod(tmp_path, "[ $n = 5 ]")).wait()
    assert time.monotonic() - started >= 0.01 + 0.02 + 0.04 + 0.08 + 0.16
