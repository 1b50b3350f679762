"""What the tool says about itself: help that fits a screen, and pages of the manual."""

import re
import subprocess

import pytest

pytestmark = pytest.mark.any_broker

SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "ENVIRONMENT", "EXAMPLES", "SEE ALSO"]


@pytest.fixture
def ask(binary):
    """What the tool prints."""

    def ask(*words):
        result = subprocess.run([binary, *words], capture_output=True, text=True, check=True, env={})
        assert not result.stderr
        return result.stdout

    return ask


@pytest.fixture
def commands(ask):
    """The commands that the tool's own help lists, and none for the tool as a whole."""
    names = re.findall(r"^  (\w+)  +[A-Z]", ask("--help"), re.MULTILINE)
    assert len(names) >= 9 and {"run", "man"} <= set(names)
    return [[], *([name] for name in names)]


def test_help_fits_a_screen_and_shows_an_example(ask, commands):
    for words in commands:
        lines = ask(*words, "--help").splitlines()
        assert len(lines) <= 24 and max(map(len, lines)) <= 80, (words, len(lines))
        example = lines.index(next(line for line in lines if line.startswith("Example"))) + 1
        assert lines[example].startswith("  ") and "Usage: amqp-job" in lines[0], words
        whole = ask(*words, "--help-all")
        assert max(map(len, whole.splitlines())) <= 80
        assert whole.splitlines() == lines or f"amqp-job {words[0]} --help-all" in lines[-2], words


def test_pages_are_good_roff(ask, commands):
    for words in commands:
        source = ask("man", *words)
        assert max(map(len, source.splitlines())) <= 80, words
        checked = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww", "-z"], input=source, capture_output=True, text=True, check=True
        )
        assert not checked.stderr, (words, checked.stderr)


def test_a_page_says_what_the_help_says(ask, commands):
    for words in commands:
        page = subprocess.run(
            ["man", "--warnings", "-l", "-"], input=ask("man", *words), capture_output=True, text=True, check=True,
            env={"PATH": "/usr/bin:/bin", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"},
        )
        assert not page.stderr, (words, page.stderr)
        lines = page.stdout.splitlines()
        titles = [line for line in lines if re.fullmatch(r"[A-Z][A-Z ]+", line)]
        assert [title for title in titles if title in SECTIONS] == SECTIONS, (words, titles)
        assert max(map(len, lines)) <= 80
        name = "-".join(["amqp-job", *words])
        assert lines[0].startswith(f"{name.upper()}(1)")
        options = re.findall(r"^  (?:-\w,|   ) (--[\w-]+)", ask(*words, "--help-all"), re.MULTILINE)
        for option in options:
            assert re.search(rf"^ +(-\w, )?{option}\b", page.stdout, re.MULTILINE), (words, option)


@pytest.mark.parametrize("name", ["amqp-publish", "amqp-get", "amqp-declare-queue", "amqp-delete-queue"])
def test_pages_of_amqp_tools(ask, binary, tmp_path, name):
    """As good as the others, with a section on what they do otherwise, and all options of their help."""
    source = ask("man", name)
    assert max(map(len, source.splitlines())) <= 80
    page = subprocess.run(
        ["man", "--warnings", "-l", "-"], input=source, capture_output=True, text=True, check=True,
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"},
    )
    assert not page.stderr
    assert page.stdout.startswith(f"{name.upper()}(1)")
    titles = re.findall(r"^[A-Z][A-Z ]+$", page.stdout, re.MULTILINE)
    assert titles == [*SECTIONS[:3], "OPTIONS", "DIFFERENCES", *SECTIONS[3:]]
    (tmp_path / name).symlink_to(binary)
    help_text = subprocess.run([tmp_path / name, "--help"], capture_output=True, text=True, check=True).stdout
    options = re.findall(r"^ +(?:-\S, )?(--[\w-]+)", help_text, re.MULTILINE)
    assert len(options) >= 14
    for option in options:
        assert re.search(rf"^ +(-\S, )?{option}\b", page.stdout, re.MULTILINE), option


def test_there_is_no_page_of_what_is_no_command(binary):
    result = subprocess.run([binary, "man", "nope"], capture_output=True, text=True, check=False, env={})
    assert (result.returncode, result.stdout) == (64, "") and "nope" in result.stderr
