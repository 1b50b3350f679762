"""Under the names of amqp-tools the options are different. Code that is shared names none of amqp-job's."""

import pathlib
import re

import pytest

pytestmark = pytest.mark.any_broker

SOURCES = pathlib.Path(__file__).resolve().parents[3] / "Sources"
# The places in shared code that may name options of amqp-job, and why.
NAMED = {
    "Console/Messages/Program.swift": "for each program its own",
    "Broker/Connection/Silence.swift": "each program has it",
    "TLS/TLSConfiguration.swift": "for each program its own",
    "JobRunner/Decisions/Inspecting/MissingRetryQueue.swift": "of a quoted command, which is put together there",
    "Publishing/Items/FileItems.swift": "of --file, which amqp-publish does not have",
}


def test_no_message_names_an_option_that_is_not_there():
    """A quoted command, such as 'amqp-job declare --plain', is another program's."""
    found = set()
    for module in "AMQP", "Broker", "Console", "JobRunner", "Linux", "Publishing", "TLS":
        for path in (SOURCES / module).rglob("*.swift"):
            code = re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.MULTILINE)
            texts = re.findall(r'"(?:\\.|[^"\\\n])*"', code)
            if any("--" in re.sub(r"'amqp-job [^']*'", "", text) for text in texts):
                found.add(str(path.relative_to(SOURCES)))
    assert found == set(NAMED)


def test_the_message_about_an_item_that_cannot_be_stored(bench, links):
    queue = bench.queue("classic", b"x" * 3_000_000)
    result = bench.run(
        bench.broker.url, "-q", queue.name, "-c", "1", "cat", command="-u", url=None, binary=links / "amqp-consume",
        env={"TMPDIR": "/no/such"})
    assert result.status == 74 and len(result.lines) == 1, result
    assert "TMPDIR" in result.stderr and "--" not in result.stderr, result
    queue.assert_back()
