"""The recipes in the README: each is run as it stands, but for the queues' names."""

import contextlib
import dataclasses
import http.server
import pathlib
import re
import shutil
import signal
import subprocess
import threading

import pytest

from support import fetched
from support import readme
from support.processes import wait_until

pytestmark = pytest.mark.any_broker

ROOT = pathlib.Path(__file__).resolve().parents[3]
WORKER = ROOT / "k8s/tutorial/worker.py"
COMPOSE = ROOT / "examples/compose.yaml"
RECIPES = dict(re.findall(
    r"^\*\*(.*?)\.?\*\*.*?```shell\n(.*?)^```", readme.section((ROOT / "README.md").read_text(), "Recipes"),
    re.MULTILINE | re.DOTALL))


@dataclasses.dataclass
class Outcome:
    printed: str
    left: list  # items in the queue
    before: list | None = None  # items in it as the recipe begins; None: no queue
    told: str = ""  # a pattern of what is on standard error


OUTCOMES = {
    "Priorities": Outcome("melon", [b"apple"]),
    "Results": Outcome("42: APPLE\n", []),
    "All done?": Outcome(
        "there is something left\npearall done\n", [], before=[b"pear"], told="amqp-job: .* is not drained.*\n(?:amqp-job: .*\n)?"),
    "Through an exchange": Outcome("", [b"apple"]),
    "Work of more than 30 minutes": Outcome("FILM", [], told="(?:amqp-job: .* is declared without a consumer timeout: .*\n)?"),
    "CSV, and what HTTP serves": Outcome("", [b"fig,2", b"plum,3", b"nut", b"date"], before=[]),
    "Docker": Outcome("Processing nut\n", [b"date"]),
}
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


def test_each_recipe_has_an_outcome():
    assert set(RECIPES) == set(OUTCOMES)
    assert all(2 <= len(text.splitlines()) <= 6 for text in RECIPES.values())


@pytest.mark.parametrize("title", OUTCOMES)
def test_recipe(bench, title):
    text = RECIPES[title]
    if "curl" in text and not shutil.which("curl"):
        pytest.skip("no curl here")
    expected = OUTCOMES[title]
    kind = "classic" if "--type classic" in text else "quorum"
    queue = bench.work_queue(kind, *(expected.before or []), declare=expected.before is not None)
    results = bench.work_queue("quorum", declare=False)
    programs = bench.directory / "programs"
    programs.mkdir()
    (programs / "amqp-job").symlink_to(bench.binary)
    bench.file("programs/docker", ENGINE, mode=0o755)
    bench.file("render.sh", "#!/bin/sh\ntr a-z A-Z\n", mode=0o755)
    bench.file("fruits.csv", "name,count\nfig,2\nplum,3\n")
    bench.file("fruits.txt", "nut\ndate\n")
    text = re.sub(r"\bjob1\b", queue.name, text)
    text = re.sub(r"\bresults\b", results.name, text).replace("/app/worker.py", str(WORKER))
    text = text.replace("amqp://guest:guest@rabbitmq", bench.broker.url)
    with serving(bench.directory) as address:
        result = subprocess.run(
            ["bash", "-euc", text.replace("https://example.org", address)], cwd=bench.directory, capture_output=True, text=True,
            timeout=40, check=False,
            env=bench.environment(
                PATH=f"{programs}:/usr/bin:/bin", BROKER_URL=None if "-e BROKER_URL" in text else bench.broker.url))
    assert (result.returncode, result.stdout) == (0, expected.printed), result
    assert re.fullmatch(expected.told, result.stderr), result
    assert [body for _, _, body in queue.take_all()] == expected.left


def compose():
    return fetched.package("yaml").safe_load(COMPOSE.read_text())


def test_the_compose_file_is_one():
    if not shutil.which("docker-compose"):
        pytest.skip("no docker-compose here")
    checked = subprocess.run(["docker-compose", "-f", COMPOSE, "config", "--quiet"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_what_the_compose_file_starts(bench):
    """Its commands, without their containers."""
    services = compose()["services"]
    broker, declare, worker = services["rabbitmq"], services["declare"], services["worker"]
    assert declare["environment"] == worker["environment"] == {"BROKER_URL": "amqp://guest:guest@rabbitmq"}
    assert broker["image"] in (ROOT / "README.md").read_text() and "broker" in compose()["volumes"]
    queue = bench.work_queue("quorum", declare=False)
    words = {"job1": queue.name, "/app/worker.py": str(WORKER)}
    made = [words.get(word, word) for word in declare["command"]]
    assert bench.run(*made[1:], command=made[0], url=None, env={"BROKER_URL": bench.broker.url}).status == 0
    queue.put(b"apple")
    program, command, *rest = [words.get(word, word) for word in worker["command"]]
    runner = bench.start(*rest, command=command, url=None, env={"BROKER_URL": bench.broker.url})
    assert program == "amqp-job"
    wait_until(lambda: runner.stdout == b"Processing apple\n", what="the worker's line")
    runner.send(signal.SIGTERM)
    assert runner.finish().status == 0
