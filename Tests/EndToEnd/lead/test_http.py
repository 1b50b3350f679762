"""`amqp-job lead --http`: who leads, as HTTP clients see it."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request

import pytest

from support import http_peers
from support.processes import PATIENCE, PROMPT, holds_for, wait_until
from support.sockets import refusing_port

pytestmark = pytest.mark.any_broker

ADDRESS = re.compile(r"answering over HTTP at (.*):(\d+)")


def port_of(candidate):
    return int(wait_until(lambda: ADDRESS.search(candidate.stderr), what="an address")[2])


def start(election, name, *options, **more):
    """Starts a candidate without a command. Returns it with its port."""
    candidate = election.start(name, "--http", "127.0.0.1:0", *options, worker=None, **more)
    return candidate, port_of(candidate)


@pytest.fixture
def port(election):
    """The port of a candidate that leads."""
    election.lease = 3
    _, port = start(election, "pod-a")
    wait_until(lambda: http_peers.leader(port)[0] == 200, what="a leader")
    yield port
    election.end()


def test_every_replica_tells_who_leads(election):
    ports = dict(start(election, name)[1:] + (name,) for name in ("pod-a", "pod-b", "pod-c"))
    wait_until(lambda: all(http_peers.leader(port)[0] == 200 for port in ports), what="a leader that all know")
    answers = {name: http_peers.leader(port)[1] for port, name in ports.items()}
    (leader,) = {answer["name"] for answer in answers.values()}
    for name, answer in answers.items():
        assert answer == {"name": leader, "epoch": 1, "isLeader": name == leader}
    first = election.candidates[leader]
    first.send(signal.SIGTERM)
    assert first.finish().status == 0
    others = [port for port, name in ports.items() if name != leader]
    wait_until(lambda: all(http_peers.leader(port)[1].get("epoch") == 2 for port in others), what="the next leader")
    election.end()


def test_a_client_of_the_old_sidecar(election, port):
    """As its documentation has it: the object at the port has the name of the leader, which is compared with one's own."""
    with urllib.request.urlopen(f"http://localhost:{port}") as response:
        master = json.loads(response.read())
    assert master["name"] == "pod-a"
    assert response.headers["Content-Type"] == "application/json"


def test_no_leader_is_told_before_there_is_one(election):
    election.lease = 30
    _, port = start(election, "pod-a")
    wait_until(lambda: http_peers.leader(port) == (503, {"reason": "no candidate is known to lead"}), what="an answer")
    candidate, port = start(election, "pod-b", "--connect-timeout", "0", url=f"amqp://127.0.0.1:{refusing_port(election.bench)}")
    assert http_peers.leader(port) == (503, {"reason": "this candidate has no connection to the broker"})
    candidate.send(signal.SIGTERM)
    candidate.finish()
    election.end()


def test_a_leader_that_lets_go_does_not_name_itself(election):
    first = election.start_leader("pod-a", "--http", "127.0.0.1:0", "--grace", "3s", steps=("ignore:TERM",))
    port = port_of(first)
    assert http_peers.leader(port)[1]["isLeader"]
    first.send(signal.SIGTERM)
    wait_until(lambda: http_peers.leader(port) == (503, {"reason": "this candidate is letting go"}), what="an answer")
    election.end()


def test_a_standby_that_is_cut_off_names_nobody(election):
    way = election.bench.proxy()
    election.start_leader("pod-a")
    standby, port = start(election, "pod-b", url=way.url)
    wait_until(lambda: http_peers.leader(port)[0] == 200, what="the leader's name")
    way.close()
    wait_until(lambda: http_peers.leader(port)[0] == 503, what="no leader's name")
    assert "has no connection" in http_peers.leader(port)[1]["reason"]
    assert standby.runs()
    election.end()


@pytest.mark.parametrize("frozen", ["the leader", "the standby"])
def test_no_name_is_told_for_longer_than_the_lease(election, frozen):
    ways = {name: election.bench.proxy() for name in ("the leader", "the standby")}
    _, first = start(election, "pod-a", url=ways["the leader"].url)
    wait_until(lambda: http_peers.leader(first)[0] == 200, what="a leader")
    _, second = start(election, "pod-b", url=ways["the standby"].url)
    wait_until(lambda: http_peers.leader(second)[0] == 200, what="the leader's name")
    port = {"the leader": first, "the standby": second}[frozen]
    ways[frozen].freeze()
    frozen_at = time.monotonic()
    wait_until(lambda: http_peers.leader(port)[0] == 503, what="no leader's name")
    assert time.monotonic() - frozen_at < election.lease + PROMPT
    for way in ways.values():
        way.thaw()
    wait_until(lambda: http_peers.leader(port)[0] == 200, timeout=2 * PATIENCE, what="a leader's name")
    election.end()


