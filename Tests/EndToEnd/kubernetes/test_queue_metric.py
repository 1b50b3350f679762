"""The length of a queue as a metric. The rule for prometheus-adapter of the page "On Kubernetes"
(https://github.com/kubernetes-sigs/prometheus-adapter/blob/master/docs/config.md and externalmetrics.md) connects
what RabbitMQ reports with what the autoscaler of `amqp-job manifest deployment` asks for."""

import re
import shlex
import urllib.request

import pytest

from support import fetched
from support import manifests
from support import readme
from support.processes import wait_until

yaml = fetched.package("yaml")
SECTION = readme.section(readme.page("OnKubernetes"), "Queue length as a metric")
(CONFIGURATION,) = readme.blocks(SECTION, "yaml")
((RULE,),) = yaml.safe_load(CONFIGURATION).values()
(MANIFEST,) = readme.blocks(SECTION, "shell")
PATH = "/metrics/per-object"


def matches(query, name, labels):
    """Whether the selector selects the series. It supports equality and inequality only."""
    found = re.findall(r'(\w+)(=|!=)"([^"]*)"', query)
    assert "{" + ",".join(f'{label}{sign}"{value}"' for label, sign, value in found) + "}" == query
    series = {"__name__": name, **labels}
    return all((series.get(label, "") == value) == (sign == "=") for label, sign, value in found)


@pytest.mark.any_broker
def test_the_rule_makes_the_metric_that_the_autoscaler_asks_for(bench):
    assert list(yaml.safe_load(CONFIGURATION)) == ["externalRules"]
    assert set(RULE) <= {"seriesQuery", "seriesFilters", "resources", "name", "metricsQuery"}
    assert RULE["resources"] == {"overrides": {"namespace": {"resource": "namespace"}}}
    metric = manifests.make(bench, "deployment")[1]["spec"]["metrics"][0]["external"]["metric"]
    assert RULE["name"]["as"] == metric["name"]
    (label,) = metric["selector"]["matchLabels"]
    assert f'{label}!=""' in RULE["seriesQuery"] and RULE["metricsQuery"].endswith(f" by ({label})")
    assert set(re.findall("<<(.*?)>>", RULE["metricsQuery"])) == {".Series", ".LabelMatchers"}


@pytest.mark.any_broker
def test_the_broker_says_where_it_tells_it(bench):
    words = shlex.split(MANIFEST.replace("\\\n", " "))
    found = manifests.objects(bench.run(*words[2:words.index("|")], command="manifest", url=None))
    assert found[-1]["spec"]["template"]["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true", "prometheus.io/port": "15692", "prometheus.io/path": PATH}


def read(port):
    """What the plugin serves, as [(name, labels, value)]."""
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}{PATH}", timeout=10).read().decode()
    return [
        (name, dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value))
        for name, labels, value in re.findall(r"^(\w+)\{(.*)\} (\S+)$", text, re.MULTILINE)]


def test_the_rule_finds_what_rabbitmq_tells(spare):
    queue = spare.queue("quorum", b"a", b"b")
    with spare.broker.metrics() as port:
        def found():
            return [
                each for each in read(port) if matches(RULE["seriesQuery"], *each[:2]) and each[1]["queue"] == queue.name
                and re.search(RULE["name"]["matches"], each[0])]

        # The broker updates its counts every few seconds.
        wait_until(lambda: [value for _, _, value in found()] == [2], 30, "the queue's two items in the metrics")
        ((_, labels, _),) = found()
    (fixed,) = re.findall(r'>>,(\w+)="(.*?)"\}', RULE["metricsQuery"])
    assert labels[fixed[0]] == fixed[1]
