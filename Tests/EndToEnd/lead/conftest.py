"""The fixtures of the tests of elections."""

import pytest

from support.election import Election


@pytest.fixture
def election(bench):
    return Election(bench)


@pytest.fixture
def spare_election(spare):
    """On a broker that may be restarted and stopped."""
    return Election(spare)
