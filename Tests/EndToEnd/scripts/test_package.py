"""scripts/package: what it makes is the same each time, tells what is inside, and is what Debian takes for a package."""

import gzip
import hashlib
import json
import os
import re
import subprocess
import tarfile

import pytest

from support import debian
from support.manual import TOOLS
from support.processes import CAN_ISOLATE

pytestmark = [pytest.mark.any_broker, pytest.mark.limit(900)]


@pytest.fixture(scope="session")
def program(binary, tmp_path_factory):
    found = debian.stripped(binary, tmp_path_factory.mktemp("program"))
    return found or pytest.skip("needs the program that scripts/build makes, with its map")


@pytest.fixture(scope="session")
def packages(program, tmp_path_factory):
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    return debian.once(shared / "packages", lambda folder: debian.pack(program, folder))


@pytest.fixture(scope="session")
def base():
    if not CAN_ISOLATE:
        pytest.skip("needs root, and mounts of its own")
    reason = debian.make_base()
    if reason:
        pytest.skip(f"needs a bare Debian: {reason}")


@pytest.fixture
def root(base, bench):
    return debian.Root(bench.path("debian"))


def only(packages, pattern):
    (found,) = packages.glob(pattern)
    return found


def sums(folder):
    return dict(reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines())


def field(package, name):
    return subprocess.run(["dpkg-deb", "--field", package, name], capture_output=True, text=True, check=True).stdout.strip()


# The files


