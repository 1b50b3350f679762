"""`amqp-job completion`: the offers of interactive shells."""

import re
import shutil
import subprocess

import pytest

from support.shells import SHELLS

pytestmark = pytest.mark.any_broker

COMMANDS = {"run", "step", "lead", "publish", "declare", "status", "dead", "manifest", "check", "install", "man", "completion", "help"}
TOOLS = {"amqp-consume", "amqp-publish", "amqp-get", "amqp-declare-queue", "amqp-delete-queue"}
FILES, DIRECTORIES = {"a file", "a directory"}, {"a directory"}
KINDS = {"job", "cronjob", "deployment", "scaledjob", "scaledobject", "broker"}


@pytest.fixture(scope="module", params=SHELLS)
def shell(request, binary, tmp_path_factory):
    if not shutil.which(request.param):
        pytest.skip(f"no {request.param} here")
    directory = tmp_path_factory.mktemp(request.param)
    (directory / "a file").touch()
    (directory / "a directory").mkdir()
    made = SHELLS[request.param](binary, directory)
    yield made
    made.close()


@pytest.mark.parametrize("line, expected", [
    # Commands and actions, and none after one has been given
    ("amqp-job ", COMMANDS), ("amqp-job ru", {"run"}), ("amqp-job --v", {"--version"}), ("amqp-job help ", COMMANDS - {"help"}),
    ("amqp-job dead ", {"list", "show", "replay", "purge"}), ("amqp-job dead re", {"replay"}), ("amqp-job dead list li", set()),
    ("amqp-job dead --json sh", {"show"}), ("amqp-job dead --queue list ", {"list", "show", "replay", "purge"}),
    ("amqp-job dead list --js", {"--json"}), ("amqp-job manifest ", KINDS), ("amqp-job manifest job scaledjo", set()),
    ("amqp-job completion ", {"bash", "zsh", "fish"}), ("amqp-job man ", COMMANDS - {"help"} | TOOLS | {"amqp-job"}),
    ("amqp-job man amqp-g", {"amqp-get"}), ("amqp-job nope ", set()),
    # Values
    ("amqp-job declare --type ", {"quorum", "classic"}), ("amqp-job declare --type=q", {"--type=quorum"}),
    ("amqp-job run --when-empty ", {"wait", "exit"}), ("amqp-job status --log-format t", {"text"}),
    ("amqp-job status --until ", {"drained"}), ("amqp-job manifest job --inject im", {"image-volume"}),
    ("amqp-job manifest job --inject ", {"init", "image-volume"}), ("amqp-job manifest job --inject --ima", {"--image"}),
    ("amqp-job manifest job --inject init --ima", {"--image"}),
    ("amqp-job dead list --reason ti", {"timed-out"}), ("amqp-job dead purge --reason del", {"delivery_limit"}),
    ("amqp-job run --timeout ", set()), ("amqp-job run --spool-above ", set()), ("amqp-job run -n ", set()),
    ("amqp-job run --queue ", set()), ("amqp-job publish --header ", set()), ("amqp-job check --max-age ", set()),
    ("amqp-job run --url-file ", FILES), ("amqp-job run --spool-dir ", DIRECTORIES), ("amqp-job install ", DIRECTORIES),
    # Offers depend on the words before, however a shell treats : and =.
    ("amqp-job run --url amqp://a:b@c:1/ --dr", {"--drain", "--drain-timeout"}),
    ("amqp-job publish --header a=b --sk", {"--skip"}), ("amqp-job run --retry-delay=1s --raw", {"--raw-status"}),
    # Bodies are not files, but paths are.
    ("amqp-job publish -q x a", set()), ("amqp-job publish --file ", FILES), ("amqp-job publish --file -q x a", FILES),
    # Another command
    ("amqp-job run -q x -- bashb", {"bashbug"}), ("amqp-job run -q x bashb", {"bashbug"}),
    ("amqp-job run -- apropos-no-such", set()), ("amqp-job run -q x -- cat a", FILES), ("amqp-job run cat -q a", FILES),
    ("amqp-job manifest job -- cat a", FILES), ("amqp-job publish -- --js", set()),
    # The names of amqp-tools
    ("amqp-consume --prefetch", {"--prefetch-count"}), ("amqp-consume -q ", set()), ("amqp-consume -q x bashb", {"bashbug"}),
    ("amqp-consume -q x cat a", FILES), ("amqp-publish --pers", {"--persistent"}), ("amqp-get --cac", {"--cacert"}),
    ("amqp-get --authfile ", FILES), ("amqp-declare-queue --dur", {"--durable"}), ("amqp-delete-queue --if-e", {"--if-empty"}),
])
def test_shells_offer_words(shell, line, expected):
    assert shell.offers(line) == expected


def test_every_option_is_offered(shell, binary):
    for command in ("run", "manifest"):
        text = subprocess.run([binary, command, "--help-all"], capture_output=True, text=True, check=True).stdout
        options = set(re.findall(r"^  (?:-\w,|   ) (--[\w-]+)", text, re.MULTILINE))
        assert len(options) > 20 and options <= shell.offers(f"amqp-job {command} --"), command


def test_zsh_autoloads_the_completion(binary, tmp_path):
    if not shutil.which("zsh"):
        pytest.skip("no zsh here")
    folder = tmp_path / "functions"
    folder.mkdir()
    script = subprocess.run([binary, "completion", "zsh"], capture_output=True, check=True).stdout
    (folder / "_amqp-job").write_bytes(script)
    shell = SHELLS["zsh"](binary, tmp_path, folder)
    try:
        assert shell.offers("amqp-job dead ") == {"list", "show", "replay", "purge"}
        assert shell.offers("amqp-get --cac") == {"--cacert"}
    finally:
        shell.close()


@pytest.mark.parametrize("name", SHELLS)
def test_the_scripts_have_valid_syntax(binary, name):
    if not shutil.which(name):
        pytest.skip(f"no {name} here")
    script = subprocess.run([binary, "completion", name], capture_output=True, check=True).stdout
    checked = subprocess.run([name, "-n"], input=script, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_another_shell_is_refused(binary):
    result = subprocess.run([binary, "completion", "csh"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (64, "") and "csh" in result.stderr


def test_the_shell_may_be_a_path(bench):
    by_name, by_path = (bench.run(shell, command="completion", url=None) for shell in ("bash", "/usr/bin/bash"))
    assert by_path.status == 0 and by_path.stdout == by_name.stdout != b""
    bench.run("/bin/sh-x", command="completion", url=None).assert_error(64, "SHELL is bash, zsh or fish, not '/bin/sh-x'")
