"""Runs the Jobs of manifests on this machine. Their pods are local processes, under the rules of Kubernetes' Job
controller."""

import collections
import shutil

from support import job_controller
from support import kubernetes
from support import pods

FRUITS = ["apple", "banana", "cherry", "date", "fig", "grape", "lemon", "melon"]
QUICKLY = {"--retry-delay": "200ms", "--wait-first": "1s"}  # These replace times that suit a real cluster.
COMPLETE = ("Complete", "")


def put(queue, items):
    if items:
        queue.put(*[item.encode() for item in items])


def shell_worker(bench, text):
    """A worker that runs `text`, and then writes its item to a log. Returns the worker and the log."""
    log = bench.path("done")
    log.touch()
    (path,) = bench.script(f'item=$(cat); {text}\necho "$item" >>{log}')
    return path, lambda: log.read_text().split()


def statuses(outcome, container="worker"):
    return collections.Counter(pod.exit_codes[container] for pod in outcome.pods)


def replace_option(words, name, value):
    """Sets an option of `amqp-job run` to another value, or adds it."""
    for index, word in enumerate(words[: words.index("--")] if "--" in words else words):
        if word.startswith(name + "="):
            words[index] = f"{name}={value}"
            return
        if word == name:
            words[index + 1] = value
            return
    words.insert(words.index("run") + 1, f"{name}={value}")


class Cluster:
    """A node with the images that manifests name. `amqp-job:1` has the runner alone, and `job-wq-1:1` also has `worker` as
    /app/worker.py. `python:3.13-alpine` and `busybox:1.37` are the system of this machine, with `worker` as /worker.py."""

    def __init__(self, bench, worker=None):
        self.bench, self.jobs = bench, []
        runner, tutorial, python = (bench.path(f"images/{name}") for name in ("runner", "tutorial", "python"))
        for path in (runner / "amqp-job", tutorial / "usr/local/bin/amqp-job"):
            path.parent.mkdir(parents=True)
            shutil.copy(bench.binary, path)
        python.mkdir()
        if worker is not None:
            (tutorial / "app").mkdir()
            shutil.copy(worker, tutorial / "app/worker.py")
            shutil.copy(worker, python / "worker.py")
        self.images = {
            "amqp-job:1": pods.Image(runner, ("/amqp-job",)),
            "job-wq-1:1": pods.Image(tutorial),
            "python:3.13-alpine": pods.Image(python),
            "busybox:1.37": pods.Image(python),
        }

    def run_job(self, manifest, queue, url=None, options=None, back_off_seconds=0.05, change=None):
        """Starts the Job of a manifest, which is YAML or a list of objects.

        `queue` is a name that replaces job1. `url` replaces the broker's URL in the Secrets, which need not exist.
        `options` replaces values of options of `amqp-job run`, because times for retries and pauses suit a real
        cluster. `change(spec)` changes the Job's spec."""
        objects = kubernetes.load_all(manifest) if isinstance(manifest, str) else manifest
        (job,) = (each for each in objects if each["kind"] == "Job")
        url = {"BROKER_URL": url or self.bench.broker.url}
        secrets = set()
        spec = job["spec"]["template"]["spec"]
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            for variable in container.get("env", []):
                if variable.get("value") == "job1":
                    variable["value"] = queue
                if variable["name"] == "BROKER_URL":
                    secrets.add(variable["valueFrom"]["secretKeyRef"]["name"])
            words = container.get("command", container.get("args"))
            if "run" in words:
                for name, value in (options or {}).items():
                    replace_option(words, name, value)
            for index, word in enumerate(words):
                words[index] = {"job1": queue, "--queue=job1": f"--queue={queue}"}.get(word, word)
        if change:
            change(job["spec"])
        made = [{"kind": "Secret", "metadata": {"name": name}, "stringData": url} for name in secrets]
        directory = self.bench.path(f"nodes/{len(self.jobs)}")
        node = pods.Node(directory, self.bench.environment(), self.images, [*objects, *made])
        self.jobs.append(job_controller.Job(job, node, back_off_seconds))
        return self.jobs[-1]

    def close(self):
        for job in self.jobs:
            job.close()
