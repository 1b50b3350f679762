"""Pods as local processes. This does what a kubelet does with a pod's spec, as far as amqp-job can tell the difference.

- Init containers run one after the other, and then the containers run side by side. The pod has succeeded if every
container exits 0. With restartPolicy Never no container is started again.
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/

- A command is command + args, or the image's entrypoint + args. Exit status 128 + s stands for the signal s, and 128
for a command that cannot be started.

- When a pod is deleted, the first process of each container gets TERM, and KILL after terminationGracePeriodSeconds. A
container ends with its first process.

- The environment is the manifest's, with the variables that every pod gets for the Service `kubernetes`. In a command
or a variable, $(NAME) is replaced by the variable of that name, and $$ by $.
https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/

An image is a folder that stands for its root. A pod has no file system of its own. A word of the command or a value of
the environment may be a path in one of the pod's volumes or in its image. It becomes the path of that file on this
machine. Limits, users and read-only mounts are therefore not seen, and probes run only when a test asks for them."""

import base64
import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import threading

CANNOT_START = 128


@dataclasses.dataclass
class Image:
    root: pathlib.Path
    entrypoint: tuple = ()


def expand(text, variables):
    """The text with its references to variables replaced. A reference to a missing variable stays."""
    return re.sub(
        r"\$(?:\$|\(([^)]*)\))", lambda match: "$" if match[0] == "$$" else variables.get(match[1], match[0]), text
    )


class Node:
    """Where pods run, and the objects that they may refer to."""

    def __init__(self, directory, environment, images, objects=()):
        """`environment` is for each process, beside the pod's own. `images` is {reference: Image}. `objects` are the
        Secrets and ConfigMaps of one namespace."""
        self.directory, self.environment, self.images = directory, environment, images
        self.objects = {(each["kind"], each["metadata"]["name"]): each for each in objects}

    def data(self, kind, name):
        """{key: text}."""
        found = self.objects[kind, name]
        data = found.get("data", {})
        if kind == "Secret":
            data = {key: base64.b64decode(value).decode() for key, value in data.items()}
        return {**data, **found.get("stringData", {})}

    def folder(self, volume, pod_directory):
        """The local folder that stands for a volume of the pod."""
        if "image" in volume:
            return self.images[volume["image"]["reference"]].root
        folder = pod_directory / "volumes" / volume["name"]
        folder.mkdir(parents=True)
        if "configMap" in volume:
            self.fill(folder, self.data("ConfigMap", volume["configMap"]["name"]), volume["configMap"])
        elif "secret" in volume:
            self.fill(folder, self.data("Secret", volume["secret"]["secretName"]), volume["secret"])
        elif "emptyDir" not in volume:
            raise NotImplementedError(f"a volume like {volume}")
        return folder

    @staticmethod
    def fill(folder, data, volume):
        for key, text in data.items():
            (folder / key).write_text(text)
            (folder / key).chmod(volume.get("defaultMode", 0o644))


