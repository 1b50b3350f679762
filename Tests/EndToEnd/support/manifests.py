"""Runs `amqp-job manifest`, and reads its objects as Kubernetes reads them."""

import re

from support import kubernetes

KINDS = ("job", "cronjob", "deployment", "scaledjob", "scaledobject")
JOBS, SERVICES = ("job", "cronjob", "scaledjob"), ("deployment", "scaledobject")
IMAGE = "example/worker:1"
COMMAND = ("./worker.py",)
OBJECTS = {
    "job": ["Job"], "cronjob": ["CronJob"], "deployment": ["Deployment", "HorizontalPodAutoscaler"],
    "scaledjob": ["TriggerAuthentication", "ScaledJob"],
    "scaledobject": ["Deployment", "TriggerAuthentication", "ScaledObject"],
    "broker": ["Secret", "Service", "StatefulSet"],
}
# Options that a kind needs when no broker is asked.
NEEDS = {"job": ["--completions", "5"], "cronjob": ["--schedule", "*/5 * * * *"]}


def run(bench, kind, *options, command=COMMAND, queue="job1", image=IMAGE, url=None, **more):
    """Runs `amqp-job manifest` for workers of this kind. It asks a broker only if there is a URL."""
    needs = [] if url or {"--drain", "--completions", "--schedule"} & set(options) else NEEDS.get(kind, [])
    words = [kind, *needs, *options]
    words += ([f"--queue={queue}"] if queue else []) + (["--image", image] if image else [])
    return bench.run(*words, "--", *command, command="manifest", url=url, **more)


def objects(result):
    """The objects that were written. Each has been validated."""
    assert (result.status, result.stderr) == (0, ""), result
    found = kubernetes.load_all(result.stdout.decode())
    for each in found:
        kubernetes.validate(each)
    return found


def make(bench, kind, *options, **more):
    """The objects for workers of this kind."""
    found = objects(run(bench, kind, *options, **more))
    assert [each["kind"] for each in found] == OBJECTS[kind]
    return found


def job_spec(kind, found):
    if kind == "cronjob":
        return found[0]["spec"]["jobTemplate"]["spec"]
    return found[-1]["spec"]["jobTargetRef"] if kind == "scaledjob" else found[0]["spec"]


def pod(kind, found):
    """The specification of the workers' pods."""
    holder = found[0]["spec"] if kind in ("deployment", "scaledobject") else job_spec(kind, found)
    return holder["template"]["spec"]


def templates(kind, found):
    """The templates within the objects: of pods, and of the Jobs that make pods."""
    made = [found[0]["spec"]["jobTemplate"]] if kind == "cronjob" else []
    holder = found[0]["spec"] if kind in SERVICES else job_spec(kind, found)
    return [*made, holder["template"]]


def container(kind, found):
    (worker,) = pod(kind, found)["containers"]
    return worker


def arguments(kind, found):
    """The runner's own arguments."""
    command = container(kind, found)["command"]
    return command[2:command.index("--")]


def expand(text, variables):
    """Replaces `$(NAME)` and `$$` in a command or a variable, as the kubelet does."""
    def replace(match):
        name = match[1]
        return "$" if name is None else variables.get(name, match[0])
    return re.sub(r"\$(?:\$|\(([^)]*)\))", replace, text)


def environment(worker, secrets):
    """The container's variables. `secrets` has the values for keys of Secrets."""
    found = {}
    for variable in worker["env"]:
        if "value" in variable:
            found[variable["name"]] = expand(variable["value"], found)
        else:
            found[variable["name"]] = secrets[variable["valueFrom"]["secretKeyRef"]["key"]]
    return found


def command(worker, secrets):
    """The command that is started in the container, and its variables."""
    variables = environment(worker, secrets)
    return [expand(word, variables) for word in worker["command"]], variables
