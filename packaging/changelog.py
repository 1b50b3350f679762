"""Prints CHANGELOG.md, from VERSION down, as Debian's changelog has it (deb-changelog(5)).

    changelog.py PACKAGE VERSION MAINTAINER
"""

import datetime
import pathlib
import re
import sys
import textwrap

CHANGELOG = pathlib.Path(__file__).resolve().parents[1] / "CHANGELOG.md"
RELEASE = re.compile(r"^## \[(\d[^]]*)\] - (\d{4}-\d\d-\d\d)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def main(package, version, maintainer):
    releases = RELEASE.findall(CHANGELOG.read_text(encoding="utf-8"))
    if not releases or releases[0][0] != version:
        newest = releases[0][0] if releases else "none"
        raise SystemExit(f"the program is version {version}, but the newest release in CHANGELOG.md is {newest}")
    print("\n\n".join(_entry(package, *release, maintainer) for release in releases))


def _entry(package, version, date, text, maintainer):
    day = datetime.datetime.fromisoformat(date).replace(tzinfo=datetime.timezone.utc)
    # By hand, since strftime writes names in the language of the locale.
    weekday = "Mon Tue Wed Thu Fri Sat Sun".split()[day.weekday()]
    month = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[day.month - 1]
    changes = "\n".join(_changes(text))
    end = f" -- {maintainer}  {weekday}, {day.day:02} {month} {day.year} 00:00:00 +0000"
    return f"{package} ({version}) stable; urgency=medium\n\n{changes}\n\n{end}"


def _changes(text):
    """Each change, under the word that says what kind of change it is."""
    for kind, items in re.findall(r"^### ([^\n]+)\n(.*?)(?=^### |\Z)", text, re.MULTILINE | re.DOTALL):
        for item in re.split(r"^- ", items, flags=re.MULTILINE)[1:]:
            plain = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", " ".join(item.split()))
            yield textwrap.fill(f"{kind}: {plain}", 78, initial_indent="  * ", subsequent_indent="    ")


main(*sys.argv[1:])
