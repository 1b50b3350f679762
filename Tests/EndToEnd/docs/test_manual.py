"""What the tool says about itself: help that fits a screen, and manual pages."""

import re
import subprocess

import pytest

from support import manual
from support import readme

pytestmark = pytest.mark.any_broker

SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "ENVIRONMENT", "EXAMPLES", "SEE ALSO"]

WITHOUT_SETTINGS = ["amqp-job-man", "amqp-job-completion"]


@pytest.fixture
def ask(binary):
    """The output of the tool."""

    def ask(*words):
        result = subprocess.run([binary, *words], capture_output=True, text=True, check=True, env={})
        assert not result.stderr
        return result.stdout

    return ask


@pytest.fixture
def commands(ask):
    """The commands that the tool's own help lists, and None for the tool itself."""
    names = re.findall(r"^  (\w+)  +[A-Z]", ask("--help"), re.MULTILINE)
    assert len(names) >= 9 and {"run", "man"} <= set(names)
    return [[], *([name] for name in names)]


@pytest.fixture
def show(ask):
    """A manual page as man(1) shows it. man must not warn."""

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
    sections = SECTIONS if name not in WITHOUT_SETTINGS else [each for each in SECTIONS if each != "ENVIRONMENT"]
    assert [title for title in titles if title in SECTIONS] == sections, (name, titles)
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


def test_each_page_points_at_pages_that_there_are(ask, show, commands, links):
    for words in [*commands, *([link.name] for link in links.iterdir())]:
        named = set(re.findall(r"(amqp-[a-z-]+)\(1\)", re.sub(r"[‐-]\n +", "-", show(*words))))
        assert len(named) > 4, words
        for name in named:
            assert f'.TH "{name.upper()}"' in ask("man", name).replace("\\-", "-"), (words, name)


def test_each_page_has_the_statuses_of_its_command(binary, ask, commands, links):
    names = [words[0] for words in commands if words]
    pages = {name: manual.terms(ask("man", name)) for name in [*names, *(link.name for link in links.iterdir())]}
    assert all("0" in terms for terms in pages.values())
    assert len({tuple(terms) for terms in pages.values()}) > 9, "pages share a table"
    assert not {"66", "69", "75", "126"} & {term for name in ("check", "install", "man") for term in pages[name]}
    assert {"124", "126", "127", "128 + N", "other"} <= set(pages["run"])
    # Statuses that only the programs of the same names have are not the runner's own.
    whole = manual.terms(ask("man"))
    assert {term for name in names for term in pages[name]} == set(whole)


@pytest.mark.parametrize("words, status, is_silent", [
    (["/amqp-job", "check"], 66, True), (["amqp-job", "check"], 64, False), (["unshare", "amqp-job", "run"], 69, False),
    (["amqp-job", "run"], 3, False), (["amqp-job", "run"], 65, True), (["amqp-job", "publish"], 143, False),
    (["/x/amqp-get"], 2, False), (["/x/amqp-get"], 66, True), (["sh"], 66, False), (["amqp-job", "nope"], 64, False),
])
def test_a_status_that_a_page_does_not_have_is_noticed(binary, words, status, is_silent):
    assert manual.is_silent_on(binary, manual.page_of(words), status) is is_silent


def test_the_page_of_exit_statuses_has_each(ask):
    table = readme.page("ExitStatuses")
    cells = re.findall(r"\| ([^|]*) \|$", table, re.MULTILINE)
    numbers = {number for cell in cells for number in re.findall(r"\b\d+\b", cell)}
    missing = {term for term in manual.terms(ask("man")) if term.isdigit()} - numbers
    assert not missing


def test_help_says_the_same_statuses(ask, commands):
    for name in [words[0] for words in commands if words]:
        text = ask(name, "--help-all").partition("\nExit status:\n")[2]
        assert re.findall(r"^  (128 \+ N|\S+)  +\S", text, re.MULTILINE) == manual.terms(ask("man", name)), name


def test_verbose_says_what_the_command_logs(ask, commands):
    said = {words[0]: re.search(r"--verbose +(.*)", text)[1] for words in commands if words
            if "--verbose" in (text := ask(*words, "--help-all"))}
    assert "every item" in said.pop("run") and "how many items" in said.pop("publish")
    assert not any("item" in text for text in said.values()), said


def test_there_is_no_page_of_what_is_no_command(binary):
    result = subprocess.run([binary, "man", "nope"], capture_output=True, text=True, check=False, env={})
    assert (result.returncode, result.stdout) == (64, "") and "nope" in result.stderr
