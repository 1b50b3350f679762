"""What scripts/test fetches with pip. Where it could not, the tests that need it are skipped, or the whole file that does."""

import os

import pytest


def package(name):
    return pytest.importorskip(name, reason=f"tests of manifests need {name}, and pip could not fetch it")


def program(name):
    """Its path."""
    path = os.environ.get(f"TEST_{name.upper()}")
    if not path:
        pytest.skip(f"needs {name}, and pip could not fetch it", allow_module_level=True)
    return path
