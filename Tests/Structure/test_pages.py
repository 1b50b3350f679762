"""The pages of this repository: their links lead somewhere, and the paths and scripts that they name are there."""

import pathlib
import re
import subprocess
import urllib.parse

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"(?:\.ci|\.github|Sources|Tests|packaging|scripts|k8s|examples)(?:/[\w.+-]+)*(?![\w/+-])")


def names(pattern):
    """Of the files under version control, and of those that are going to be."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", pattern]
    found = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted(name for name in found if name and (REPOSITORY / name).exists())


PAGES = names("*.md")
OURS = [*names(".github/*.md"), "CHANGELOG.md"]


def prose(page):
    return re.sub(r"^```.*?^```$", "", (REPOSITORY / page).read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page):
    """As code hosts make them from headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_its_links_lead_somewhere(page):
    for link in LINK.findall(prose(page)):
        target = urllib.parse.urlsplit(link)
        if target.scheme:
            continue
        path = ((REPOSITORY / page).parent / urllib.parse.unquote(target.path)).resolve() if target.path else REPOSITORY / page
        assert path.exists(), link
        if target.fragment and path.suffix == ".md":
            assert target.fragment in anchors(path.relative_to(REPOSITORY)), link


@pytest.mark.parametrize("page", OURS)
def test_the_paths_that_it_names_are_there(page):
    spans = re.findall(r"`([^`\n]+)`", prose(page))
    blocks = re.findall(r"^```shell\n(.*?)^```$", (REPOSITORY / page).read_text(), re.MULTILINE | re.DOTALL)
    commands = [line.split("#")[0] for block in blocks for line in block.splitlines()]
    named = [word for text in spans + commands for word in text.split() if PATH.fullmatch(word)]
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


def test_pages_are_found():
    assert {".github/CONTRIBUTING.md", ".github/SECURITY.md", "CHANGELOG.md", "README.md"} <= set(PAGES)


def test_the_changelog_keeps_to_its_form():
    """As Keep a Changelog has it: the newest version first, known kinds of changes, a date for each release."""
    text = (REPOSITORY / "CHANGELOG.md").read_text()
    releases = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert releases[0] == "[Unreleased]"
    parsed = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d\d-\d\d", release) for release in releases[1:]]
    assert parsed and all(parsed)
    versions = [tuple(map(int, match.groups())) for match in parsed]
    assert versions == sorted(set(versions), reverse=True)
    kinds = set(re.findall(r"^### (.*)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_newest_release_is_the_programs_version():
    (version,) = re.findall(r'clientVersion = "(.*)"', (REPOSITORY / "Sources/AMQP/Connection.swift").read_text())
    released = re.findall(r"^## \[(\d[^]]*)\]", (REPOSITORY / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released[0] == version


def test_the_table_of_reasons_is_that_of_the_code():
    """Every reason that a runner can write into a dead letter, and every one that a filter takes."""
    code = (REPOSITORY / "Sources/Broker/DeadLetters/DeadLetter.swift").read_text()
    cases = re.search(r"enum Reason: .*?\{\n(.*?)\n  \}", code, re.DOTALL).group(1)
    found = re.findall(r'^ *case (\w+)(?: = "(.*)")?$', cases, re.MULTILINE)
    page = (REPOSITORY / "Sources/amqp-job/Documentation.docc/RetriesAndDeadLetters.md").read_text()
    table = page.split("| reason | meaning |\n")[1].split("\n\n")[0]
    shown = re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE)
    assert sorted(shown) == sorted(text or name for name, text in found) and len(shown) > 8
    filters = (REPOSITORY / "Sources/Broker/DeadLetters/ReasonFilter.swift").read_text()
    brokers = re.findall(r'"(\w+)"', re.search(r"brokersReasons = \[(.*?)\]", filters).group(1))
    assert sorted(re.findall(r"`(\w+)\s+\(broker\)`", page.split("## What a copy keeps")[0])) == sorted(brokers)
