"""Writes a software bill of materials: SPDX 2.3, in JSON (<https://spdx.github.io/spdx-spec/v2.3/>)."""

import datetime
import hashlib
import json
import re
import urllib.parse

LICENCE = "MIT"


def text(program, found, version, architecture, seconds):
    """The document about that program (its bytes), which contains these libraries."""
    digest = hashlib.sha256(program).hexdigest()
    name = f"amqp-job_{version}_{architecture}"
    date = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": f"https://spdx.org/spdxdocs/{name}-{digest}",
        "creationInfo": {"created": date.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: amqp-job-package"]},
        "packages": [_program(version, digest), *map(_library, found)],
        "relationships": [
            _relationship("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-amqp-job"),
            *(_relationship("SPDXRef-amqp-job", "STATIC_LINK", _identifier(each)) for each in found),
        ],
    }
    texts = [{"licenseId": _licence(each), "extractedText": each.text} for each in found if each.spdx is None]
    if texts:
        document["hasExtractedLicensingInfos"] = texts
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _program(version, digest):
    return {
        **_package("amqp-job", "SPDXRef-amqp-job", version, LICENCE),
        "packageFileName": "amqp-job",
        "primaryPackagePurpose": "APPLICATION",
        "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
    }


def _library(library):
    package = _package(library.name, _identifier(library), library.version, _licence(library))
    package["primaryPackagePurpose"] = "LIBRARY"
    if library.homepage:
        package["homepage"] = library.homepage
    if library.is_debian:
        locator = f"pkg:deb/debian/{library.name}@{urllib.parse.quote(library.version)}?arch=source"
        package["externalRefs"] = [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}]
    return package


def _package(name, identifier, version, licence):
    return {
        "name": name, "SPDXID": identifier, "versionInfo": version, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION", "licenseDeclared": licence, "copyrightText": "NOASSERTION",
    }


def _relationship(element, kind, related):
    return {"spdxElementId": element, "relationshipType": kind, "relatedSpdxElement": related}


def _identifier(library):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", library.name)


def _licence(library):
    return library.spdx or "LicenseRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", library.name)
