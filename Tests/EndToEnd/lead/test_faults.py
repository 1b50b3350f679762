"""`amqp-job lead` under faults: no two leaders' commands run at once, and epochs grow."""

import os
import signal
import subprocess
import sys

import pytest

from support.election import alive
from support.processes import PATIENCE, PROMPT, holds_for, is_alive, wait_until

STUBBORN = ("ignore:TERM",)


def stopped(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0] == "T"


def stop(process, pid=None):
    os.kill(pid or process.pid, signal.SIGSTOP)
    wait_until(lambda: stopped(pid or process.pid), what="a stopped process")


# Processes


@pytest.mark.parametrize("steps", [(), STUBBORN, ("leave-group", *STUBBORN)], ids=["as it is", "stubborn", "gone from its group"])
def test_a_killed_leader_takes_its_command_with_it(election, steps):
    first = election.start_leader("pod-a", steps=steps)
    election.start_standby("pod-b", "pod-a")
    first.send(signal.SIGKILL)
    wait_until(lambda: not alive(election.witness.runs[0]), timeout=PROMPT, what="the end of the command")
    election.witness.wait_for(2)
    election.end()


@pytest.mark.parametrize("steps", [(), STUBBORN, ("leave-group", *STUBBORN)], ids=["as it is", "stubborn", "gone from its group"])
def test_the_command_of_a_stopped_leader_ends_before_the_next_one_begins(election, steps):
    path = election.bench.path("leader")
    first = election.start_leader("pod-a", "--leader-file", path, steps=steps)
    second = election.start_standby("pod-b", "pod-a")
    stop(first)
    run = election.witness.wait_for(2)
    assert not alive(election.witness.runs[0]) and not path.exists()
    first.send(signal.SIGCONT)
    wait_until(lambda: "'pod-b' leads, epoch 2" in first.stderr, what="a standby again")
    assert "pod-a" in second.stderr and alive(run)
    election.end()


def test_a_stopped_leader_with_a_stopped_command(election):
    first = election.start_leader("pod-a", steps=STUBBORN)
    election.start_standby("pod-b", "pod-a")
    stop(first, election.witness.runs[0].pid)
    stop(first)
    election.witness.wait_for(2)
    assert not alive(election.witness.runs[0])
    first.send(signal.SIGCONT)
    election.end()


def test_a_leader_that_is_stopped_for_a_moment_remains_the_leader(election):
    first = election.start_leader("pod-a")
    election.start_standby("pod-b", "pod-a")
    stop(first)
    first.send(signal.SIGCONT)
    # The end of the lease that it had.
    holds_for(lambda: alive(election.witness.runs[0]), election.lease + 1, "the command")
    election.end()


def test_a_guardian_that_is_killed_is_replaced(election):
    path = election.bench.path("leader")
    first = election.start_leader("pod-a", "--leader-file", path, steps=STUBBORN)
    children = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(first.pid)], capture_output=True, text=True, check=True)
    (guardian,) = (int(line.split()[0]) for line in children.stdout.splitlines() if "job-guardian" in line)
    os.kill(guardian, signal.SIGKILL)
    wait_until(lambda: not is_alive(guardian), what="the end of the guardian")
    holds_for(lambda: alive(election.witness.runs[0]), 0.5, "the command")
    stop(first)
    wait_until(lambda: not alive(election.witness.runs[0]) and not path.exists(), what="the end of the command")
    first.send(signal.SIGCONT)
    election.end()


# Connections


def test_a_connection_that_is_cut(election):
    """The standby gets the election. It waits for the leader, which stops before its lease ends."""
    way = election.bench.proxy()
    first = election.start_leader("pod-a", url=way.url, steps=STUBBORN)
    election.start_standby("pod-b", "pod-a")
    way.cut()
    election.witness.wait_for(2)
    assert "lost the connection" in first.stderr
    wait_until(lambda: "'pod-b' leads, epoch 2" in first.stderr, what="a standby again")
    election.end()


def test_a_connection_that_is_frozen(election):
    way = election.bench.proxy()
    first = election.start_leader("pod-a", url=way.url)
    election.start_standby("pod-b", "pod-a")
    way.freeze()
    wait_until(lambda: "has not proven the lease of epoch 1 in time" in first.stderr, what="the leader's end")
    election.witness.wait_for(2)
    way.thaw()
    election.end()


def test_a_leader_that_is_alone_survives_a_cut(election):
    way = election.bench.proxy()
    election.lease = 30
    first = election.start("pod-a", url=way.url)
    run = election.witness.wait_for(1, timeout=2 * PATIENCE)
    way.cut()
    election.wait_for_joined(2)
    holds_for(lambda: alive(run) and first.runs(), 12, "the command")
    assert "has not proven" not in first.stderr
    election.end()


