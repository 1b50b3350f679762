"""The Jobs of k8s/, which run on this machine under the rules of Kubernetes' Job controller. Manifest, exit statuses
and runner have to fit together."""

import copy
import re

import pytest

from support import overlays
from support.cluster import COMPLETE, FRUITS, QUICKLY, put, shell_worker, statuses
from support.processes import wait_until

FAILED = ("Failed", "PodFailurePolicy")


def as_script(bench, worker):
    """The command of a Python worker, as one file."""
    (path,) = bench.script("exec " + " ".join(worker.command))
    return path


def test_the_tutorials_job_is_one_pod_an_item(bench, make_cluster, queue):
    put(queue, FRUITS)
    outcome = make_cluster(overlays.FOLDER / "tutorial/worker.py").run_job(overlays.text("tutorial"), queue.name).wait()
    assert outcome.condition == COMPLETE, outcome
    assert sorted(pod.log for pod in outcome.pods) == [f"Processing {fruit}\n" for fruit in FRUITS]
    queue.assert_empty()


def test_two_items_that_fail_once_are_ten_pods_and_eight_successes(bench, make_cluster, queue):
    put(queue, FRUITS)
    worker, done = shell_worker(bench, 'case $item in banana | grape) [ "$WORK_ITEM_ATTEMPT" = 2 ] || exit 7 ;; esac')
    outcome = make_cluster(worker).run_job(overlays.text("tutorial"), queue.name, options=QUICKLY).wait()
    assert (outcome.condition, outcome.succeeded, outcome.failed) == (COMPLETE, 8, 2), outcome
    assert statuses(outcome) == {0: 8, 7: 2}
    assert sorted(done()) == FRUITS
    queue.assert_empty()


@pytest.mark.parametrize("count", [6, 0])
def test_fewer_items_than_completions(bench, make_cluster, queue, count):
    put(queue, FRUITS[:count])
    worker, done = shell_worker(bench, "")
    change = {"parallelism": 8}.items()
    outcome = make_cluster(worker).run_job(
        overlays.text("tutorial"), queue.name, options=QUICKLY, change=lambda spec: spec.update(change)
    ).wait()
    assert (outcome.condition, statuses(outcome)) == (COMPLETE, {0: 8}), outcome
    assert sorted(done()) == FRUITS[:count]
    queue.assert_empty()


def test_an_item_that_always_fails_is_dead_lettered_and_the_job_completes(bench, make_cluster, queue):
    put(queue, FRUITS)
    worker, done = shell_worker(bench, '[ "$item" != fig ] || exit 7')
    outcome = make_cluster(worker).run_job(overlays.text("tutorial"), queue.name, options=QUICKLY).wait()
    assert (outcome.condition, outcome.failed) == (COMPLETE, 3), outcome
    assert sorted(done()) == [fruit for fruit in FRUITS if fruit != "fig"]
    assert [body for _, _, body in queue.dead.take_all()] == [b"fig"]


@pytest.mark.parametrize(
    "steps, grace, status, attempt", [(["hold"], 30, 143, "1"), (["ignore:TERM", "hold"], 1, 137, "2")]
)
def test_a_disrupted_pod_is_replaced_and_does_not_count(bench, make_cluster, queue, steps, grace, status, attempt):
    put(queue, ["apple"])
    worker = bench.worker(*steps)

    def change(spec):
        spec.update(completions=1, backoffLimit=0)
        spec["template"]["spec"]["terminationGracePeriodSeconds"] = grace

    job = make_cluster(as_script(bench, worker)).run_job(overlays.text("tutorial"), queue.name, change=change)
    worker.wait_for("holding")
    job.disrupt(job.pods[0])
    wait_until(lambda: job.pods[0].exit_codes)
    worker.go()
    outcome = job.wait()
    assert (outcome.condition, outcome.failed, len(outcome.pods)) == (COMPLETE, 0, 2), outcome
    assert job.pods[0].exit_codes == {"worker": status}
    assert [each["environment"]["WORK_ITEM_ATTEMPT"] for each in worker.events("start")] == ["1", attempt]
    queue.assert_empty()


def test_a_missing_worker_fails_the_job_at_once_and_loses_nothing(bench, make_cluster, queue):
    put(queue, FRUITS)
    outcome = make_cluster().run_job(overlays.text("tutorial"), queue.name).wait()
    assert (outcome.condition, outcome.succeeded, len(outcome.pods)) == (FAILED, 0, 2), outcome
    # 143 is the status of a pod that was stopped with the Job.
    assert 127 in statuses(outcome) and set(statuses(outcome)) <= {127, 143}, outcome
    queue.assert_untouched(8)


def test_a_broker_that_is_away_costs_no_try(bench, make_cluster, queue):
    put(queue, FRUITS)
    worker, done = shell_worker(bench, "")
    proxy = bench.proxy(listen=False)
    job = make_cluster(worker).run_job(
        overlays.text("tutorial"), queue.name, url=proxy.url, options={**QUICKLY, "--connect-timeout": "300ms"},
        change=lambda spec: spec.update(backoffLimit=0),
    )
    wait_until(lambda: [pod for pod in job.pods if pod.phase == "Failed"][3:])
    proxy.listen()
    outcome = job.wait()
    assert (outcome.condition, outcome.succeeded, outcome.failed) == (COMPLETE, 8, 0), outcome
    assert set(statuses(outcome)) == {0, 69}
    assert sorted(done()) == FRUITS
    queue.assert_empty()


