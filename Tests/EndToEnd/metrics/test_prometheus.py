"""A real Prometheus reads `run`, `publish`, `lead` and RabbitMQ, and finds in them all that the rules and the
dashboard of k8s/monitoring ask for."""

import re
import signal
import subprocess
import time

import pytest

from support import fetched
from support import readme
from support.election import Election
from support.item_source import Publishers
from support.metrics import get, port_of
from support.monitoring import EXPRESSIONS, MONITORS, RULE_FILE
from support.processes import wait_until
from support.prometheus import Prometheus, promtool, selectors

yaml = fetched.package("yaml")
METRICS = ("--metrics", "127.0.0.1:0")


@pytest.fixture
def processes(spare):
    """One of each kind. One item is done, and another one is dead."""
    spare.queue("classic").put(b"an item that nobody takes", timestamp=int(time.time()) - 60)
    queue = spare.work_queue("quorum")
    queue.put(b"good", b"bad", timestamp=int(time.time()) - 60)
    runner = spare.start(
        "-q", queue.name, "--forever", "--max-attempts", "1", "-v", *METRICS, worker=["grep", "-qv", "bad"])
    inbox = spare.path("inbox")
    inbox.mkdir()
    spare.file("inbox/apple", "apple")
    publisher = Publishers(spare).start(f"dir:{inbox}", *METRICS)
    candidate = Election(spare).start("pod-a", *METRICS)
    lines = spare.start("-q", queue.name, "-v", *METRICS, command="publish", stdin=subprocess.PIPE)
    started = {"worker": runner, "inbox": publisher, "planner": candidate, "lines": lines}
    yield started
    lines.process.stdin.close()
    for each in (runner, publisher, candidate):
        each.send(signal.SIGTERM)
    for each in started.values():
        assert each.finish().status == 0


def check_pages(ports):
    """promtool has nothing to say of what they serve, and the documentation has each metric, with its type."""
    served = {}
    for port in ports:
        text = get(port, "/metrics", accept="text/plain")[2]
        assert promtool("check", "metrics", text=text) == ""
        served |= dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    assert served == dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", readme.page("Monitoring"), re.MULTILINE))


def test_a_real_prometheus_finds_what_rules_and_dashboard_ask_for(spare, processes):
    ports = {job: port_of(process) for job, process in processes.items()}
    targets = {job: (f"127.0.0.1:{port}", {}) for job, port in ports.items()}
    (endpoint,) = MONITORS["example-rabbitmq"]["podMetricsEndpoints"]
    rules = spare.file("rules.yaml", yaml.safe_dump(RULE_FILE))
    wanted = set().union(*map(selectors, EXPRESSIONS))
    assert len(wanted) > 30
    with spare.broker.metrics() as port:
        targets["rabbitmq"] = f"127.0.0.1:{port}", {"metrics_path": endpoint["path"], "params": endpoint["params"]}
        with Prometheus(spare.path("prometheus"), targets, rules) as prometheus:
            wait_until(lambda: prometheus.up() == dict.fromkeys(targets, "up"), what="all of them up")
            for each in sorted(wanted):
                wait_until(lambda: prometheus.query(f"count({each})"), what=f"what {each} selects")
    check_pages(ports.values())