def test_the_broker_closes_all_connections(bench, election):
    election.start_leader("pod-a")
    election.start_standby("pod-b", "pod-a")
    bench.broker.eval(
        "[rabbit_networking:close_connection(Pid, \"because of a test\") || [{pid, Pid}, {client_properties, Table}] <- "
        "rabbit_networking:connection_info_all([pid, client_properties]), "
        f"{{<<\"connection_name\">>, _, Name}} <- Table, binary:match(Name, <<\"{election.name}\">>) =/= nomatch].")
    wait_until(lambda: all("lost the connection" in each.stderr for each in election.candidates.values()), what="lost connections")
    election.wait_for_joined(2)
    election.wait_for_leader()
    election.end()


# The broker


def test_a_broker_that_is_restarted(spare_broker, spare_election):
    election = spare_election
    for name in ("pod-a", "pod-b", "pod-c"):
        election.start(name, "--connect-timeout", "0")
    election.witness.wait_for(1)
    spare_broker.stop(keep_data=True)
    spare_broker.start()
    election.wait_for_joined(2)
    election.wait_for_leader()
    election.end()


def test_a_broker_that_is_killed(spare_broker, spare_election):
    election = spare_election
    election.start_leader("pod-a")
    election.start_standby("pod-b", "pod-a")
    spare_broker.kill()
    wait_until(lambda: not alive(election.witness.runs[0]), what="the end of the command")
    spare_broker.start()
    election.witness.wait_for(2, timeout=2 * PATIENCE)
    election.end()


def test_a_broker_that_is_frozen(spare_broker, spare_election):
    election = spare_election
    election.start_leader("pod-a", steps=STUBBORN)
    election.start_standby("pod-b", "pod-a")
    pid = spare_broker.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: not alive(election.witness.runs[0]), what="the end of the command")
        assert len(election.witness.runs) == 1
    finally:
        os.kill(pid, signal.SIGCONT)
    election.witness.wait_for(2, timeout=2 * PATIENCE)
    election.end()


def test_a_broker_that_is_short_of_memory(spare_broker, spare_election):
    election = spare_election
    first = election.start_leader("pod-a")
    election.start_standby("pod-b", "pod-a")
    with spare_broker.short_of_memory():
        wait_until(lambda: not alive(election.witness.runs[0]), what="the end of the command")
        assert "takes no messages" in first.stderr and first.runs()
        count = len(election.witness.runs)
    election.witness.wait_for(count + 1)
    election.end()


def test_a_queue_that_is_deleted(election):
    """Nobody knows the leader from the new queue. A candidate waits for a lease all the same."""
    election.start_leader("pod-a")
    election.start_standby("pod-b", "pod-a")
    election.queue.delete()
    election.wait_for_joined(2)
    election.wait_for_leader()
    election.end()


def test_messages_of_others_do_no_harm(election):
    first = election.start_leader("pod-a")
    election.queue.put(b"hello", b"", type="amqp-job.state", headers={"candidate": "x", "number": 1, "epoch": "many"})
    wait_until(lambda: first.stderr.count("none of ours") == 2, what="two warnings")
    election.queue.put(b"", type="amqp-job.ask", reply_to="elsewhere", headers={"candidate": "x", "number": 1})
    election.start_standby("pod-b", "pod-a")
    assert len(election.witness.runs) == 1
    election.end()


# The witness

IMPOSTOR = """
import os, pika, subprocess, sys
url, queue, *command = sys.argv[1:]
parameters = pika.URLParameters(url)
parameters.virtual_host = "/"
channel = pika.BlockingConnection(parameters).channel()
def begin(*_):
    os.environ["LEADER_EPOCH"] = "2"
    os.execv(command[0], command)
channel.basic_qos(prefetch_count=1000)
channel.basic_consume(queue, begin)
print("ready", flush=True)
channel.start_consuming()
"""


def test_the_witness_notices_a_candidate_that_ignores_the_lease(election):
    way = election.bench.proxy()
    first = election.start_leader("pod-a", url=way.url)
    impostor = subprocess.Popen(
        [sys.executable, "-c", IMPOSTOR, election.bench.broker.url, election.queue.name, *election.witness.command()],
        stdout=subprocess.PIPE, env=election.bench.environment())
    election.bench.closers += [impostor.kill, impostor.wait, impostor.stdout.close]
    assert impostor.stdout.readline() == b"ready\n"
    way.cut()
    election.witness.wait_for(2)
    wait_until(lambda: any("epoch 2 began" in text for text in election.witness.violations()), what="a violation")
    impostor.kill()
    first.send(signal.SIGTERM)
    first.finish()
