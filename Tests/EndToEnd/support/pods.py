"""Pods as local processes. This does what a kubelet does with a pod's spec, as far as amqp-job can tell the difference.

- Init containers run one after the other, and then the containers run side by side. The pod has succeeded if every
container exits 0. With restartPolicy Never no container is started again.
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/

- An init container with restartPolicy Always is a native sidecar. The next container starts when its startup probe has
succeeded. When the pod's containers have ended, the sidecars get TERM, the last one first. Their exit statuses do not count.
https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/

- A command is command + args, or the image's entrypoint + args. Exit status 128 + s stands for the signal s, and 128
for a command that cannot be started.

- When a pod is deleted, the first process of each container gets TERM, and KILL after terminationGracePeriodSeconds.
Sidecars get it when the others have ended. A container ends with its first process.

- The environment is the manifest's, with the variables that every pod gets for the Service `kubernetes`. In a command
or a variable, $(NAME) is replaced by the variable of that name, and $$ by $.
https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/

An image is a folder that stands for its root. A pod has no file system of its own. A word of the command or a value of
the environment may be a path in one of the pod's volumes or in its image. It becomes the path of that file on this
machine. Limits, users and read-only mounts are therefore not seen. Other probes than those of a sidecar's startup run only
when a test asks for them."""

import base64
import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import threading

from support import containers


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
        self.node, self.name, self.spec, self._ended = node, name, spec, ended
        self.phase, self.error = "Running", None
        self.conditions = set()  # The types of the conditions that are true.
        self.terminating = False
        self.exit_codes = {}  # The keys are names of containers.
        self._running, self._sidecars, self._lock, self._kill_timer = {}, [], threading.Lock(), None
        self._is_killed = False
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
            self._kill_timer = threading.Timer(self._grace, self.kill)
            self._kill_timer.daemon = True
            self._kill_timer.start()

    def kill(self):
        """Kills each container, as the end of the grace period and a node's crash do."""
        with self._lock:
            self._is_killed = True
            self._signal(signal.SIGKILL)
            for sidecar in self._sidecars:
                sidecar.kill()

    def execute(self, container, words):
        """Runs a command in this container, as its exec probes do."""
        return subprocess.run(
            self._words(container, words), env=self._environment(container), capture_output=True, text=True, timeout=60
        )

    # How it runs

    def _run(self):
        succeeded = False
        try:
            succeeded = self._initialize() and self._run_all(self.spec["containers"])
            for sidecar in reversed(self._sidecars):
                sidecar.stop(self._grace)
                self.exit_codes[sidecar.name] = sidecar.status
        except Exception as error:  # Whoever waits for the pod gets the error.
            self.error = error
        with self._lock:
            self.phase = "Succeeded" if succeeded else "Failed"
            if self._kill_timer:
                self._kill_timer.cancel()
        self._ended(self)

    def _initialize(self):
        """Runs the init containers, one after the other. Returns whether the others may start."""
        return all(
            self._start_sidecar(each) if each.get("restartPolicy") == "Always" else self._run_all([each])
            for each in self.spec.get("initContainers", [])
        )

    def _start_sidecar(self, container):
        sidecar = containers.Sidecar(container, self._launch, self.execute)
        with self._lock:
            if self._is_ending:
                return False
            self._sidecars.append(sidecar)
        return sidecar.start(lambda: self._is_ending)

    def _run_all(self, specs):
        """Runs these containers side by side. Returns whether all of them exit 0."""
        for each in specs:
            with self._lock:
                running = None if self._is_ending else self._launch(each)
                if running:
                    self._running[each["name"]] = running
                elif not self._is_ending:
                    self.exit_codes[each["name"]] = containers.CANNOT_START
        for name, running in list(self._running.items()):
            self.exit_codes[name] = running.wait()
            del self._running[name]
        return all(self.exit_codes.get(each["name"]) == 0 for each in specs)

    def _launch(self, container):
        """Starts it. Returns None if it cannot be started."""
        words = [*container.get("command", self.node.images[container["image"]].entrypoint), *container.get("args", [])]
        with open(self._log, "ab") as log:
            try:
                return containers.Running(
                    self._words(container, words), log, env=self._environment(container),
                    cwd=self._local(container, container.get("workingDir", "/")),
                )
            except OSError as error:
                log.write(f"{error}\n".encode())
                return None

    @property
    def _is_ending(self):
        return self.terminating or self._is_killed

    @property
    def _grace(self):
        return self.spec.get("terminationGracePeriodSeconds", 30)

    def _signal(self, number):
        for running in list(self._running.values()):
            running.signal(number)

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
        return [self._local_word(container, expand(word, variables)) for word in words]

    def _local_word(self, container, word):
        option, directory, path = word.partition("=dir:")
        return option + directory + self._local(container, path) if path else self._local(container, word)

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