class Pod:
    """`ended(pod)` is called once, from another thread, when the pod has reached a final phase."""

    def __init__(self, node, name, spec, ended):
        if spec.get("restartPolicy") != "Never":
            raise NotImplementedError(f"restartPolicy {spec.get('restartPolicy')}")
        if any("restartPolicy" in each for each in spec.get("initContainers", [])):
            raise NotImplementedError("a sidecar")
        self.node, self.name, self.spec, self._ended = node, name, spec, ended
        self.phase, self.error = "Running", None
        self.conditions = set()  # The types of the conditions that are true.
        self.terminating = False
        self.exit_codes = {}  # The keys are names of containers.
        self._processes, self._lock, self._kill_timer = {}, threading.Lock(), None
        directory = node.directory / name
        directory.mkdir(parents=True)
        self._log = directory / "log"
        self._folders = {each["name"]: node.folder(each, directory) for each in spec.get("volumes", [])}

    def start(self):
        threading.Thread(target=self._run, daemon=True).start()

    def __repr__(self):
        return f"Pod({self.name}, {self.phase}, {self.exit_codes}, {self.log!r})"

    @property
    def log(self):
        """The output of its containers."""
        return self._log.read_text(errors="surrogateescape") if self._log.exists() else ""

    def delete(self):
        """Asks the pod to end, as an eviction, `kubectl delete pod` and the Job controller do."""
        with self._lock:
            if self.terminating or self.phase != "Running":
                return
            self.terminating = True
            self._signal(signal.SIGTERM)
            self._kill_timer = threading.Timer(self.spec.get("terminationGracePeriodSeconds", 30), self.kill)
            self._kill_timer.daemon = True
            self._kill_timer.start()

    def kill(self):
        """Kills each container, as the end of the grace period and a node's crash do."""
        with self._lock:
            self._signal(signal.SIGKILL)

    def execute(self, container, words):
        """Runs a command in this container, as its exec probes do."""
        return subprocess.run(
            self._words(container, words), env=self._environment(container), capture_output=True, text=True, timeout=60
        )

    # How it runs

    def _run(self):
        succeeded = False
        try:
            if all(self._run_all([container]) for container in self.spec.get("initContainers", [])):
                succeeded = self._run_all(self.spec["containers"])
        except Exception as error:  # Whoever waits for the pod gets the error.
            self.error = error
        with self._lock:
            self.phase = "Succeeded" if succeeded else "Failed"
            if self._kill_timer:
                self._kill_timer.cancel()
        self._ended(self)

    def _run_all(self, containers):
        """Runs these containers side by side. Returns whether all of them exit 0."""
        for container in containers:
            self._launch(container)
        for name, process in list(self._processes.items()):
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            with self._lock:  # Its process id is not reused before that.
                os.killpg(process.pid, signal.SIGKILL)
                status = process.wait()
                del self._processes[name]
            self.exit_codes[name] = 128 - status if status < 0 else status
        return all(self.exit_codes.get(container["name"]) == 0 for container in containers)

    def _launch(self, container):
        words = [*container.get("command", self.node.images[container["image"]].entrypoint), *container.get("args", [])]
        with self._lock, open(self._log, "ab") as log:
            if self.terminating:
                return
            try:
                self._processes[container["name"]] = subprocess.Popen(
                    self._words(container, words), env=self._environment(container), stdin=subprocess.DEVNULL,
                    stdout=log, stderr=log, cwd=self._local(container, container.get("workingDir", "/")),
                    start_new_session=True,
                )
            except OSError as error:
                log.write(f"{error}\n".encode())
                self.exit_codes[container["name"]] = CANNOT_START

    def _signal(self, number):
        for process in self._processes.values():
            os.kill(process.pid, number)

    # What the manifest says, on this machine

    def _local(self, container, path):
        mounts = {each["mountPath"]: self._folders[each["name"]] for each in container.get("volumeMounts", [])}
        for mount in sorted(mounts, key=len, reverse=True):
            if path == mount or path.startswith(mount + "/"):
                return f"{mounts[mount]}{path[len(mount):]}"
        in_image = f"{self.node.images[container['image']].root}{path}"
        return in_image if path.startswith("/") and pathlib.Path(in_image).exists() else path

    def _words(self, container, words):
        variables = self._variables(container)
        return [self._local(container, expand(word, variables)) for word in words]

    def _environment(self, container):
        made = dict(self.node.environment)
        made["PATH"] = f"{self.node.images[container['image']].root}/usr/local/bin:{made['PATH']}"
        made |= {"KUBERNETES_PORT": "tcp://10.96.0.1:443", "KUBERNETES_SERVICE_HOST": "10.96.0.1"}
        made["HOSTNAME"] = self.name
        variables = self._variables(container)
        return {**made, **{name: self._local(container, value) for name, value in variables.items()}}

    def _variables(self, container):
        variables = {}
        for each in container.get("env", []):
            variables[each["name"]] = expand(self._value(each), variables)
        return variables

    def _value(self, variable):
        if "value" in variable:
            return variable["value"]
        (kind, reference), = variable["valueFrom"].items()
        if kind == "fieldRef" and reference["fieldPath"] == "metadata.name":
            return self.name
        return self.node.data({"secretKeyRef": "Secret", "configMapKeyRef": "ConfigMap"}[kind], reference["name"])[
            reference["key"]
        ]
