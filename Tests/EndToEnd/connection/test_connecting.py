"""Connecting to brokers that are missing, late, silent or refusing, or that are no brokers."""

import signal
import threading

import pytest

from support import peer as peers, processes
from support.processes import CAN_ISOLATE, PROMPT, PYTHON, holds_for, wait_until
from support.sockets import refusing_port, silent_port, unreachable_port
from support.users import user

# test_urls_and_secret_files.py tests URLs that cannot be right.

PLACES = {"refused": refusing_port, "silent": silent_port, "no answer to SYN": unreachable_port}


@pytest.mark.parametrize("place", PLACES)
def test_unreachable(bench, place):
    port = PLACES[place](bench)
    result = bench.run(
        "-q", "any", "--connect-timeout", "2s", url=f"amqp://guest:guest@127.0.0.1:{port}", worker=["true"]
    )
    result.assert_error(69, "127.0.0.1", port)
    assert 1.5 < result.seconds < 2 + PROMPT, "it has to try for as long as it was told to"


@pytest.mark.parametrize("words, command", [(["any"], "status"), (["-q", "any", "--wait", "apple"], "publish")])
def test_the_last_attempt_is_near_the_end_of_the_time(bench, words, command):
    """Pauses between attempts grow, and the last one would be longer than the rest of the time."""
    result = bench.run(*words, "--connect-timeout", "6s", url="amqp://guest:guest@127.0.0.1:1", command=command)
    assert result.status == 69 and result.seconds > 4.9, result


def test_a_silent_broker_leaves_time_for_the_next(bench):
    queue = bench.queue("quorum")
    url = f"amqp://guest:guest@127.0.0.1:{silent_port(bench)},{bench.broker.url}"
    result = bench.run(queue.name, "--connect-timeout", "4s", command="status", url=url)
    assert (result.status, result.stderr) == (0, ""), result


@pytest.mark.parametrize("size", [3_700, 5_000, 9_000])
def test_a_login_that_is_too_large(bench, size):
    """RabbitMQ does not answer this, or closes the connection."""
    most = 8192 if bench.broker.version >= (4, 1) else 4096
    password = bench.file("password", "x" * size, mode=0o600)
    result = bench.run("any", "--password-file", password, "--connect-timeout", "500ms", command="status")
    if size < most:
        result.assert_error(77, "refused the login")
    else:
        result.assert_error(69, "the login takes", "initial_frame_max")


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP"])
@pytest.mark.parametrize("place", PLACES)
def test_signal_while_connecting(bench, place, name):
    port = PLACES[place](bench)
    runner = bench.start("-q", "any", url=f"amqp://guest:guest@127.0.0.1:{port}", worker=["true"])
    number = getattr(signal, "SIG" + name)
    runner.handles(number)
    if place == "no answer to SYN":
        wait_until(lambda: processes.connecting_to(port), what="a SYN without an answer")
    holds_for(runner.runs, 0.3, "the runner")
    runner.send(number)
    assert runner.finish(PROMPT).status == 128 + number


def test_unresolvable_host(bench):
    result = bench.run(
        "-q", "any", "--connect-timeout", "2s", url="amqp://guest:guest@no-such-host.invalid", worker=["true"]
    )
    result.assert_error(69, "no-such-host.invalid")


@pytest.mark.skipif(not CAN_ISOLATE, reason="namespaces are not to be had here")
@pytest.mark.parametrize("end", ["TERM", "connect-timeout"])
def test_name_server_that_does_not_answer(bench, end):
    """The C library's look-up cannot be interrupted. The runner still has to react."""
    runner = bench.start(
        "-q", "any", *(["--connect-timeout", "2s"] if end == "connect-timeout" else []),
        url="amqp://guest:guest@broker.example",
        worker=["true"],
        prefix=[PYTHON, "-IS", str(processes.HERE / "isolate.py"), "silent-resolver", str(bench.directory)],
    )
    if end == "TERM":
        wait_until(lambda: b"amqp-job" in processes.read_proc(runner.pid, "comm"), what="the start of amqp-job")
        runner.handles(signal.SIGTERM)
        holds_for(runner.runs, 0.5, "the runner")
        runner.send(signal.SIGTERM)
        assert runner.finish(PROMPT).status == 143
    else:
        runner.finish(2 + PROMPT).assert_error(69, "broker.example")


STAGES = {
    "header": None,
    "start-ok": peers.Connection.StartOk,
    "open": peers.Connection.Open,
    "channel": peers.Channel.Open,
    "declare": peers.Queue.Declare,
    "qos": peers.Basic.Qos,
    "consume": peers.Basic.Consume,
}


def halting_peer(bench, stage):
    """A server that answers up to this stage, and whose heartbeats go on."""
    if stage == "header":
        return bench.peer(greet=False)
    peer = bench.peer()
    peer.on(STAGES[stage], lambda session, channel, method: None)
    return peer


# Channel.Open and Basic.Qos are sent together with what follows them, and this peer would answer those.
@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage not in ("channel", "qos")])
def test_peer_that_stops_talking(bench, stage):
    peer = halting_peer(bench, stage)
    result = bench.run(
        "-q", "queue", "--connect-timeout", "1s", url=peer.url, worker=["true"], timeout=1 + PROMPT
    )
    result.assert_error(69, "127.0.0.1")


