"""The example of the page "On Kubernetes" that changes the output of `amqp-job manifest`, as kubectl builds it."""

import copy
import shlex

import pytest

from support import conventions
from support import kubernetes
from support import manifests
from support import overlays
from support import readme

pytestmark = pytest.mark.any_broker

SECTION = readme.section(readme.page("OnKubernetes"), "Patch a manifest")
MANIFEST, APPLY, DELETE = readme.shell_lines(SECTION)
(KUSTOMIZATION,) = readme.blocks(SECTION, "yaml")


def test_it_adds_what_it_says_and_changes_nothing_else(bench):
    words = shlex.split(MANIFEST)
    assert words[:2] == ["amqp-job", "manifest"] and words[-1] == ">job.yaml"
    for verb, line in (("apply", APPLY), ("delete", DELETE)):
        assert shlex.split(line, comments=True) == ["kubectl", verb, "-k", "."]
    separator = words.index("--")
    result = bench.run(*words[2:separator], worker=words[separator + 1:-1], command="manifest", url=None)
    (job,) = manifests.objects(result)
    folder = bench.path("kustomized")
    folder.mkdir()
    (folder / "job.yaml").write_bytes(result.stdout)
    (folder / "kustomization.yaml").write_text(KUSTOMIZATION)

    (changed,) = kubernetes.load_all(overlays.build(folder))
    kubernetes.validate(changed)
    assert conventions.violations([changed]) == []
    rest = copy.deepcopy(changed)
    spec = rest["spec"]["template"]["spec"]
    (sidecar,) = spec.pop("initContainers")
    (term,) = spec.pop("affinity")["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert rest == job
    assert sidecar["restartPolicy"] == "Always"
    labels = changed["spec"]["template"]["metadata"]["labels"]
    assert term["podAffinityTerm"]["labelSelector"]["matchLabels"].items() <= labels.items()