@pytest.mark.slow
def test_another_run_makes_the_same_bytes(program, packages, tmp_path):
    """Whoever runs it, wherever and with whatever settings."""
    environment = {**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8", "AMQP_JOB_QUEUE": "x", "GZIP": "-1", "XZ_OPT": "-0"}
    result = debian.pack(program, tmp_path / "again", env=environment, umask=0o077, cwd="/")
    assert result.stdout == f"{tmp_path / 'again'}\n"
    assert sums(tmp_path / "again") == sums(packages)


def test_the_checksums_are_those_of_all_files(packages):
    listed = sums(packages)
    assert set(listed) == {path.name for path in packages.iterdir()} - {"SHA256SUMS"}
    assert all(hashlib.sha256((packages / name).read_bytes()).hexdigest() == digest for name, digest in listed.items())


def test_the_names_tell_version_and_architecture(program, packages):
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    version = told.removeprefix("amqp-job ").strip()
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    base = f"amqp-job_{version}_{architecture}"
    assert set(sums(packages)) == {
        f"{base}.deb", f"{base}.tar.gz", f"{base}.spdx.json", f"amqp-job-tools_{version}_all.deb"}
    for package in packages.glob("*.deb"):
        assert field(package, "Version") == version


def test_the_changelog_is_the_projects(packages, tmp_path):
    subprocess.run(["dpkg-deb", "--extract", only(packages, "amqp-job_*.deb"), tmp_path], check=True)
    text = gzip.decompress((tmp_path / "usr/share/doc/amqp-job/changelog.gz").read_bytes()).decode()
    parsed = subprocess.run(
        ["dpkg-parsechangelog", "-l-", "--show-field", "Version"], input=text, capture_output=True, text=True, check=True)
    assert (parsed.stdout.strip(), parsed.stderr) == (field(only(packages, "amqp-job_*.deb"), "Version"), "")
    changes = (debian.REPOSITORY / "CHANGELOG.md").read_text()
    item = re.search(r"^## \[\d.*?^- (.*?)(?=^- |^#)", changes, re.MULTILINE | re.DOTALL)[1]
    assert " ".join(item.split()) in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


def test_the_archive_has_all_that_the_packages_have(program, packages):
    with tarfile.open(only(packages, "*.tar.gz")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        inside = archive.extractfile(next(name for name in archive.getnames() if name.endswith("/bin/amqp-job"))).read()
    assert inside == program.read_bytes()
    assert {"LICENSE", "THIRD-PARTY-LICENSES", "CHANGELOG.md", "sbom.spdx.json"} <= names
    assert {f"bin/{name}" for name in TOOLS} | {f"share/man/man1/{name}.1" for name in TOOLS} <= names


# The bill of materials


def test_the_bill_of_materials_names_the_libraries(program, packages):
    document = json.loads(only(packages, "*.spdx.json").read_text())
    inside = {each["name"]: each for each in document["packages"]}
    assert set(inside) >= {"amqp-job", "glibc", "jansson", "libevent", "librabbitmq", "libyaml", "openssl", "swift-runtime"}
    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    assert inside["amqp-job"]["checksums"] == [{"algorithm": "SHA256", "checksumValue": digest}]
    swift = subprocess.run(["swift", "--version"], capture_output=True, text=True, check=True).stdout
    assert f"Swift version {inside['swift-runtime']['versionInfo']} " in swift
    for library, package in (("openssl", "libssl-dev"), ("glibc", "libc6-dev"), ("librabbitmq", "librabbitmq-dev")):
        installed = subprocess.run(
            ["dpkg-query", "--show", "--showformat=${source:Version}", package], capture_output=True, text=True, check=True)
        assert inside[library]["versionInfo"] == installed.stdout
    assert inside["openssl"]["licenseDeclared"] == "Apache-2.0" and inside["jansson"]["licenseDeclared"] == "MIT"


def test_the_bill_of_materials_is_valid(packages):
    """As the specification of SPDX 2.3 has it."""
    document = json.loads(only(packages, "*.spdx.json").read_text())
    assert (document["spdxVersion"], document["dataLicense"], document["SPDXID"]) == ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT")
    assert re.fullmatch(r"https://[^#\s]+", document["documentNamespace"]) and document["name"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["creationInfo"]["created"])
    assert all(re.match(r"(Tool|Person|Organization): ", each) for each in document["creationInfo"]["creators"])
    identifiers = ["SPDXRef-DOCUMENT", *(each["SPDXID"] for each in document["packages"])]
    assert len(set(identifiers)) == len(identifiers)
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", each) for each in identifiers)
    texts = {each["licenseId"]: each["extractedText"] for each in document.get("hasExtractedLicensingInfos", [])}
    assert all(re.fullmatch(r"LicenseRef-[A-Za-z0-9.-]+", name) and text for name, text in texts.items())
    for each in document["packages"]:
        assert {"name", "versionInfo", "downloadLocation", "licenseConcluded", "licenseDeclared", "copyrightText"} <= set(each)
        assert each["licenseDeclared"] in {"MIT", "Apache-2.0", "Apache-2.0 WITH Swift-exception", "BSD-3-Clause", *texts}
    related = {each["relatedSpdxElement"]: each["relationshipType"] for each in document["relationships"]}
    assert related.pop("SPDXRef-amqp-job") == "DESCRIBES"
    assert set(related) == set(identifiers) - {"SPDXRef-DOCUMENT", "SPDXRef-amqp-job"}
    assert set(related.values()) == {"STATIC_LINK"}


# In Debian

COMPLETE = """
source /usr/share/bash-completion/bash_completion
_completion_loader "$1" || [[ $? == 124 ]]
function=$(complete -p "$1" | sed 's/.*-F \\([^ ]*\\).*/\\1/')
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE=$* COMP_POINT=${#COMP_LINE}
"$function" "$1" "${*: -1}" "${@: -2:1}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
DUMMY = """
mkdir -p /dummy/DEBIAN
printf 'Package: %s\\nVersion: 1\\nArchitecture: all\\nMaintainer: nobody\\nDescription: none\\n%s' "$1" "$2" >/dummy/DEBIAN/control
dpkg-deb --build /dummy /dummy.deb
dpkg --install /dummy.deb
rm -r /dummy /dummy.deb
"""


def install(root, package):
    (root.path / package.name).write_bytes(package.read_bytes())
    root.run("dpkg", "--install", f"/{package.name}")


def test_the_package_in_a_bare_debian(bench, root, packages):
    install(root, only(packages, "amqp-job_*.deb"))
    assert root.run("dpkg", "--verify", "amqp-job").stdout == ""
    assert "amqp-job run" in root.run("man", "amqp-job-run").stdout
    assert "amqp-job-run(1)" in root.run("man", "amqp-job").stdout
    assert root.shell(COMPLETE, "amqp-job", "ru").split() == ["run"]

    queue = bench.work_queue("quorum", b"apple")
    assert root.shell('BROKER_URL=$1 amqp-job run -q "$2" -- cat', bench.broker.url, queue.name) == "apple"
    queue.assert_empty()

    root.run("dpkg", "--purge", "amqp-job")
    assert root.files("*amqp*") == []


def test_the_names_of_amqp_tools_in_a_bare_debian(bench, root, packages):
    """In the place of amqp-tools, for whatever depends on that package."""
    root.shell(DUMMY, "amqp-tools", "")
    root.shell(DUMMY, "dependent", "Depends: amqp-tools\n")
    install(root, only(packages, "amqp-job_*.deb"))
    install(root, only(packages, "amqp-job-tools_*.deb"))
    installed = root.shell("dpkg-query --show --showformat='${Package} ${db:Status-Status}\\n'").splitlines()
    assert {"amqp-job installed", "amqp-job-tools installed", "dependent installed"} <= set(installed)
    assert "amqp-tools installed" not in installed
    root.run("dpkg", "--audit")

    assert root.files("amqp-consume*") == ["usr/bin/amqp-consume", "usr/share/bash-completion/completions/amqp-consume",
                                           "usr/share/fish/vendor_completions.d/amqp-consume.fish",
                                           "usr/share/man/man1/amqp-consume.1.gz"]
    assert "amqp-consume" in root.run("man", "amqp-consume").stdout
    assert "--prefetch-count" in root.shell(COMPLETE, "amqp-consume", "--prefetch").split()
    queue = bench.queue("quorum", b"fig")
    assert root.shell('amqp-get --url="$1" --queue="$2"', bench.broker.url, queue.name) == "fig"

    root.run("dpkg", "--purge", "dependent", "amqp-job-tools", "amqp-job")
    assert root.files("*amqp*") == []