@pytest.mark.parametrize("stage", STAGES)
def test_term_while_a_peer_says_nothing(bench, stage):
    peer = halting_peer(bench, stage)
    runner = bench.start("-q", "queue", url=peer.url, worker=["true"])
    if stage == "header":
        peer.wait_for_connection()
        runner.handles(signal.SIGTERM)
    else:
        peer.wait_for(STAGES[stage])
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 143


NONSENSE = {
    "another protocol": b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    "another version": b"AMQP\x01\x01\x00\x09",
    "half a frame": b"\x01\x00\x00\x00\x00\x01\x00\x00\x0a\x00\x0a",
    "a frame of 4 GiB": b"\x01\x00\x00\xff\xff\xff\xf0" + bytes(4096),
    "no end of frame": b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x0a\x00",
    "an unknown method": b"\x01\x00\x00\x00\x00\x00\x04\x03\xe7\x03\xe7\xce",
    "a table longer than its frame": b"\x01\x00\x00\x00\x00\x00\x0a\x00\x0a\x00\x0a\x00\x09\x00\xff\xff\xff\xce",
    "zeros": bytes(65536),
    "nothing": b"",
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_instead_of_amqp(bench, kind):
    """The result is an error, not a crash, whatever listens there."""
    peer = bench.peer(greet=False)

    def talk():
        served = 0
        while not ended.wait(0.01):
            for session in peer.sessions[served:]:
                served += 1
                session.raw(NONSENSE[kind])
                session.drop()

    ended = threading.Event()
    thread = threading.Thread(target=talk)
    thread.start()
    try:
        result = bench.run("-q", "any", "--connect-timeout", "1s", url=peer.url, worker=["true"])
    finally:
        ended.set()
        thread.join()
    result.assert_error(69, "127.0.0.1")


# Refused


def test_wrong_password(bench):
    host, port = bench.broker.address
    result = bench.run("-q", "any", url=f"amqp://guest:Wr0ng-pass@{host}:{port}", worker=["true"])
    result.assert_error(77, "127.0.0.1", "guest")
    assert "Wr0ng-pass" not in result.stderr
    assert result.seconds < 40, "it must not be tried again until --connect-timeout"


def test_missing_vhost(bench):
    result = bench.run("-q", "any", url=bench.broker.url + "/no-such-vhost", worker=["true"])
    result.assert_error(77, "no-such-vhost")


def test_vhost_that_exists(bench):
    """The name of the vhost is percent-encoded, and so is the slash of the default vhost."""
    vhost = bench.marker + "/ä b"
    with bench.broker.vhost(vhost):
        encoded = bench.marker + "%2F%C3%A4%20b"
        result = bench.run("-q", "any", url=f"{bench.broker.url}/{encoded}", worker=["true"])
        result.assert_error(66, "any")
    queue = bench.queue("classic", b"apple")
    assert bench.run("-q", queue.name, url=bench.broker.url + "/%2F", worker=["true"]).status == 0


def test_odd_password(bench):
    """The password has reserved, non-ASCII and percent characters. It is percent-encoded in the URL, or plain in a
    file."""
    password = "p@ss:w/rd%é?#"
    with user(bench, ".*", ".*", ".*", password=password) as owner:
        queue = bench.queue("classic", b"one", b"two")
        host, port = bench.broker.address
        url = f"amqp://{owner.name}:p%40ss%3Aw%2Frd%25%C3%A9%3F%23@{host}:{port}"
        result = bench.run("-q", queue.name, url=url, worker=["true"])
        assert result.status == 0, result
        secret = bench.file("password", password + "\n", mode=0o600)
        result = bench.run(
            "-q", queue.name, "--password-file", secret, url=f"amqp://{owner.name}@{host}:{port}", worker=["true"]
        )
        assert result.status == 0, result
        queue.assert_empty()


def test_user_without_permission(bench):
    with user(bench) as stranger:
        queue = bench.queue("classic", b"apple")
        stranger.run("-q", queue.name, worker=["true"]).assert_error(77, queue.name)
        queue.assert_untouched()


# Not at the first attempt


@pytest.mark.parametrize("place", ["refused", "silent"])
def test_several_urls_are_tried_in_turn(bench, place):
    port = PLACES[place](bench)
    queue = bench.queue("classic", b"apple")
    url = f"amqp://guest:guest@127.0.0.1:{port},{bench.broker.url}"
    result = bench.run("-q", queue.name, url=url, worker=["true"], timeout=60)
    assert result.status == 0, result
    queue.assert_empty()


@pytest.mark.slow
def test_broker_up_ten_seconds_later(bench):
    queue = bench.queue("quorum", b"apple")
    way = bench.proxy(listen=False)
    worker = bench.worker("read")
    runner = bench.start("-q", queue.name, url=way.url, worker=worker)
    timer = threading.Timer(10, way.listen)
    timer.daemon = True
    timer.start()
    result = runner.finish(60)
    assert result.status == 0, result
    assert result.seconds > 9
    assert worker.runs == 1
    queue.assert_empty()


def test_broker_started_later(spare, spare_broker):
    queue = spare.queue("quorum", b"apple")
    spare.client.close()
    spare_broker.stop(keep_data=True)
    runner = spare.start("-q", queue.name, worker=["true"])
    runner.handles(signal.SIGTERM)
    holds_for(runner.runs, 0.5, "the runner")
    spare_broker.start()
    assert runner.finish(60).status == 0
    queue.assert_empty()
