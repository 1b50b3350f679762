"""The recipes: each is run as it stands, apart from the queues' names."""

import re
import shutil
import signal
import subprocess

import pytest

from support import fetched
from support import readme
from support.processes import wait_until
from support.snippets import WORKER, Outcome, assert_outcome

pytestmark = pytest.mark.any_broker

COMPOSE = readme.ROOT / "examples/compose.yaml"
RECIPES = dict(re.findall(r"^## (.*?)$.*?```shell\n(.*?)^```", readme.page("Recipes"), re.MULTILINE | re.DOTALL))
FRUITS = {"fruits.csv": "name,count\nfig,2\nplum,3\n", "fruits.txt": "nut\ndate\n"}
OUTCOMES = {
    "Priorities": Outcome("melon", [b"apple"]),
    "Results": Outcome("APPLE!\nPEAR!\n", [], told="(?:amqp-job: .*\n)*"),
    "Later": Outcome("applepear", [], told="(?:amqp-job: .*\n)*"),
    "Whose output is it?": Outcome("a-1\teats apple\npear", []),
    "Many small items": Outcome("10\n10\n5\n", [], told="(?:amqp-job: .*\n)*"),
    "All done?": Outcome(
        "there is something left\npearall done\n", [], before=[b"pear"], told="amqp-job: .* is not drained.*\n(?:amqp-job: .*\n)?"),
    "Through an exchange": Outcome("", [b"apple"]),
    "Long work": Outcome(
        "FILM", [], told="(?:amqp-job: .* is declared without a consumer timeout: .*\n)?",
        files={"render.sh": "#!/bin/sh\ntr a-z A-Z\n"}),
    "CSV and HTTP": Outcome("", [b"fig,2", b"plum,3", b"nut", b"date"], before=[], files=FRUITS),
    "Docker": Outcome("Processing nut\n", [b"date"], files=FRUITS),
}


def test_each_recipe_has_an_outcome():
    assert set(RECIPES) == set(OUTCOMES)
    assert all(2 <= len(text.splitlines()) <= 6 for text in RECIPES.values())


@pytest.mark.parametrize("title", OUTCOMES)
def test_recipe(bench, title):
    text = RECIPES[title]
    if "curl" in text and not shutil.which("curl"):
        pytest.skip("no curl here")
    assert_outcome(bench, text, OUTCOMES[title])


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
    assert broker["image"] in readme.page("Recipes") and "broker" in compose()["volumes"]
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