def test_the_drain_jobs_pods_share_the_work(bench, make_cluster, queue):
    items = [str(number) for number in range(30)]
    put(queue, items)
    worker, done = shell_worker(bench, '[ $((item % 7)) != 0 ] || [ "$WORK_ITEM_ATTEMPT" = 2 ] || exit 1')
    outcome = make_cluster(worker).run_job(overlays.text("drain"), queue.name, options=QUICKLY).wait()
    assert (outcome.condition, statuses(outcome)) == (COMPLETE, {0: 3}), outcome
    assert sorted(done(), key=int) == items
    queue.assert_empty()


def test_a_drain_job_completes_though_a_pod_dead_lettered_an_item(bench, make_cluster, queue):
    put(queue, FRUITS)
    worker, done = shell_worker(bench, '[ "$item" != fig ] || exit 7')
    options = {**QUICKLY, "--max-attempts": "1"}
    outcome = make_cluster(worker).run_job(overlays.text("drain"), queue.name, options=options).wait()
    assert (outcome.condition, outcome.failed) == (COMPLETE, 1), outcome
    assert len(done()) == 7
    assert [body for _, _, body in queue.dead.take_all()] == [b"fig"]


def test_an_image_that_knows_nothing_of_it(bench, make_cluster, queue):
    """The init container provides the binary, and the ConfigMap provides the worker."""
    put(queue, FRUITS)
    outcome = make_cluster().run_job(overlays.text("inject"), queue.name).wait()
    assert (outcome.condition, len(outcome.pods)) == (COMPLETE, 8), outcome
    done = [re.findall("^Processing .*$", pod.log, re.MULTILINE) for pod in outcome.pods]
    assert sorted(done) == [[f"Processing {fruit}"] for fruit in FRUITS]
    queue.assert_empty()


def test_the_probe_of_a_pod_that_works(bench, make_cluster, queue):
    put(queue, ["apple"])
    worker = bench.worker("hold")
    job = make_cluster(as_script(bench, worker)).run_job(
        overlays.text("tutorial"), queue.name, change=lambda spec: spec.update(completions=1)
    )
    worker.wait_for("holding")
    (pod,), (container,) = job.pods, job.pod_spec["containers"]
    probe = pod.execute(container, container["livenessProbe"]["exec"]["command"])
    worker.go()
    assert probe.returncode == 0, probe
    assert job.wait().condition == COMPLETE


def test_a_pod_of_the_deployment_lets_its_worker_end(bench, make_cluster, queue):
    put(queue, ["apple", "banana"])
    worker = bench.worker("hold")
    objects = overlays.objects("deployment")
    (deployment,) = (each for each in objects if each["kind"] == "Deployment")
    template = copy.deepcopy(deployment["spec"]["template"])
    template["spec"]["restartPolicy"] = "Never"  # With a restart the test would not see its end.
    spec = {"podReplacementPolicy": "Failed", "template": template}
    once = {"kind": "Job", "metadata": {"name": "once"}, "spec": spec}
    job = make_cluster(as_script(bench, worker)).run_job([*objects, once], queue.name)
    worker.wait_for("holding")
    (pod,), (container,) = job.pods, job.pod_spec["containers"]
    assert pod.execute(container, container["readinessProbe"]["exec"]["command"]).returncode == 0
    job.delete(pod)
    worker.go()
    assert (job.wait().condition, pod.exit_codes, worker.runs) == (COMPLETE, {"worker": 0}, 1), pod
    queue.assert_untouched(1)


def test_the_cron_jobs_job_declares_and_publishes(bench, make_cluster):
    queue = bench.work_queue("quorum", declare=False)
    objects = overlays.objects("cronjob")
    (cron_job,) = (each for each in objects if each["kind"] == "CronJob")
    job = {"kind": "Job", "metadata": {"name": "published"}, "spec": cron_job["spec"]["jobTemplate"]["spec"]}
    here = make_cluster()
    for _ in range(2):  # The second time, the queue exists.
        assert here.run_job(copy.deepcopy([*objects, job]), queue.name).wait().condition == COMPLETE
    assert sorted(body for _, _, body in queue.take_all()) == [b"apple"] * 2 + [b"banana"] * 2 + [b"cherry"] * 2


def test_a_scaled_jobs_jobs_complete_though_one_is_too_many(bench, make_cluster, queue):
    put(queue, ["apple"])
    worker, done = shell_worker(bench, "")
    objects = overlays.objects("keda")
    (scaled,) = (each for each in objects if each["kind"] == "ScaledJob")
    job = {"kind": "Job", "metadata": {"name": "scaled"}, "spec": scaled["spec"]["jobTargetRef"]}
    here = make_cluster(worker)
    two = [here.run_job(copy.deepcopy([*objects, job]), queue.name, options=QUICKLY) for _ in range(2)]
    assert [each.wait().condition for each in two] == [COMPLETE] * 2
    assert done() == ["apple"]
    queue.assert_empty()


def test_each_item_passes_the_steps(bench, make_cluster, queue):
    put(queue, FRUITS)
    outcome = make_cluster().run_job(overlays.text("steps"), queue.name, options=QUICKLY).wait()
    assert (outcome.condition, statuses(outcome, "runner")) == (COMPLETE, {0: 8}), outcome
    assert sorted(pod.log for pod in outcome.pods) == [f"Processing {fruit.upper()}\n" for fruit in FRUITS]
    queue.assert_empty()
