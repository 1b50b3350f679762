"""The commands for a cluster in the README and in "On Kubernetes": amqp-job takes them, and what they write keeps to the
conventions."""

import shlex

import pytest

from support import conventions
from support import manifests
from support import readme

pytestmark = pytest.mark.any_broker

README = (readme.ROOT / "README.md").read_text()
LINES = readme.shell_lines(
    readme.section(README, "As a Kubernetes Job") + readme.section(readme.page("OnKubernetes"), "Generate manifests")
    + readme.section(readme.page("OnKubernetes"), "Workers in containers of their own")
    + readme.section(readme.page("Scaling"), "With KEDA"))


def test_each_kind_is_shown():
    assert {shlex.split(line)[2] for line in LINES} == set(manifests.OBJECTS)


@pytest.mark.parametrize("line", LINES)
def test_line(bench, line):
    words = shlex.split(line, comments=True)
    end = words.index("|") if "|" in words else len(words)
    assert words[:2] == ["amqp-job", "manifest"] and words[end + 1:end + 2] in ([], ["kubectl"])
    queue = bench.work_queue("quorum", *[b"item"] * 8)
    words = [queue.name if word == "job1" else word for word in words]
    separator = words.index("--") if "--" in words[:end] else end
    result = bench.run(*words[2:separator], worker=words[separator + 1:end] or None, command="manifest")
    objects = manifests.objects(result)
    expected = ["Deployment"] if {"--lead", "--from"} & set(words) else manifests.OBJECTS[words[2]]
    if "--scale-by" in words:
        expected = ["Deployment", "ScaledObject"]
    assert [each["kind"] for each in objects] == expected
    assert conventions.violations(objects) == []
