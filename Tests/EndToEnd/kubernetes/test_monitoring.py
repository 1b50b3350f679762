"""k8s/monitoring: promtool takes its rules, and alerts fire when they should; the dashboard is one; and what is to be
scraped has a port."""

import pathlib
import subprocess

import pytest

from support import conventions
from support import fetched
from support import overlays
from support import readme
from support.monitoring import DASHBOARD, MONITORS, OBJECTS, PANEL_EXPRESSIONS, PANELS, RULE_FILE, RULES
from support.prometheus import promtool, selectors

pytestmark = pytest.mark.any_broker
yaml = fetched.package("yaml")

TESTS = yaml.safe_load(pathlib.Path(__file__).with_name("alerts.yaml").read_text())
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}


def write(path, value):
    path.write_text(yaml.safe_dump(value))
    return path


# Rules


def test_a_prometheus_without_a_cluster(tmp_path):
    """The page has its configuration, and the command that makes its rules."""
    section = readme.section(readme.page("Monitoring"), "Prometheus without a cluster")
    make, check = readme.shell_lines(section)
    assert make in (overlays.FOLDER / "monitoring/rules.yaml").read_text()
    source, _, name = make.partition(">")
    done = subprocess.run(source, shell=True, cwd=readme.ROOT, capture_output=True, text=True, timeout=60)
    assert yaml.safe_load(done.stdout) == RULE_FILE, done
    (tmp_path / name).write_text(done.stdout)
    assert check == f"promtool check rules {name}"
    assert f"{len(RULES)} rules found" in promtool("check", "rules", tmp_path / name)

    (text,) = readme.blocks(section, "yaml")
    configuration = yaml.safe_load(text)
    promtool("check", "config", write(tmp_path / "prometheus.yaml", configuration))
    (endpoint,) = MONITORS["example-rabbitmq"]["podMetricsEndpoints"]
    (rabbitmq,) = (each for each in configuration["scrape_configs"] if each["job_name"] == "rabbitmq")
    assert (rabbitmq["metrics_path"], rabbitmq["params"]) == (endpoint["path"], endpoint["params"])


def without_description(rule):
    return {**rule, "annotations": {"summary": rule["annotations"]["summary"]}} if "alert" in rule else rule


def test_alerts_fire_when_they_should(tmp_path):
    write(tmp_path / "amqp-job.rules.yaml", {"groups": [
        {**group, "rules": [without_description(rule) for rule in group["rules"]]} for group in RULE_FILE["groups"]]})
    promtool("test", "rules", write(tmp_path / "alerts.yaml", TESTS))


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_is_seen_to_fire_and_not_to_fire(name):
    looks = [
        look["exp_alerts"] for group in TESTS["tests"] for look in group["alert_rule_test"]
        if look["alertname"] == name]
    assert [] in looks and any(looks)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_to_do(name):
    assert set(ALERTS[name]["annotations"]) == {"summary", "description"}
    assert ALERTS[name]["labels"]["severity"] in ("warning", "critical")
    assert f"`{name}`" in readme.section(readme.page("Monitoring"), "Alerts")


# The dashboard


def test_each_expression_of_the_dashboard_can_be_evaluated(tmp_path):
    assert not any("$" in each for each in PANEL_EXPRESSIONS)
    rules = [{"record": f"panel{number}", "expr": each} for number, each in enumerate(PANEL_EXPRESSIONS)]
    path = write(tmp_path / "panels.yaml", {"groups": [{"name": "panels", "rules": rules}]})
    assert f"{len(rules)} rules found" in promtool("check", "rules", path)


def test_panels_have_places_of_their_own():
    taken = [
        (row, column) for panel in DASHBOARD["panels"] for place in [panel["gridPos"]]
        for row in range(place["y"], place["y"] + place["h"]) for column in range(place["x"], place["x"] + place["w"])]
    assert len(taken) == len(set(taken)) and max(column for _, column in taken) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_what_the_dashboard_refers_to_is_there():
    variables = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    assert variables.pop("datasource")["type"] == "datasource"
    assert set(variables) == {"namespace", "queue"}
    for each in [*variables.values(), *PANELS, *(target for panel in PANELS for target in panel["targets"])]:
        assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, each
    for panel in PANELS:
        labels = [target["refId"] for target in panel["targets"]]
        assert len(labels) == len(set(labels))


@pytest.mark.parametrize("expression, found", [
    ('sum by (a, b) (rate(x_total{c="d"}[5m])) / on (a) y:z > 0', {'x_total{c="d"}', "y:z"}),
    ('label_replace(max({__name__=~"x(y)?", q!=""} > 0) or on () z, "a", "$1", "b", "(.+)")',
     {'{__name__=~"x(y)?", q!=""}', "z"}),
    ("time() - histogram_quantile(0.9, x_bucket) unless y offset 5m", {"x_bucket", "y"}),
])
def test_what_an_expression_selects_is_found(expression, found):
    assert selectors(expression) == found


# What is scraped


@pytest.mark.parametrize("name", MONITORS)
def test_what_is_scraped_has_that_port(name):
    spec = MONITORS[name]
    pods = [
        each for each in conventions.workloads(OBJECTS)
        if spec["selector"]["matchLabels"].items() <= each.template["metadata"]["labels"].items()]
    (endpoint,) = spec["podMetricsEndpoints"]
    assert pods
    for pod in pods:
        assert spec["jobLabel"] in pod.template["metadata"]["labels"]
        ports = [port["name"] for container in pod.containers for port in container.get("ports", [])]
        assert endpoint["port"] in ports
