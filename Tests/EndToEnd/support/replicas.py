"""The pods of a Deployment or a CronJob as local processes, without their controllers."""

import copy
import socket
import threading

from support import pods
from support.processes import wait_until


class Replicas:
    """`change(spec)` changes each pod's spec before it starts."""

    def __init__(self, bench, objects, template, names, change):
        secret = {"BROKER_URL": bench.broker.url}
        made = [{"kind": "Secret", "metadata": {"name": name}, "stringData": secret} for name in ("example-rabbitmq", "rabbitmq")]
        runner, python = bench.path("images/runner"), bench.path("images/python")
        runner.mkdir(parents=True)
        python.mkdir()
        (runner / "amqp-job").symlink_to(bench.binary)
        images = {
            "amqp-job:1": pods.Image(runner, ("/amqp-job",)), "python:3.13-alpine": pods.Image(python),
            "example/planner:1": pods.Image(python),
        }
        node = pods.Node(bench.path("node"), bench.environment(), images, [*objects, *made])
        self.pods, self.ended = [], {}
        for name in names:
            spec = copy.deepcopy(template) | {"restartPolicy": "Never"}
            change(spec)
            self.ended[name] = threading.Event()
            self.pods.append(pods.Pod(node, name, spec, lambda pod: self.ended[pod.name].set()))
        for pod in self.pods:
            pod.start()

    def wait_for_end(self, pod):
        wait_until(self.ended[pod.name].is_set, what=f"the end of {pod.name}")

    def end(self):
        for pod in self.pods:
            pod.delete()
        for pod in self.pods:
            self.wait_for_end(pod)


def replace(container, values):
    """Gives options other values, {"--option=": value}, where the container has them."""
    for words in (container.get("args", []), container.get("command", [])):
        for index, word in enumerate(words):
            words[index] = next((name + value for name, value in values.items() if word.startswith(name)), word)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
