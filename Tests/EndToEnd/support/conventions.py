"""The conventions that every manifest here follows, beyond the schemas: one table of rules, and the workloads that the
rules apply to."""

import dataclasses

BROKER_CLIENTS = {"run", "publish", "declare", "status", "dead", "lead"}
LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component")
# The page "On Kubernetes" says what each status means.
FAILURE_RULES = [
    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [69, 75]}},
    {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [64, 78, 126, 127, 128]}},
]
GRACE, SETTLING = 20, 5  # In seconds: the default of --grace, and the longest time that settling may take after that.


@dataclasses.dataclass
class Workload:
    """A pod or a pod template, with the workload around it."""

    kind: str
    name: str
    labels: dict
    template: dict
    job: dict  # The spec of its Job, or {}.

    @property
    def spec(self):
        return self.template["spec"]

    @property
    def containers(self):
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    def running(self, *commands):
        """The containers that run `amqp-job COMMAND`."""
        return [each for each in self.containers if command(each) in commands]


def workloads(objects):
    for each in objects:
        kind, spec = each["kind"], each.get("spec", {})
        jobs = {"Job": spec, "CronJob": spec.get("jobTemplate", {}).get("spec"), "ScaledJob": spec.get("jobTargetRef")}
        job = jobs.get(kind, {})
        template = each if kind == "Pod" else job.get("template") or spec.get("template")
        if template:
            yield Workload(kind, each["metadata"]["name"], each["metadata"]["labels"], template, job)


def arguments(container):
    """The words after `amqp-job`, which is the entrypoint of its own image. [] if the container runs something else."""
    words = [*container.get("command", []), *container.get("args", [])]
    if "command" not in container and container["image"].partition(":")[0].endswith("amqp-job"):
        return words
    return words[1:] if words and words[0] in ("amqp-job", "/opt/amqp-job/amqp-job", "/amqp-job") else []


def command(container):
    return next(iter(arguments(container)), None)


def option(container, name):
    """The value of an option of `amqp-job run`. It is True for a flag, and None if the option is missing."""
    words = arguments(container)
    words = words[: words.index("--")] if "--" in words else words
    for index, word in enumerate(words):
        if word == name:
            following = words[index + 1 : index + 2]
            return following[0] if following and not following[0].startswith("-") else True
        if word.startswith(name + "="):
            return word.partition("=")[2]
    return None


