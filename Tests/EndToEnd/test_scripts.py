"""scripts/build on a machine where something is missing: what it asks of the system, told by programs in its place."""

import os
import pathlib
import re
import subprocess

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
pytestmark = [
    pytest.mark.any_broker,
    pytest.mark.skipif(os.geteuid() != 0 or not pathlib.Path("/var/lib/dpkg").is_dir(), reason="needs root, on Debian"),
]

NEEDS = re.search(r"^build_needs=\((.*)\)", (REPOSITORY / "scripts/lib/build.sh").read_text(), re.MULTILINE)[1].split()


@pytest.fixture
def build(bench):
    """Runs scripts/build where a package is missing until apt-get has installed it. The tools are a few of the system's,
    and ours in the place of the others."""
    tools = bench.path("tools")
    tools.mkdir()
    for name in ("bash", "env", "cat", "dirname", "mktemp", "tee", "grep", "rm", "flock", "touch"):
        (tools / name).symlink_to(f"/usr/bin/{name}")

    def place(name, text):
        (tools / name).write_text("#!/bin/sh\n" + text)
        (tools / name).chmod(0o755)

    def build(missing, swift=True):
        log, done = bench.path("log"), bench.path("installed")
        place("dpkg-query", f'for name; do :; done; case $name in {missing}) [ -e {done} ] || exit 1 ;; esac; printf installed\n')
        place("apt-get", f'echo "$*" >>{log}; case " $* " in *" --simulate "*) ;; *) touch {done} ;; esac\n')
        if swift:
            place("swift", f'[ -e {done} ] || {{ echo "error: not found" >&2; exit 1; }}\n'
                  'case "$*" in *--show-bin-path) echo /built ;; esac\n')
        result = subprocess.run(
            [REPOSITORY / "scripts/build"], env={"PATH": str(tools)}, capture_output=True, text=True, timeout=20)
        return result, log.read_text() if log.exists() else ""

    return build


@pytest.mark.parametrize("missing", NEEDS)
def test_what_is_missing_is_installed(build, missing):
    result, asked = build(missing)
    assert (result.returncode, result.stdout) == (0, "/built/amqp-job\n"), result
    assert f"Installing with apt-get, which may take a minute: {missing}\n" in result.stderr
    assert f"install --yes --no-install-recommends {missing}\n" in asked


def test_without_swift_nothing_is_installed(build):
    result, asked = build(NEEDS[0], swift=False)
    assert (result.returncode, asked) == (69, ""), result
    assert "https://www.swift.org" in result.stderr


def test_the_image_has_what_a_build_needs():
    dockerfile = (REPOSITORY / "k8s/Dockerfile").read_text()
    assert set(NEEDS) <= set(dockerfile.split())