# What is served


def test_other_paths_and_methods(port):
    assert http_peers.get(port, "/x")[0] == 404
    assert http_peers.get(port, "/?a=b")[0] == 200
    assert http_peers.get(port, "/", "HEAD") == (200, b"")
    assert http_peers.get(port, "/", "POST")[0] == 405


def test_many_requests_over_one_connection(port):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 200)
        received = b""
        while received.count(b"isLeader") < 200:
            received += peer.recv(1 << 16)
    assert received.count(b"HTTP/1.1 200 OK") == 200


# Peers that are not what they should be


@pytest.mark.parametrize("data, status", [
    (b"GET / HTTP/1.1\r\nA: " + b"x" * 100_000 + b"\r\n\r\n", b"400"),
    (b"POST / HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n", b"413"),
    (b"hello\r\n\r\n", b"400"),
], ids=["huge headers", "huge body", "no HTTP"])
def test_bad_requests(port, data, status):
    answer = http_peers.reply_to(port, data)
    # A peer whose bytes were not all read may lose the answer.
    assert not answer or answer.split()[1] == status
    assert http_peers.leader(port)[0] == 200


def test_damaged_requests(port):
    for data in http_peers.damaged_requests(1000, seed=1):
        http_peers.reply_to(port, data)
    assert http_peers.leader(port)[0] == 200


def test_silent_peers_do_not_keep_others_out(election, port):
    """They are closed after ten seconds."""
    candidate = election.candidates["pod-a"]
    peers = http_peers.connected(port, 100)
    assert http_peers.leader(port)[0] == 200
    assert len(os.listdir(f"/proc/{candidate.pid}/fd")) < 100
    for peer in peers:
        peer.close()


def test_slow_peers_do_not_keep_others_out(election, port):
    """Over each of their connections something comes all the time."""
    peers = http_peers.connected(port, 100)
    answer = subprocess.Popen(["curl", "-s", f"http://127.0.0.1:{port}/"], stdout=subprocess.PIPE)
    election.bench.closers += [answer.kill, answer.wait, answer.stdout.close]

    def goes_on():
        for peer in peers:
            try:
                peer.send(b"A")
            except OSError:
                pass
        return answer.poll() is None

    wait_until(lambda: not goes_on(), what="an answer beside slow peers")
    assert json.loads(answer.stdout.read())["name"] == "pod-a"


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        user, system = file.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def test_idle_peers_cost_no_time(election, port):
    candidate = election.candidates["pod-a"]
    peers = http_peers.connected(port, 3)
    before = cpu_seconds(candidate.pid)
    holds_for(candidate.runs, 2, "the candidate")
    assert cpu_seconds(candidate.pid) - before < 1
    for peer in peers:
        peer.close()


# Addresses


def test_an_address_that_cannot_be_had(bench, port):
    options = ("--election", "x", "--http")
    bench.run(*options, f"127.0.0.1:{port}", command="lead").assert_error(74, f"127.0.0.1:{port}", "in use")
    bench.run(*options, "192.0.2.1:4040", command="lead").assert_error(74, "192.0.2.1:4040")
    bench.run(*options, "nohost.invalid:4040", command="lead").assert_error(74, "nohost.invalid")


@pytest.mark.parametrize("address", ["4040", "a:b", "a:65536", "[::1:4040", "http://a:1", ""])
def test_bad_addresses(bench, address):
    bench.run("--election", "x", "--http", address, command="lead").assert_error(64, "--http", "127.0.0.1:9464", ":9464")


@pytest.mark.parametrize("address", ["localhost:0", ":0", "0.0.0.0:0"])
def test_addresses(election, address):
    candidate = election.start("pod-a", "--http", address, worker=None)
    port = port_of(candidate)
    assert f"answering over HTTP at {address[:-1]}{port}" in candidate.stderr
    assert http_peers.get(port, host="127.0.0.1")[0] == 503
    election.end()
