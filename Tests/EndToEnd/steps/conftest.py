"""The fixture of the tests of steps."""

import pytest

from support.steps import Steps


@pytest.fixture
def steps(bench):
    return Steps(bench)
