"""Finds the libraries that a static program contains: their versions and licences, as the system tells them."""

import dataclasses
import pathlib
import re
import subprocess

# An input section in the map that lld writes: three addresses, an alignment, and then the file, with its member if that
# file is an archive.
INPUT = re.compile(r"\s*(?:[0-9a-f]+\s+){3}\d+\s+(/[^:]*?)(?:\([^()]*\))?:\(")
REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
SWIFT = re.compile(r"(.*)/lib/swift(?:_static)?/")
# The licences of Debian's copyright files that SPDX has, under SPDX's names.
SPDX_NAMES = {"Expat": "MIT", "MIT": "MIT", "Apache-2.0": "Apache-2.0", "BSD-2-clause": "BSD-2-Clause",
              "BSD-3-clause": "BSD-3-Clause", "ISC": "ISC", "Zlib": "Zlib"}


@dataclasses.dataclass(frozen=True, order=True)
class Library:
    """A source package. `spdx` is None if the licence text names no single SPDX licence for the library as a whole."""

    name: str
    version: str
    homepage: str
    spdx: str | None
    text: str
    is_debian: bool


def find(map_path):
    """The libraries of the program that the linker's map describes, sorted by name."""
    lines = pathlib.Path(map_path).read_text(encoding="utf-8", errors="replace").splitlines()
    files = sorted({match[1] for line in lines if ":(" in line and (match := INPUT.match(line))})
    # pathlib compares whole names: /a/bc is not in /a/b.
    others = [path for path in files if REPOSITORY not in pathlib.Path(path).resolve().parents]
    folders = {match[1] for path in others if (match := SWIFT.match(path))}
    packages = _owners([path for path in others if not SWIFT.match(path)])
    return sorted({*map(_swift, map(pathlib.Path, folders)), *map(_debian, packages)})


def _output(*command):
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False).stdout


def _owners(paths):
    """The installed packages that own the files. dpkg may know a file with /usr in front of /lib, or without."""
    names = {path: {path, real := str(pathlib.Path(path).resolve()), real.removeprefix("/usr")} for path in paths}
    told = _output("dpkg-query", "--search", *sorted(set().union(*names.values())))
    owners = {path: package.partition(",")[0] for package, _, path in (line.partition(": ") for line in told.splitlines())}
    for path in paths:
        if not names[path] & set(owners):
            raise SystemExit(f"no installed package owns {path}, which is a part of the program")
    return {owners[name] for path in paths for name in names[path] if name in owners}


def _debian(package):
    form = "${source:Package}\n${source:Version}\n${Homepage}"
    name, version, homepage = _output("dpkg-query", "--show", f"--showformat={form}", package).split("\n")
    text = pathlib.Path("/usr/share/doc", package.partition(":")[0], "copyright").read_text(encoding="utf-8")
    return Library(name, version, homepage, _licence_of_all_files(text), text, is_debian=True)


def _licence_of_all_files(text):
    """What a machine-readable copyright file says of `Files: *`, in SPDX's terms."""
    for paragraph in re.split(r"\n\s*\n", text):
        if re.match(r"Files:\s*\*\s*$", paragraph, re.MULTILINE):
            licence = re.search(r"^License:\s*(\S+)\s*$", paragraph, re.MULTILINE)
            return SPDX_NAMES.get(licence[1]) if licence else None
    return None


def _swift(folder):
    """Swift comes as an archive, not as a package; its compiler tells the version."""
    told = _output(str(folder / "bin/swiftc"), "--version")
    version = re.search(r"Swift version (\S+)", told)
    if not version:
        raise SystemExit(f"{folder}/bin/swiftc does not tell its version")
    text = (folder / "share/swift/LICENSE.txt").read_text(encoding="utf-8")
    is_known = "Apache License" in text and "Version 2.0" in text and "Runtime Library Exception" in text
    spdx = "Apache-2.0 WITH Swift-exception" if is_known else None
    return Library("swift-runtime", version[1], "https://www.swift.org", spdx, text, is_debian=False)
