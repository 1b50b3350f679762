"""The tables of measurements have the rows that scripts/bench writes."""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "Tests" / "Benchmark"))

import bench as benchmark  # noqa: E402
from support import readme  # noqa: E402
import table  # noqa: E402

pytestmark = pytest.mark.any_broker


def test_rows():
    written = table.block(readme.page("Performance"))
    assert written is not None, "the page has no place for them"
    assert table.first_cells(written) == [
        cell for part in benchmark.PARTS.values() for cell in (part.HEAD[0], *part.LABELS)
    ]


def test_writing_replaces_what_is_between_the_markers():
    text = f"before\n{table.BEGIN}old\n{table.END}after\n"
    assert table.block(table.replace_block(text, "| a\\1 | b |\n")) == "\n| a\\1 | b |\n\n"
    assert table.replace_block(text, "new").startswith("before\n") and table.replace_block(text, "new").endswith("after\n")
