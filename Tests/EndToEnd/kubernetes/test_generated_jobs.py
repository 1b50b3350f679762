"""What `amqp-job manifest` writes, read back: it keeps to the conventions of k8s/, and its Jobs run here under the rules
of Kubernetes' Job controller."""

import pathlib
import shlex

import pytest

from support import conventions
from support import kubernetes
from support import manifests
from support import readme
from support import tls
from support.cluster import COMPLETE, FRUITS, QUICKLY, put, shell_worker, statuses

JOB = ["job", "--image", "python:3.13-alpine"]
INJECTED = pytest.mark.parametrize("injection", ["--inject", "--inject=image-volume"])


def manifest(bench, *arguments, worker=("./worker.py",)):
    """The YAML."""
    result = bench.run(*arguments, worker=worker, command="manifest")
    manifests.objects(result)
    return result.stdout.decode()


@INJECTED
def test_a_job_for_eight_items_is_one_pod_an_item(bench, make_cluster, queue, injection):
    put(queue, FRUITS)
    text = manifest(bench, *JOB, "--queue", queue.name, injection)
    worker, done = shell_worker(bench, "")
    outcome = make_cluster(worker).run_job(text, queue.name, options=QUICKLY).wait()
    assert (outcome.condition, statuses(outcome)) == (COMPLETE, {0: 8}), outcome
    assert sorted(done()) == FRUITS
    queue.assert_empty()


def examples(bench):
    """The lines of "On Kubernetes" and of the help that have an image without amqp-job take items."""
    lines = readme.shell_lines(readme.section(readme.page("OnKubernetes"), "Generate manifests"))
    lines += bench.run("--help-all", command="manifest", url=None).stdout.decode().splitlines()
    return [shlex.split(line.partition(" | ")[0])[2:] for line in lines if " job " in line and " --inject " in line and " -- " in line]


def test_the_examples_work_as_they_stand(bench, make_cluster):
    """The images have the command, and that takes an item."""
    found, cluster = examples(bench), make_cluster()
    assert len(found) == 2
    for words in found:
        queue = bench.work_queue("quorum", *[fruit.encode() for fruit in FRUITS[:3]])
        separator = words.index("--")
        options = [queue.name if before == "-q" else word for before, word in zip([""] + words, words[:separator])]
        text = manifest(bench, *options, worker=words[separator + 1:])
        outcome = cluster.run_job(text, queue.name, options=QUICKLY).wait()
        assert (outcome.condition, statuses(outcome)) == (COMPLETE, {0: 3}), outcome
        assert sorted(pod.log.strip() for pod in outcome.pods) == FRUITS[:3]
        queue.assert_empty()


def test_two_items_that_fail_once_are_ten_pods_and_eight_successes(bench, make_cluster, queue):
    put(queue, FRUITS)
    text = manifest(bench, *JOB, "--queue", queue.name, "--inject")
    worker, done = shell_worker(bench, 'case $item in banana | grape) [ "$WORK_ITEM_ATTEMPT" = 2 ] || exit 7 ;; esac')
    outcome = make_cluster(worker).run_job(text, queue.name, options=QUICKLY).wait()
    assert (outcome.condition, statuses(outcome), outcome.failed) == (COMPLETE, {0: 8, 7: 2}, 2), outcome
    assert sorted(done()) == FRUITS
    queue.assert_empty()


def test_a_job_that_drains(bench, make_cluster, queue):
    put(queue, FRUITS)
    text = manifest(bench, *JOB, "--queue", queue.name, "--inject", "--drain", "--parallelism", "3")
    worker, done = shell_worker(bench, "")
    outcome = make_cluster(worker).run_job(text, queue.name, options=QUICKLY).wait()
    assert (outcome.condition, statuses(outcome)) == (COMPLETE, {0: 3}), outcome
    assert sorted(done()) == FRUITS
    queue.assert_empty()


@pytest.mark.parametrize("authority, condition, status", [("ca", "Complete", 0), ("other-ca", "Failed", 77)])
def test_a_job_by_tls(bench, make_cluster, queue, authority, condition, status):
    put(queue, ["apple"])
    text = manifest(
        bench, *JOB, "--queue", queue.name, "--inject", "--tls-secret", "broker-tls", "--completions", "1",
        "--backoff-limit", "0")
    secret = {
        "kind": "Secret", "metadata": {"name": "broker-tls"},
        "stringData": {"ca.crt": pathlib.Path(tls.pem(authority)).read_text()}}
    worker, done = shell_worker(bench, "")
    outcome = make_cluster(worker).run_job(
        [*kubernetes.load_all(text), secret], queue.name, url=tls.url(tls.port(bench)), options=QUICKLY).wait()
    assert (outcome.condition[0], statuses(outcome)) == (condition, {status: 1}), outcome
    assert done() == (["apple"] if status == 0 else [])


@pytest.mark.parametrize("words", [["$(QUEUE)"], ["$$(QUEUE)"], ["$$"], ["a b", "", "--x", "ü"]], ids=str)
def test_the_worker_gets_its_words_as_they_are(bench, make_cluster, queue, words):
    put(queue, ["apple"])
    text = manifest(bench, *JOB, "--queue", queue.name, "--inject", worker=["./worker.py", *words])
    worker = bench.script('for word; do printf "<%s>" "$word"; done')
    outcome = make_cluster(worker[0]).run_job(text, queue.name, options=QUICKLY).wait()
    assert outcome.condition == COMPLETE, outcome
    assert [pod.log for pod in outcome.pods] == ["".join(f"<{word}>" for word in words)]


@INJECTED
@pytest.mark.parametrize(
    "arguments",
    [
        ["job", "--completions", "8"],
        ["job", "--drain"],
        ["job", "--drain", "--on-term", "finish", "--timeout", "10m"],
        ["cronjob", "--schedule", "0 * * * *"],
        ["deployment"],
        ["deployment", "--timeout", "10m", "--grace", "1m"],
        ["scaledjob"],
        ["scaledobject"],
    ],
    ids=" ".join,
)
def test_conventions(bench, arguments, injection):
    text = manifest(bench, *arguments, "--queue", "job1", "--image", "python:3.13-alpine", injection)
    assert conventions.violations(kubernetes.load_all(text)) == []


def test_the_brokers_conventions(bench):
    result = bench.run("broker", command="manifest", url=None)
    objects = kubernetes.load_all(result.stdout.decode())
    assert [workload.kind for workload in conventions.workloads(objects)] == ["StatefulSet"]
    assert conventions.violations(objects) == []
