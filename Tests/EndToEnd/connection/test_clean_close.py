"""Every connection ends with the broker's answer to its close. If the socket is closed before that, the broker logs a
warning, and does so for each pod."""

import re
import signal
import time

import pytest

from support.peer import Basic, Connection
from support.processes import PROMPT, wait_until

CALLS = 20


class Log:
    """What the broker logs from now on."""

    def __init__(self, broker):
        self.broker = broker
        self.path = broker._script("logs")
        self.start = self.mark("begin")

    def mark(self, word):
        """Makes the broker log a line, and returns the position of its end. Everything that happened before is logged
        before it."""
        line = f"test mark {word} {time.monotonic_ns()}"
        # Each connection is a process in the broker. The logger gets their last messages before this one.
        self.broker.eval(f'logger:warning("{line}").')
        wait_until(lambda: line in self.text(), 60, what="the mark in the broker's log")
        text = self.text()
        return text.index(line) + len(line)

    def text(self):
        with open(self.path, errors="replace") as log:
            return log.read()

    def warnings(self):
        """The warnings, once all connections but the test's own are gone. By then their ends have been logged."""
        wait_until(lambda: self.others() == 0, 60, what="the end of the connections")
        end = self.mark("end")
        text = self.text()[self.start:end]
        # A warning may have several lines.
        entries = re.split(r"\n(?=\d{4}-\d\d-\d\d )", text)
        return [entry for entry in entries if "[warning]" in entry and "test mark" not in entry]

    def others(self):
        rows = "[io_lib:format(\"~p\", [Info]) || Info <- rabbit_networking:connection_info_all([client_properties])]"
        return int(self.broker.eval(f'length([1 || Row <- {rows}, string:find(Row, "amqp-job") =/= nomatch]).'))


def run_one(bench, queue, links):
    queue.put(b"apple")
    return bench.run("-q", queue.name, worker=["true"]), 0


def run_failing(bench, queue, links):
    """The runner moves the item on a second connection."""
    queue.put(b"apple")
    return bench.run("-q", queue.name, "--max-attempts", "1", worker=["sh", "-c", "exit 3"]), 3


def run_missing(bench, queue, links):
    return bench.run("-q", queue.name + "-missing", worker=["true"]), 66


def publish(bench, queue, links):
    return bench.run("-q", queue.name, "a", "b", command="publish"), 0


def publish_nowhere(bench, queue, links):
    return bench.run("-q", queue.name + "-missing", "a", command="publish"), 66


def status(bench, queue, links):
    return bench.run(queue.name, command="status"), 0


def status_missing(bench, queue, links):
    return bench.run(queue.name + "-missing", command="status"), 66


def dead_list(bench, queue, links):
    return bench.run("list", queue.name, command="dead"), 0


def dead_replay(bench, queue, links):
    return bench.run("replay", queue.name, command="dead"), 0


def dead_missing(bench, queue, links):
    return bench.run("list", queue.name + "-missing", command="dead"), 66


def declare(bench, queue, links):
    return bench.run(queue.name, command="declare"), 0


def declare_otherwise(bench, queue, links):
    return bench.run(queue.name, "--type", "classic", command="declare"), 78


def amqp_tool(name, *arguments, status=0, body=None):
    def call(bench, queue, links):
        if body:
            queue.put(body)
        words = [bench.broker.url, *(word.format(queue=queue.name) for word in arguments)]
        return bench.run(*words, command="--url", url=None, binary=str(links / name)), status

    call.__name__ = name if status == 0 else f"{name}_failing"
    return call


def term_while_idle(bench, queue, links):
    runner = bench.start("-q", queue.name, "--forever", worker=["true"])
    runner.handles(signal.SIGTERM)
    wait_until(lambda: queue.consumers(), what="a consumer")
    runner.send(signal.SIGTERM)
    return runner.finish(PROMPT), 0


def term_while_connecting(bench, queue, links):
    """The signal arrives during the login, in most cases."""
    runner = bench.start("-q", queue.name, worker=["true"])
    runner.handles(signal.SIGTERM)
    runner.send(signal.SIGTERM)
    return runner.finish(PROMPT), 143


def watch(bench, queue, links):
    runner = bench.start("--watch", "--interval", "100ms", queue.name, command="status")
    wait_until(lambda: runner.stdout, what="a look")
    runner.send(signal.SIGINT)
    return runner.finish(PROMPT), 130


CALLED = [
    run_one, run_failing, run_missing, publish, publish_nowhere, status, status_missing, dead_list, dead_replay, dead_missing,
    declare, declare_otherwise, term_while_idle, term_while_connecting, watch,
    amqp_tool("amqp-consume", "-q", "{queue}", "-c", "1", "true", body=b"apple"),
    amqp_tool("amqp-publish", "-r", "{queue}", "-b", "apple"),
    amqp_tool("amqp-get", "-q", "{queue}", body=b"apple"),
    amqp_tool("amqp-get", "-q", "{queue}-missing", status=1),
]


@pytest.mark.limit(400)
@pytest.mark.parametrize("call", CALLED, ids=lambda call: call.__name__)
def test_no_warning_in_the_brokers_log(spare, links, call):
    queue = spare.work_queue("quorum")
    log = Log(spare.broker)
    for _ in range(CALLS):
        result, expected = call(spare, queue, links)
        assert result.status == expected, result
    assert log.warnings() == []


def silent(session, channel, method):
    pass


@pytest.mark.parametrize("command, arguments, worker", [("run", ["-q", "queue"], ["true"]), ("publish", ["-q", "queue", "a"], None)])
def test_a_broker_that_does_not_answer_the_close(bench, command, arguments, worker):
    """Everything is settled. The program waits five seconds for the answer, and then ends normally."""
    peer = bench.peer(b"apple")
    peer.on(Basic.Publish, lambda session, channel, method: session.send(channel, Basic.Ack(1)))
    peer.on(Connection.Close, silent)
    result = bench.run(*arguments, url=peer.url, command=command, worker=worker)
    assert (result.status, result.stderr) == (0, ""), result
    assert 4.5 < result.seconds < 5 + PROMPT


def test_term_while_a_broker_does_not_answer_the_close(bench):
    peer = bench.peer(b"apple")
    peer.on(Connection.Close, silent)
    runner = bench.start("-q", "queue", url=peer.url, worker=["true"])
    peer.wait_for(Connection.Close)
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 0
