"""amqp-job run --joblog: a line for each item, in the columns of GNU parallel."""

import csv
import time

import pytest

COLUMNS = ["Seq", "Host", "Starttime", "JobRuntime", "Send", "Receive", "Exitval", "Signal", "Command"]


def lines(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_each_item_has_a_line(bench):
    queue = bench.queue("quorum")
    for name, body in (("a", b"0"), ("b", b"3"), ("c", b"KILL")):
        queue.put(body, message_id=name)
    log = bench.path("log")
    began = time.time()
    worker = bench.script('item=$(cat); [ "$item" != KILL ] || kill -KILL $$; exit "$item"')
    result = bench.run("-q", queue.name, "-n", "3", "-j", "3", "--joblog", log, worker=[*worker, "--fast"])
    assert result.status == 1, result
    found = {line["Item"]: line for line in lines(log)}
    assert list(found["a"])[:9] == COLUMNS
    ends = {name: (found[name]["Exitval"], found[name]["Signal"], found[name]["Settlement"]) for name in found}
    assert ends == {"a": ("0", "0", "acked"), "b": ("3", "0", "given-back"), "c": ("0", "9", "given-back")}
    assert sorted(line["Seq"] for line in found.values()) == ["1", "2", "3"]
    assert found["c"]["Send"] == "4" and found["c"]["Command"] == " ".join([*worker, "--fast"])
    for line in found.values():
        assert began - 1 <= float(line["Starttime"]) <= time.time() and float(line["JobRuntime"]) >= 0


def test_runners_share_the_file(bench):
    """There is one header, and no line is torn."""
    queue = bench.queue("quorum", *(b"item" for _ in range(40)))
    log = bench.path("log")
    runners = [bench.start("-q", queue.name, "--drain", "--joblog", log, worker=["true"]) for _ in range(4)]
    assert [runner.finish().status for runner in runners] == [0] * 4
    found = lines(log)
    assert len(found) == 40 and all(line["Settlement"] == "acked" for line in found), found
    assert log.read_text().count("Seq\t") == 1


@pytest.mark.any_broker
def test_a_file_that_cannot_be_opened(bench):
    missing = bench.directory / "no" / "log"
    bench.run("-q", "any", "--joblog", missing, worker=["true"]).assert_error(74, str(missing), "--joblog")
