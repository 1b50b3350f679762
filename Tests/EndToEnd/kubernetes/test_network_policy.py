"""Who may connect to whom under k8s/network-policy. The rules are those of
https://kubernetes.io/docs/concepts/services-networking/network-policies/. A pod that no policy selects may do
anything in that direction. Otherwise the policies that select it allow what they list. Both ends have to allow a
connection."""

import itertools

import pytest

from support import conventions
from support import kubernetes
from support import overlays

pytestmark = pytest.mark.any_broker

NAMESPACE = {"kubernetes.io/metadata.name": "default"}
OTHER = {"app.kubernetes.io/name": "other", "app.kubernetes.io/component": "worker"}
DNS = {"k8s-app": "kube-dns"}
SYSTEM = {"kubernetes.io/metadata.name": "kube-system"}
KEDA = {"kubernetes.io/metadata.name": "keda"}
OPERATOR = {"app": "keda-operator"}
MONITORING = {"kubernetes.io/metadata.name": "monitoring"}
PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}


def selects(selector, labels):
    assert set(selector) <= {"matchLabels"}, selector
    return selector.get("matchLabels", {}).items() <= labels.items()


def is_peer(peer, namespace, labels):
    assert set(peer) <= {"namespaceSelector", "podSelector"}, peer
    if not selects(peer.get("podSelector", {}), labels):
        return False
    return selects(peer["namespaceSelector"], namespace) if "namespaceSelector" in peer else namespace == NAMESPACE


def may(policies, direction, pod, other, protocol, port):
    """Whether the pod may have such a connection in this direction. A pod is (labels of its namespace, own labels)."""
    kind, peers = {"egress": ("Egress", "to"), "ingress": ("Ingress", "from")}[direction]
    selecting = [
        each["spec"]
        for each in policies
        if pod[0] == NAMESPACE and kind in each["spec"]["policyTypes"] and selects(each["spec"]["podSelector"], pod[1])
    ]
    rules = itertools.chain.from_iterable(spec.get(direction, []) for spec in selecting)
    return not selecting or any(
        any(is_peer(peer, *other) for peer in rule[peers])
        and any((each["protocol"], each["port"]) == (protocol, port) for each in rule["ports"])
        for rule in rules
    )


def reaches(policies, source, target, protocol="TCP", port=5672):
    return may(policies, "egress", source, target, protocol, port) and may(
        policies, "ingress", target, source, protocol, port
    )


def here(labels):
    return NAMESPACE, labels


@pytest.fixture
def policies():
    return overlays.objects("network-policy")


def pods(component=None):
    """{name: labels} of all pods in k8s/, or of those of one component."""
    found = {}
    for name in overlays.NAMES:
        for workload in conventions.workloads(overlays.objects(name)):
            labels = workload.template["metadata"]["labels"]
            if component in (None, labels["app.kubernetes.io/component"]):
                found[f"{name}: {workload.kind} {workload.name}"] = labels
    return found


BROKER = here(next(iter(pods("broker").values())))
CLIENTS = {what: labels for what, labels in pods().items() if labels != BROKER[1]}


@pytest.mark.parametrize("what", CLIENTS)
def test_what_runs_amqp_job_reaches_names_and_the_broker_and_nothing_else(policies, what):
    pod = here(CLIENTS[what])
    assert reaches(policies, pod, BROKER)
    assert reaches(policies, pod, (SYSTEM, DNS), "UDP", 53) and reaches(policies, pod, (SYSTEM, DNS), "TCP", 53)
    assert not reaches(policies, pod, BROKER, port=15672)
    assert not reaches(policies, pod, here(OTHER))
    assert not reaches(policies, pod, (SYSTEM, OTHER), "UDP", 53)
    assert not reaches(policies, here(OTHER), pod) and not reaches(policies, pod, pod)


def test_nothing_else_reaches_the_broker(policies):
    assert reaches([], here(OTHER), BROKER)  # Only the policies forbid this.
    assert not reaches(policies, here(OTHER), BROKER)
    assert not reaches(policies, (KEDA, OPERATOR), BROKER)
    assert not reaches(policies, (KEDA, next(iter(CLIENTS.values()))), BROKER)


def test_with_its_file_keda_does(policies):
    policies = policies + kubernetes.load_all((overlays.FOLDER / "network-policy/keda.yaml").read_text())
    assert reaches(policies, (KEDA, OPERATOR), BROKER)
    assert not reaches(policies, (KEDA, OTHER), BROKER) and not reaches(policies, here(OPERATOR), BROKER)
    assert all(reaches(policies, here(labels), BROKER) for labels in CLIENTS.values())


def test_with_its_file_prometheus_reads_metrics_and_nothing_else(policies):
    policies = policies + kubernetes.load_all((overlays.FOLDER / "network-policy/prometheus.yaml").read_text())
    for prometheus, allowed in ((MONITORING, PROMETHEUS), True), ((MONITORING, OTHER), False), (here(PROMETHEUS), False):
        assert reaches(policies, prometheus, BROKER, port=15692) == allowed
        assert all(reaches(policies, prometheus, here(labels), port=9464) == allowed for labels in CLIENTS.values())
        assert not reaches(policies, prometheus, BROKER)
    assert all(reaches(policies, here(labels), BROKER) for labels in CLIENTS.values())
