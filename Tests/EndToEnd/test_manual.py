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


@pytest.fixture
def show(ask):
    """A page of the manual as man(1) shows it, without a warning."""

    def show(*words):
        page = subprocess.run(
            ["man", "--warnings", "-l", "-"], input=ask("man", *words), capture_output=True, text=True, check=True,
            env={"PATH": "/usr/bin:/bin", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"},
        )
        assert not page.stderr, (words, page.stderr)
        assert max(map(len, page.stdout.splitlines())) <= 80
        return page.stdout

    return show


def test_help_fits_a_screen_and_shows_an_example(ask, commands):
    for words in commands:
        lines = ask(*words, "--help").splitlines()
        assert len(lines) <= 24 and max(map(len, lines)) <= 80, (words, len(lines))
        example = lines.index(next(line for line in lines if line.startswith("Example"))) + 1
        assert lines[example].startswith("  ") and "Usage: amqp-job" in lines[0], words
        whole = ask(*words, "--help-all")
        assert max(map(len, whole.splitlines())) <= 80
        assert whole.splitlines() == lines or f"amqp-job {words[0]} --help-all" in lines[-2], words


def test_pages_are_good_roff(ask, commands, links):
    for words in [*commands, *([link.name] for link in links.iterdir())]:
        source = ask("man", *words)
        assert max(map(len, source.splitlines())) <= 80, words
        checked = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww", "-z"], input=source, capture_output=True, text=True, check=True
        )
        assert not checked.stderr, (words, checked.stderr)


def assert_page(page, name, options):
    lines = page.splitlines()
    titles = [line for line in lines if re.fullmatch(r"[A-Z][A-Z ]+", line)]
    assert [title for title in titles if title in SECTIONS] == SECTIONS, (name, titles)
    assert lines[0].startswith(f"{name.upper()}(1)")
    for option in options:
        assert re.search(rf"^ +(-\S, )?{option}\b", page, re.MULTILINE), (name, option)


def test_a_page_says_what_the_help_says(ask, show, commands):
    for words in commands:
        options = re.findall(r"^  (?:-\w,|   ) (--[\w-]+)", ask(*words, "--help-all"), re.MULTILINE)
        assert_page(show(*words), "-".join(["amqp-job", *words]), options)


def test_the_pages_of_amqp_tools(show, links):
    for link in links.iterdir():
        shown = subprocess.run([link, "--help"], capture_output=True, text=True, check=True).stdout
        options = re.findall(r"^  (?:-\S,|   ) (--[\w-]+)", shown, re.MULTILINE)
        page = show(link.name)
        assert len(options) > 12 and "\nDIFFERENCES\n" in page
        assert_page(page, link.name, options)


def test_there_is_no_page_of_what_is_no_command(binary):
    result = subprocess.run([binary, "man", "nope"], capture_output=True, text=True, check=False, env={})
    assert (result.returncode, result.stdout) == (64, "") and "nope" in result.stderr
