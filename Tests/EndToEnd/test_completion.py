"""`amqp-job completion`: what a shell offers."""

import re
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.any_broker

BASH = """
source <("$1" completion bash)
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_amqp_job
printf '%s\\n' "${COMPREPLY[@]}"
complete -p amqp-job
"""


@pytest.fixture
def offers(binary, tmp_path):
    """What bash offers for the last of the words, which are as bash splits them."""
    (tmp_path / "a file").touch()
    (tmp_path / "a directory").mkdir()

    def offers(*words):
        result = subprocess.run(
            ["bash", "--norc", "-c", BASH, "-", binary, "amqp-job", *words], capture_output=True, text=True,
            check=True, cwd=tmp_path,
        )
        *lines, last = result.stdout.splitlines()
        assert last == "complete -o default -F _amqp_job amqp-job" and not result.stderr, result
        return {line for line in lines if line}

    return offers


@pytest.mark.parametrize("words, expected", [
    (["ru"], {"run"}), (["--v"], {"--version"}), (["run", "--dr"], {"--drain", "--drain-timeout"}),
    (["run", "--when-empty", ""], {"wait", "exit"}), (["run", "--when-empty", "=", "w"], {"wait"}),
    (["run", "--when-empty", "="], {"wait", "exit"}), (["run", "-n", ""], set()),
    (["run", "--url-file", "a"], {"a file", "a directory"}), (["run", "--spool-dir", "a"], {"a directory"}),
    (["run", "--", "apropos-no-such"], set()), (["run", "--", "cat", "a"], {"a file", "a directory"}),
    (["manifest", "scaled"], {"scaledjob", "scaledobject"}), (["dead", "re"], {"replay"}),
    (["manifest", "job", "--inject", "im"], {"image-volume"}), (["manifest", "job", "--inject", "--ima"], {"--image"}),
    (["completion", ""], {"bash", "zsh", "fish", "--help", "--help-all"}), (["install", "a"], {"a directory"}),
    (["publish", "--", "a"], set()), (["nope", ""], set()),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_bash_offers(offers, words, expected):
    assert offers(*words) == expected


def test_bash_offers_commands_for_the_worker(offers):
    assert {"bash"} <= offers("run", "-q", "fruits", "--", "bash")


def test_bash_offers_every_option(offers, binary):
    text = subprocess.run([binary, "run", "--help-all"], capture_output=True, text=True, check=True).stdout
    options = set(re.findall(r"^  (?:-\w,|   ) (--[\w-]+)", text, re.MULTILINE))
    assert len(options) > 20 and options <= offers("run", "--")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_good_syntax(binary, shell):
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    script = subprocess.run([binary, "completion", shell], capture_output=True, check=True).stdout
    checked = subprocess.run([shell, "-n"], input=script, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, b"")


def test_another_shell_is_refused(binary):
    result = subprocess.run([binary, "completion", "csh"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (64, "") and "csh" in result.stderr
