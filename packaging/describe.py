"""Describes what is in a static program.

    describe.py PROGRAM MAP VERSION ARCHITECTURE SECONDS FOLDER

MAP is the linker's, and SECONDS since 1970 are the date of the documents. FOLDER gets three files: sbom.spdx.json; notices,
with all licences; and built-using, the value of Debian's field of that name.
"""

import pathlib
import sys

import libraries
import notices
import sbom


def main(program, map_path, version, architecture, seconds, folder):
    found = libraries.find(map_path)
    code = pathlib.Path(program).read_bytes()
    licence = (libraries.REPOSITORY / "LICENSE").read_text()
    texts = {
        "sbom.spdx.json": sbom.text(code, found, version, architecture, int(seconds)),
        "notices": notices.text(licence, found),
        "built-using": ", ".join(f"{each.name} (= {each.version})" for each in found if each.is_debian) + "\n",
    }
    for name, text in texts.items():
        pathlib.Path(folder, name).write_text(text, encoding="utf-8")


main(*sys.argv[1:])
