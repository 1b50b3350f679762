"""amqp-job run --joblog: a line for each item, in the columns of GNU parallel."""

import csv
import time

import pytest

from support.processes import holds_for, wait_until

pytestmark = pytest.mark.any_broker

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


def test_an_item_that_is_given_up_while_its_worker_runs_has_a_line(bench):
    queue = bench.queue("quorum")
    queue.put(b"apple", message_id="a")
    proxy, log, worker = bench.proxy(), bench.path("log"), bench.worker("hold")
    runner = bench.start("-q", queue.name, "-v", "--joblog", log, url=proxy.url, worker=worker)
    worker.wait_for("holding")
    proxy.cut()
    result = runner.finish()
    assert result.status == 75, result
    (line,) = lines(log)
    assert (line["Item"], line["Settlement"], line["Attempt"]) == ("a", "given-back", "1")
    assert line["Exitval"] != "-1"
    assert "item a of queue" in result.stderr and "; given back by the broker (the connection was lost)" in result.stderr


def test_the_size_of_a_result_is_what_was_received(bench):
    queue, results, log = bench.queue("quorum", b"apple"), bench.queue(), bench.path("log")
    options = ("-q", queue.name, "--joblog", log, "--result-queue", results.name)
    assert bench.run(*options, worker=["printf", "a result"]).status == 0
    queue.put(b"pear")
    assert bench.run(*options, "--result-max", "8", worker=["printf", "nobody has it"]).status == 1
    assert [(line["Receive"], line["Exitval"]) for line in lines(log)] == [("8", "0"), ("0", "0")]


def test_the_time_is_the_workers_and_not_that_of_its_result(bench):
    """The broker confirms nothing for a while after the worker's end."""
    queue, results, proxy = bench.queue("quorum", b"apple"), bench.queue(), bench.proxy()
    log, began_file, gate, ended_file = (bench.path(name) for name in ("log", "began", "gate", "ended"))
    began = time.monotonic()
    runner = bench.start(
        "-q", queue.name, "--joblog", log, "--result-queue", results.name, url=proxy.url,
        worker=["sh", "-c", f"touch {began_file}; until [ -e {gate} ]; do sleep 0.05; done; echo done; touch {ended_file}"])
    wait_until(began_file.exists, what="a worker")
    proxy.freeze()
    gate.touch()
    wait_until(ended_file.exists, what="the worker's end")
    ended = time.monotonic()
    holds_for(runner.runs, 1, "a runner that waits for the broker")
    proxy.thaw()
    assert runner.finish().status == 0
    (line,) = lines(log)
    assert float(line["JobRuntime"]) <= ended - began + 0.5 and line["Receive"] == "5"


def test_a_file_that_cannot_be_opened(bench):
    missing = bench.directory / "no" / "log"
    bench.run("-q", "any", "--joblog", missing, worker=["true"]).assert_error(74, str(missing), "--joblog")
