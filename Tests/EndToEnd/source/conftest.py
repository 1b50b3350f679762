"""The fixtures of the tests of item sources."""

import pytest

from support.item_source import HTTPSource, Publishers


@pytest.fixture
def publishers(bench):
    return Publishers(bench)


@pytest.fixture
def spare_publishers(spare):
    """On a broker that may be restarted and stopped."""
    return Publishers(spare)


@pytest.fixture
def source(bench):
    made = HTTPSource()
    bench.closers.append(made.close)
    return made


@pytest.fixture
def inbox(bench):
    """A directory for files."""
    path = bench.path("inbox")
    path.mkdir()
    return path
