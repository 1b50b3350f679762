"""The overlays of k8s/, built as `kubectl apply -k` builds them."""

import functools
import pathlib
import subprocess

from support import fetched
from support import kubernetes

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "k8s"
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/kustomization.yaml"))


@functools.lru_cache(maxsize=None)
def text(name):
    return build(FOLDER / name)


def build(folder):
    """What `kubectl kustomize` prints."""
    words = [fetched.program("kubectl"), "kustomize", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), f"{words}: {done}"
    return done.stdout


def objects(name):
    return kubernetes.load_all(text(name))
