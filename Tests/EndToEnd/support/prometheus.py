"""Prometheus: its promtool, a server that scrapes what a test has started, and what its expressions select."""

import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from support.processes import wait_until

# A variable of Grafana, and what a test puts in its place.
VARIABLES = {"$__rate_interval": "1m", "$namespace": ".*", "$queue": ".*"}
GROUPING = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)")
SELECTOR = re.compile(r"(?:[a-zA-Z_:][\w:]*)?\{[^}]*\}")
NAME = re.compile(r"(?<![\w:.])[a-zA-Z_:][\w:]*(?![\w:]|\s*\()")
OPERATORS = {"and", "or", "unless", "bool", "offset"}


def promtool(*words, text=None):
    """Runs promtool, and returns what it prints. Fails if it finds something."""
    done = subprocess.run(["promtool", *map(str, words)], input=text, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def without_variables(expression):
    """An expression of a dashboard as one for Prometheus."""
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    return expression


def selectors(expression):
    """What the expression selects: each metric, with its labels where it has some."""
    rest = GROUPING.sub("", expression)
    found = SELECTOR.findall(rest)
    rest = re.sub(r'"[^"]*"|\[[^]]*\]', "", SELECTOR.sub("", rest))
    return {*found, *(name for name in NAME.findall(rest) if name not in OPERATORS)}


class Prometheus:
    """A Prometheus on loopback, for as long as the context lasts. It keeps what it needs in the directory. `targets` are
    {job: (address, what else its configuration has)}."""

    def __init__(self, directory, targets, rules):
        directory.mkdir()
        configuration = directory / "prometheus.json"  # JSON is YAML, too.
        configuration.write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)],
            "scrape_configs": [
                {"job_name": job, **more, "static_configs": [{"targets": [address]}]}
                for job, (address, more) in targets.items()],
        }))
        self._log = directory / "log"
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={directory / 'data'}",
                 "--web.listen-address=127.0.0.1:0", "--log.format=json"],
                env={}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self):
        try:
            self._url = "http://" + wait_until(self._address, what="an address of Prometheus")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def _address(self):
        assert self._process.poll() is None, self._log.read_text()
        lines = [json.loads(line) for line in self._log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return next((line["address"] for line in lines if line.get("msg") == "Listening on"), None)

    def _get(self, path, **parameters):
        """The data of an answer of its HTTP API. It has none before it has read its data."""
        try:
            query = urllib.parse.urlencode(parameters)
            with urllib.request.urlopen(f"{self._url}/api/v1/{path}?{query}", timeout=30) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            assert error.code == 503, error.read()
            return {}

    def up(self):
        """The targets that it has read, and what is wrong with the others: {job: "up", or an error}."""
        return {
            each["labels"]["job"]: "up" if each["health"] == "up" else each["lastError"]
            for each in self._get("targets").get("activeTargets", [])}

    def query(self, expression):
        """The value of the expression now, as [(labels, value)]."""
        return [
            (each["metric"], float(each["value"][1])) for each in self._get("query", query=expression).get("result", [])]