def seconds(text):
    return float(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


def environment(container):
    return {each["name"]: each for each in container.get("env", [])}


def _is_hardened(workload, container):
    own, pod = container.get("securityContext", {}), workload.spec.get("securityContext", {})
    context = {**pod, **own}
    return (
        context.get("runAsNonRoot") is True
        and context.get("runAsUser", 0) > 0
        and context.get("seccompProfile") == {"type": "RuntimeDefault"}
        and own.get("allowPrivilegeEscalation") is False
        and own.get("capabilities") == {"drop": ["ALL"]}
        # RabbitMQ's image writes into several folders of its own.
        and (own.get("readOnlyRootFilesystem") is True or workload.labels[LABELS[2]] == "broker")
    )


def _has_resources(_, container):
    resources = container.get("resources", {})
    return {"cpu", "memory"} <= set(resources.get("requests", {})) and "memory" in resources.get("limits", {})


def _takes_the_url_from_a_secret(_, container):
    return command(container) not in BROKER_CLIENTS or any(
        "secretKeyRef" in each.get("valueFrom", {}) and each["valueFrom"]["secretKeyRef"]["key"] == "BROKER_URL"
        for each in container.get("env", [])
    )


def _names_the_port_of_its_metrics(_, container):
    address = option(container, "--metrics") or environment(container).get("AMQP_JOB_METRICS", {}).get("value")
    ports = {each["name"]: each["containerPort"] for each in container.get("ports", [])}
    return address is None or str(ports.get("metrics")) == address.rpartition(":")[2]


def _failure_rules(workload):
    rules = []
    for rule in workload.job.get("podFailurePolicy", {}).get("rules", []):
        requirement = dict(rule.get("onExitCodes", {}))
        requirement.pop("containerName", None)
        rules.append({**rule, **({"onExitCodes": requirement} if requirement else {})})
    return rules


def _gives_back_in_time(workload, container):
    grace = seconds(option(container, "--grace") or f"{GRACE}s") + SETTLING
    if (option(container, "--on-term") or ("finish" if option(container, "--forever") else "stop")) == "finish":
        timeout = option(container, "--timeout")
        grace = grace + seconds(timeout) if timeout else float("inf")
    return workload.spec.get("terminationGracePeriodSeconds", 30) >= grace


def _ends_or_not(workload, container):
    if not workload.job:
        return option(container, "--forever") is True
    if workload.job.get("completions") is None:
        return option(container, "--drain") is True
    return option(container, "--when-empty") == "exit"


def _volume(workload, container, path):
    mounts = {each["mountPath"]: each for each in container.get("volumeMounts", [])}
    volumes = {each["name"]: each for each in workload.spec.get("volumes", [])}
    return mounts.get(path, {}), volumes.get(mounts.get(path, {}).get("name"), {})


def _keeps_its_state(workload, container):
    variables = environment(container)
    _, state = _volume(workload, container, "/run/amqp-job")
    return (
        variables.get("AMQP_JOB_SPOOL_DIR", {}).get("value") == "/run/amqp-job"
        and variables.get("AMQP_JOB_LIVENESS_FILE", {}).get("value") == "/run/amqp-job/alive"
        and state.get("name") == "state" and "sizeLimit" in state.get("emptyDir", {})
        and "emptyDir" in _volume(workload, container, "/tmp")[1]
    )


def _is_probed(_, container):
    probe = container.get("livenessProbe", {})
    return (
        probe.get("exec", {}).get("command") == [container["command"][0], "check"]
        and (probe.get("periodSeconds"), probe.get("failureThreshold")) == (10, 3)
        and 1 < probe.get("timeoutSeconds", 1) <= 10
    )


def _has_its_binary(workload, container):
    if container["command"][0] != "/opt/amqp-job/amqp-job":
        return True
    mount, volume = _volume(workload, container, "/opt/amqp-job")
    if mount.get("readOnly") is not True or volume["name"] != "amqp-job":
        return False
    return "image" in volume or any(
        each["name"] == "install" and arguments(each) == ["install", "/opt/amqp-job"]
        and _volume(workload, each, "/opt/amqp-job")[1] == volume and "emptyDir" in volume
        for each in workload.spec.get("initContainers", [])
    )


def _socket(container):
    """The socket of a step, and its runner's name for it."""
    path = option(container, "--socket")
    return path, path.removeprefix("/run/amqp-job/").removesuffix(".sock")


def _is_a_sidecar(_, container):
    """It starts before its runner, which it holds back until it waits for items."""
    probe = container.get("startupProbe", {})
    expected = [container["command"][0], "check", "--socket", _socket(container)[0]]
    return container.get("restartPolicy") == "Always" and probe.get("exec", {}).get("command") == expected


def _is_one_of_its_runners(workload, container):
    words = [word for runner in workload.running("run") for word in arguments(runner)]
    path, name = _socket(container)
    state = _volume(workload, container, "/run/amqp-job")[1]
    return (
        f"--step={name}" in words and name == container["name"] and path.startswith("/run/amqp-job/")
        and all(state and state == _volume(workload, runner, "/run/amqp-job")[1] for runner in workload.running("run"))
    )


def _has_no_credentials(_, container):
    return not any("valueFrom" in each or each["name"].startswith("AMQP_") for each in container.get("env", []))


def _has_its_steps(workload, container):
    steps = [word.removeprefix("--step=") for word in arguments(container) if word.startswith("--step=")]
    directory = environment(container).get("AMQP_JOB_STEP_DIR", {}).get("value")
    return steps == [each["name"] for each in workload.running("step")] and (not steps or directory == "/run/amqp-job")


def _waits_for_its_queue(workload, container):
    """The container needs this only where it is not certain to exist already."""
    wait = option(container, "--wait-first")
    if workload.kind in ("CronJob", "ScaledJob"):
        return wait == "0s"
    # The broker may have been asked about the items when the Job was generated.
    is_generated = workload.labels.get("app.kubernetes.io/managed-by") == "amqp-job"
    return wait == "60s" or (wait == "0s" and is_generated and workload.job.get("completions") is not None)


POD_RULES = {
    "has the labels that Kubernetes recommends, those of its pods included": lambda it: all(
        it.labels.get(label) and it.labels[label] == it.template["metadata"]["labels"].get(label) for label in LABELS
    ),
    "gets no variables for Services": lambda it: it.spec.get("enableServiceLinks") is False,
    "gets no token": lambda it: it.spec.get("automountServiceAccountToken") is False,
}
JOB_RULES = {
    "starts each try as a pod": lambda it: it.spec.get("restartPolicy") == "Never",
    "replaces a pod when it has ended": lambda it: it.job.get("podReplacementPolicy") == "Failed",
    "has an end": lambda it: it.job.get("activeDeadlineSeconds", 0) > 0,
    "has a limit for failures": lambda it: "backoffLimit" in it.job,
    "knows what exit statuses mean": lambda it: _failure_rules(it) == FAILURE_RULES,
}
CONTAINER_RULES = {
    "is hardened": _is_hardened,
    "asks for what it needs": _has_resources,
    "has an image of a version": lambda _, it: ":" in it["image"] and not it["image"].endswith(":latest"),
    "takes the URL from a Secret": _takes_the_url_from_a_secret,
    "names the port of its metrics": _names_the_port_of_its_metrics,
}
RUNNER_RULES = {
    "ends when there is nothing more, or never": _ends_or_not,
    "waits for a queue that is not there yet": _waits_for_its_queue,
    "says how failures are tried again": lambda _, it: option(it, "--max-attempts") and option(it, "--retry-delay"),
    "may settle its item before the KILL": _gives_back_in_time,
    "keeps its state beside the read-only root": _keeps_its_state,
    "is probed": _is_probed,
    "has its binary": _has_its_binary,
    "has its steps, in their order": _has_its_steps,
}
STEP_RULES = {
    "starts before its runner": _is_a_sidecar,
    "is a step of its runner": _is_one_of_its_runners,
    "has no credentials": _has_no_credentials,
    "has its binary": _has_its_binary,
}

RULES_OF_COMMANDS = {"run": RUNNER_RULES, "step": STEP_RULES}


def violations(objects):
    """The violated rules, as sentences."""
    broken = []
    for workload in workloads(objects):
        subject = f"{workload.kind} {workload.name}"
        for rules in (POD_RULES, JOB_RULES if workload.job else {}):
            broken += [f"{subject}: not so: {rule}" for rule, holds in rules.items() if not holds(workload)]
        for container in workload.containers:
            rules = {**CONTAINER_RULES, **RULES_OF_COMMANDS.get(command(container), {})}
            subject = f"{workload.kind} {workload.name}, container {container['name']}"
            broken += [f"{subject}: not so: {rule}" for rule, holds in rules.items() if not holds(workload, container)]
    return broken
