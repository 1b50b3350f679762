"""Text from other systems. It neither breaks a line, nor controls a terminal, nor changes the writing direction."""

import json

import pytest

from support.dead_letters import dead

pytestmark = pytest.mark.any_broker

# If this were printed as it is, it would look like "a.exe". It has a right-to-left override, isolates, marks, line
# separators and a C1 control.
TRICKS = "".join(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C, 0x2028, 0x2029, 0x85]))


def clean(text):
    return not set(text) & set(TRICKS)


def test_error_messages_are_clean(bench):
    result = bench.run("-q", f"jobs{TRICKS}", worker=["true"])
    assert result.status in (64, 66) and len(result.lines) == 1 and clean(result.stderr), result
    assert clean(bench.run("-q", "any", f"--timeout=1{TRICKS}", worker=["true"]).stderr)


def test_log_for_machines(bench):
    """Programs get the text unchanged, in escapes."""
    queue = bench.queue()
    queue.put(b"apple", message_id=TRICKS)
    result = bench.run("-q", queue.name, "-v", "--log-format", "json", worker=["true"])
    assert result.status == 0 and clean(result.stderr), result
    assert TRICKS in [json.loads(line).get("id") for line in result.lines]


def test_log_for_people(bench):
    queue = bench.queue()
    queue.put(b"apple", message_id=TRICKS)
    result = bench.run("-q", queue.name, "-v", worker=["true"])
    assert result.status == 0 and clean(result.stderr), result


def test_tables_are_clean(bench):
    queue = bench.work_queue()
    queue.dead.put(b"apple", message_id=f"a{TRICKS}", headers={"x-amqp-job-reason": TRICKS, f"h{TRICKS}": TRICKS})
    result = dead(bench, "list", queue.name)
    assert result.status == 0 and clean(result.stdout.decode()), result
    result = dead(bench, "list", queue.name, "--json")
    assert clean(result.stdout.decode())
    item = json.loads(result.stdout)
    assert item["id"] == f"a{TRICKS}" and item["headers"][f"h{TRICKS}"] == TRICKS


def test_names_of_headers_that_are_left_out(bench):
    queue = bench.queue()
    queue.put(b"apple", headers={f"x{TRICKS}": "a\0b"})
    worker = bench.worker("read")
    assert bench.run("-q", queue.name, worker=worker).status == 0
    assert worker.environment["WORK_ITEM_HEADERS_OMITTED"] == "x" + "_" * len(TRICKS)


@pytest.mark.parametrize("program", ["amqp-get", "amqp-publish", "amqp-consume"])
def test_amqp_tools(bench, links, program):
    words = {"amqp-get": ["-q", f"q{TRICKS}"], "amqp-publish": ["-r", f"q{TRICKS}", "-b", "x"],
             "amqp-consume": ["-q", f"q{TRICKS}", "true"]}[program]
    result = bench.run(*words, binary=str(links / program), command=f"--url={bench.broker.url}", url=None)
    assert result.status == 1 and clean(result.stderr), result
    result = bench.run(f"--no{TRICKS}", binary=str(links / program), command=f"--url={bench.broker.url}", url=None)
    assert result.status == 1 and clean(result.stderr), result
