"""k8s/ and the output of `amqp-job manifest` can share a namespace: neither overwrites an object of the other."""

import pytest

from support import kubernetes
from support import manifests
from support import overlays

pytestmark = pytest.mark.any_broker


def names(objects):
    """The (kind, name) of each object, and of the volume and the pod of a StatefulSet."""
    found = {(each["kind"], each["metadata"]["name"]) for each in objects}
    return found | {("Pod", f"{name}-0") for kind, name in found if kind == "StatefulSet"} | {
        ("PersistentVolumeClaim", f"data-{name}-0") for kind, name in found if kind == "StatefulSet"}


@pytest.fixture
def generated(bench):
    """The objects with their default names, for the same queue."""
    broker = manifests.objects(bench.run("broker", command="manifest", url=None))
    found = names([*broker, *(each for kind in manifests.KINDS for each in manifests.make(bench, kind))])
    assert {("Secret", "rabbitmq"), ("StatefulSet", "rabbitmq"), ("Job", "job1"), ("ScaledJob", "job1")} <= found
    return found


def test_no_name_is_in_both(generated):
    for name in overlays.NAMES:
        assert not names(overlays.objects(name)) & generated, name
    for path in overlays.FOLDER.glob("*/*.yaml"):  # These are applied by themselves.
        objects = kubernetes.load_all(path.read_text())
        assert not names(each for each in objects if each["kind"] != "Kustomization") & generated, path


def test_no_selector_is_for_both(bench):
    """No Service or StatefulSet selects the other's pods."""
    (service, server) = manifests.objects(bench.run("broker", command="manifest", url=None))[1:]
    labels = server["spec"]["template"]["metadata"]["labels"]
    base = {each["kind"]: each["spec"] for each in overlays.objects("base") if each["kind"] != "Secret"}
    own = base["StatefulSet"]["template"]["metadata"]["labels"]
    assert not base["Service"]["selector"].items() <= labels.items()
    assert not base["StatefulSet"]["selector"]["matchLabels"].items() <= labels.items()
    assert not service["spec"]["selector"].items() <= own.items()
    assert not server["spec"]["selector"]["matchLabels"].items() <= own.items()
