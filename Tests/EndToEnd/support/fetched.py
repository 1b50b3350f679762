"""Packages and programs that scripts/test fetches with pip. Where pip could not fetch one, the tests that need it are
skipped, or the whole file is."""

import os

import pytest


def package(name):
    return pytest.importorskip(name, reason=f"tests of manifests need {name}, and pip could not fetch it")


def program(name):
    """The path of the program."""
    path = os.environ.get(f"TEST_{name.upper()}")
    if not path:
        pytest.skip(f"needs {name}, and pip could not fetch it", allow_module_level=True)
    return path
