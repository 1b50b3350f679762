"""Runs the commands of a page as they stand, apart from names of queues, addresses, and programs that are not here."""

import contextlib
import dataclasses
import http.server
import re
import subprocess
import threading

from support import readme

WORKER = readme.ROOT / "k8s/tutorial/worker.py"


@dataclasses.dataclass
class Outcome:
    printed: str  # a pattern of standard output
    left: list | int | None  # items in the queue, or how many; None: no queue
    before: list | None = None  # items in it as the commands begin; None: no queue
    told: str = ""  # a pattern of what is on standard error
    files: dict = dataclasses.field(default_factory=dict)  # what is in the folder where they run


# An engine that knows the images of the recipe, and runs what they have here.
ENGINE = """#!/bin/bash
action=$1
shift
while [[ $action == run && $1 == -* ]]; do
  case $1 in
  -e) export "$2" && shift 2 ;;
  --name | --network) shift 2 ;;
  -d | -i | --rm) shift ;;
  *) break ;;
  esac
done
case "$action $1" in
'network create' | 'run rabbitmq:4.3' | 'compose -f') ;;
'run amqp-job:1') exec amqp-job "${@:2}" ;;
'run job-wq-1:1') exec "${@:2}" ;;
*) echo "docker: unexpected: $*" >&2; exit 125 ;;
esac
"""


@contextlib.contextmanager
def serving(directory):
    """The address of a server of what is in the folder."""
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(directory))

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def place_programs(bench):
    """The folder of the programs that a page's commands start."""
    programs = bench.path("programs")
    programs.mkdir()
    (programs / "amqp-job").symlink_to(bench.binary)
    bench.file("programs/docker", ENGINE, mode=0o755)
    return programs


def run_in_bash(bench, text, **environment):
    """What bash says of the commands, which are in a folder of their own. The first that fails is the last."""
    programs = place_programs(bench)
    return subprocess.run(
        ["bash", "-euc", text], cwd=bench.directory, capture_output=True, text=True, timeout=50, check=False,
        env=bench.environment(PATH=f"{programs}:/usr/bin:/bin", **environment))


def assert_outcome(bench, text, expected):
    """Runs the commands, with a queue of the test's own in the place of the page's."""
    kind = "classic" if "--type classic" in text else "quorum"
    queue = bench.work_queue(kind, *(expected.before or []), declare=expected.before is not None)
    results = bench.work_queue("quorum", declare=False)
    for name, content in expected.files.items():
        bench.path(name).parent.mkdir(exist_ok=True)
        bench.file(name, content, mode=0o755)
    text = re.sub(r"\b(job1|celery)\b", queue.name, text)
    text = re.sub(r"\bresults\b", results.name, text).replace("/app/worker.py", str(WORKER))
    text = text.replace("amqp://guest:guest@rabbitmq", bench.broker.url)
    with serving(bench.directory) as address:
        result = run_in_bash(
            bench, text.replace("https://example.org", address),
            BROKER_URL=None if "-e BROKER_URL" in text else bench.broker.url)
    assert result.returncode == 0 and re.fullmatch(expected.printed, result.stdout), result
    assert re.fullmatch(expected.told, result.stderr), result
    if expected.left is None:
        assert not queue.exists()
    else:
        bodies = [body for _, _, body in queue.take_all()]
        assert expected.left in (bodies, len(bodies)), bodies
