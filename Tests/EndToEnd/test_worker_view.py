"""What the worker gets: its standard streams, its environment, its place among the processes."""

import datetime
import decimal
import hashlib
import json
import os
import signal
import struct
import subprocess

import pika
import pytest

from harness import CAN_ISOLATE, PROMPT, PYTHON, Raw, is_alive, wait_until

# Standard input


@pytest.mark.parametrize("length", [0, 1, 65536, 131072, 16 << 20])
def test_body_byte_for_byte(bench, length):
    body = os.urandom(length)
    queue = bench.queue("quorum", body)
    worker = bench.worker("read")
    assert bench.run("-q", queue.name, worker=worker).status == 0
    (end,) = worker.events("end-of-input")
    assert end["length"] == length
    assert end["sha256"] == hashlib.sha256(body).hexdigest()
    queue.assert_empty()


@pytest.mark.parametrize(
    "steps",
    [(), ("read:1500000",), ("close-stdin", "sleep:0.3"), ("sleep:0.3",)],
    ids=["reads nothing", "reads half", "closes stdin and runs on", "runs without reading"],
)
def test_worker_that_does_not_read_it_all(bench, steps):
    queue = bench.queue("quorum", os.urandom(3_000_000))
    worker = bench.worker(*steps)
    result = bench.run("-q", queue.name, worker=worker)
    assert (result.status, result.stderr) == (0, ""), result
    assert worker.runs == 1
    queue.assert_empty()


def test_tiny_bodies_that_nobody_reads(bench):
    """Whether the worker is gone before the body is written is a race; it must not matter who wins."""
    queue = bench.queue("classic", *[b"tiny"] * 60)
    result = bench.run("-q", queue.name, "-n", "60", worker=["true"], timeout=40)
    assert (result.status, result.stderr) == (0, ""), result
    queue.assert_empty()


def test_slow_reader(bench):
    queue = bench.queue("quorum", os.urandom(1 << 20))
    worker = bench.worker("slowly")
    assert bench.run("-q", queue.name, worker=worker).status == 0
    assert worker.events("end-of-input")[0]["length"] == 1 << 20


@pytest.mark.parametrize("depth", ["worker", "child of the worker"])
@pytest.mark.parametrize("way", ["killed", "stopped first"])
def test_no_end_of_file_before_the_end(bench, depth, way):
    """The runner is killed in the midst of feeding. Its end of the pipe is then closed before anyone can act; what
    reads at the other end must be dead before it can take that for the end of the body."""
    queue = bench.queue("classic", bytes(32 << 20))
    for attempt in range(3):
        reader = bench.worker("slowly" if way == "killed" else "read")
        if depth == "worker":
            command = reader
        else:
            command = bench.script(" ".join(reader.command) + "; exit $?")
        if way == "killed":
            runner = bench.start("-q", queue.name, worker=command)
            reader.wait_for("progress", 2)
        else:
            # Where the reader has taken all there is and waits in read(), it is woken by the closed pipe.
            runner = bench.start("-q", queue.name, worker=command)
            reader.wait_for("reading")
            runner.send(signal.SIGSTOP)
            pid = reader.start["pid"]
            wait_until(lambda: waits_in_pipe(pid) or not is_alive(pid), what="a reader that has read all")
        runner.send(signal.SIGKILL)
        runner.finish()
        bench.assert_nothing_left()
        for end in reader.events("end-of-input"):
            assert end["length"] == 32 << 20, f"attempt {attempt}: an item of {end['length']} bytes was seen"
        if not reader.has("end-of-input"):
            queue.assert_back()


def waits_in_pipe(pid):
    try:
        with open(f"/proc/{pid}/syscall") as syscall:
            words = syscall.read().split()
    except OSError:
        return False
    return words[:2] == [{"x86_64": "0", "aarch64": "63"}[os.uname().machine], "0x0"]  # read(0, …)


# Standard output and error


def test_output_is_the_runners_own(bench):
    queue = bench.queue("quorum", b"apple")
    result = bench.run("-q", queue.name, worker=["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert result.status == 3
    assert result.stdout == b"out\n"
    assert "err" in result.lines


def test_output_closed_by_its_reader(bench):
    """The worker, not the runner, meets the broken pipe."""
    queue = bench.queue("quorum", b"apple")
    reading, writing = os.pipe()
    os.close(reading)
    runner = bench.start("-q", queue.name, worker=["sh", "-c", "trap '' PIPE; echo out || exit 7"], stdout=writing)
    os.close(writing)
    assert runner.finish().status == 7
    queue.assert_back()


def test_arguments_are_untouched(bench):
    queue = bench.queue("quorum", b"1", b"2", b"3")
    words = ["--queue", "x", "-n", "7", "--", "", "a b", "*", "$HOME", "{}", "--help"]
    worker = bench.worker()
    code = "import sys, json; json.dump(sys.argv[1:], sys.stdout)"
    result = bench.run("-q", queue.name, worker=[PYTHON, "-c", code, *words])
    assert result.status == 0
    assert json.loads(result.stdout) == words
    # Without `--`, options end at the first word that is not one.
    result = bench.run("-q", queue.name, PYTHON, "-c", code, "-q", "y", "-v")
    assert result.status == 0, result
    assert json.loads(result.stdout) == ["-q", "y", "-v"]
    result = bench.run("-q", queue.name, PYTHON, "-c", code, "a", "--", "b")
    assert result.status == 0, result
    assert json.loads(result.stdout) == ["a", "--", "b"]
    assert not worker.has("start")


# The item in the environment


def item_environment(worker):
    """The item's, apart from its headers."""
    return {
        name: value
        for name, value in worker.environment.items()
        if name.startswith("WORK_ITEM_") and not name.startswith("WORK_ITEM_HEADER_")
    }


def headers_seen(worker):
    """Those that are not the broker's own."""
    prefix = "WORK_ITEM_HEADER_"
    return {
        name[len(prefix):]: value
        for name, value in worker.environment.items()
        if name.startswith(prefix) and name != "WORK_ITEM_HEADER_X_DELIVERY_COUNT"
    }


def test_item_without_properties(bench):
    queue = bench.queue("classic")
    bench.client.channel.basic_publish("", queue.name, b"apple")
    worker = bench.worker()
    assert bench.run("-q", queue.name, worker=worker).status == 0
    seen = item_environment(worker)
    assert seen.pop("WORK_ITEM_EXCHANGE", "") == ""
    assert seen == {
        "WORK_ITEM_ATTEMPT": "1",
        "WORK_ITEM_REDELIVERED": "false",
        "WORK_ITEM_QUEUE": queue.name,
        "WORK_ITEM_ROUTING_KEY": queue.name,
    }
    assert "TRACEPARENT" not in worker.environment


def test_all_properties(bench):
    queue = bench.queue("quorum")
    exchange = bench.marker + "-exchange"
    channel = bench.client.channel
    channel.exchange_declare(exchange, "topic")
    try:
        channel.queue_bind(queue.name, exchange, "fruit.#")
        queue.put(
            b"apple",
            exchange=exchange,
            routing_key="fruit.red",
            message_id="id 1",
            content_type="text/plain",
            content_encoding="identity",
            correlation_id="c-1",
            reply_to="answers",
            timestamp=1_700_000_000,
            type="fruit",
            app_id="orchard",
            priority=0,
            headers={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
        )
    finally:
        channel.exchange_delete(exchange)
    worker = bench.worker()
    assert bench.run("-q", queue.name, worker=worker).status == 0
    seen = item_environment(worker)
    assert seen == {
        "WORK_ITEM_ID": "id 1",
        "WORK_ITEM_ATTEMPT": "1",
        "WORK_ITEM_REDELIVERED": "false",
        "WORK_ITEM_QUEUE": queue.name,
        "WORK_ITEM_EXCHANGE": exchange,
        "WORK_ITEM_ROUTING_KEY": "fruit.red",
        "WORK_ITEM_CONTENT_TYPE": "text/plain",
        "WORK_ITEM_CONTENT_ENCODING": "identity",
        "WORK_ITEM_CORRELATION_ID": "c-1",
        "WORK_ITEM_REPLY_TO": "answers",
        "WORK_ITEM_TIMESTAMP": "1700000000",
        "WORK_ITEM_TYPE": "fruit",
        "WORK_ITEM_APP_ID": "orchard",
        "WORK_ITEM_PRIORITY": "0",
    }
    assert worker.environment["TRACEPARENT"].startswith("00-0af7651916cd43dd8448eb211c80319c-")


EVERY_TYPE = {
    "yes": True,
    "no": Raw(b"t", b"\0"),
    "int8": Raw(b"b", struct.pack(">b", -5)),
    "uint8": Raw(b"B", struct.pack(">B", 250)),
    "int16": Raw(b"s", struct.pack(">h", -30000)),
    "uint16": Raw(b"u", struct.pack(">H", 60000)),
    "int32": Raw(b"I", struct.pack(">i", -2000000000)),
    "uint32": Raw(b"i", struct.pack(">I", 4000000000)),
    "int64": Raw(b"l", struct.pack(">q", -9000000000000000000)),
    "float": Raw(b"f", struct.pack(">f", 0.5)),
    "double": 2.25,
    "decimal": decimal.Decimal("12.34"),
    "text": "plain",
    "empty": "",
    "time": datetime.datetime(2023, 11, 14, 22, 13, 20),
    "nothing": None,
    "bytes": Raw(b"x", struct.pack(">I", 3) + b"abc"),
    "list": [1, "two", [3]],
    "table": {"a": 1, "b": {"c": []}},
}

SCALARS = {
    "YES": "true",
    "NO": "false",
    "INT8": "-5",
    "UINT8": "250",
    "INT16": "-30000",
    "UINT16": "60000",
    "INT32": "-2000000000",
    "UINT32": "4000000000",
    "INT64": "-9000000000000000000",
    "FLOAT": "0.5",
    "DOUBLE": "2.25",
    "DECIMAL": "12.34",
    "TEXT": "plain",
    "EMPTY": "",
    "TIME": "1700000000",
}


def check_every_type(worker):
    seen = headers_seen(worker)
    assert "LIST" not in seen and "TABLE" not in seen, seen
    assert seen.pop("NOTHING", "") == ""
    assert seen.pop("BYTES", "abc") == "abc"
    assert seen == SCALARS


def test_headers_of_every_type(bench):
    queue = bench.queue("quorum")
    queue.put(b"apple", headers=EVERY_TYPE)
    worker = bench.worker()
    assert bench.run("-q", queue.name, worker=worker).status == 0
    check_every_type(worker)
    queue.assert_empty()


def test_headers_of_every_type_from_a_peer(bench):
    """The broker writes tables anew; this one hands them on as they are, with the one type more that clients know."""
    headers = {**EVERY_TYPE, "uint64": Raw(b"L", struct.pack(">Q", 5))}
    peer = bench.peer((b"apple", pika.BasicProperties(headers=headers)))
    worker = bench.worker()
    assert bench.run("-q", "queue", url=peer.url, worker=worker).status == 0
    seen = dict(headers_seen(worker))
    assert seen.pop("UINT64") == "5"
    assert {name: seen.get(name) for name in SCALARS} == SCALARS


def test_odd_names_and_values(bench):
    queue = bench.queue("quorum")
    queue.put(
        b"apple",
        headers={
            "a=b": "c=d",
            "new\nline": "one\ntwo\n",
            "nul\0name": "n",
            "dash-and.dot": "x",
            "1digit": "y",
            "lower_UPPER": "z",
            "nul-value": "before\0after",
            "not-utf8": Raw(b"S", struct.pack(">I", 3) + b"\xff\xfe="),
            "id": "of the header",
        },
    )
    worker = bench.worker()
    assert bench.run("-q", queue.name, worker=worker).status == 0
    seen = headers_seen(worker)
    assert seen == {
        "A_B": "c=d",
        "NEW_LINE": "one\ntwo\n",
        "NUL_NAME": "n",
        "DASH_AND_DOT": "x",
        "1DIGIT": "y",
        "LOWER_UPPER": "z",
        "NOT_UTF8": "\udcff\udcfe=",
        "ID": "of the header",
    }
    assert "WORK_ITEM_ID" not in worker.environment
    assert worker.environment["WORK_ITEM_HEADERS_OMITTED"] == "nul-value"


def test_colliding_names_are_both_left_out(bench):
    queue = bench.queue("quorum")
    queue.put(b"apple", headers={"x-y": "1", "X_Y": "2", "x,y\n": "3", "x_y_": "4", "other": "5"})
    worker = bench.worker()
    assert bench.run("-q", queue.name, worker=worker).status == 0
    assert headers_seen(worker) == {"OTHER": "5"}
    omitted = worker.environment["WORK_ITEM_HEADERS_OMITTED"].split(",")
    assert sorted(omitted) == sorted(["x-y", "X_Y", "x_y_", "x_y_"])


def test_property_with_a_nul(bench):
    """There is no such environment variable, and half of it would be a lie."""
    queue = bench.queue("quorum")
    queue.put(b"apple", message_id="a\0b", type="fine")
    worker = bench.worker()
    assert bench.run("-q", queue.name, worker=worker).status == 0
    assert "WORK_ITEM_ID" not in worker.environment
    assert worker.environment["WORK_ITEM_TYPE"] == "fine"


def test_large_header(bench):
    queue = bench.queue("quorum")
    queue.put(b"apple", headers={"large": "x" * 60_000, "just": "y" * 32768, "more": "z" * 32769})
    worker = bench.worker()
    result = bench.run("-q", queue.name, worker=worker)
    assert result.status == 0, result
    assert headers_seen(worker) == {"JUST": "y" * 32768}
    assert sorted(worker.environment["WORK_ITEM_HEADERS_OMITTED"].split(",")) == ["large", "more"]
    queue.assert_empty()


def test_nothing_stale_is_inherited(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker()
    stale = {
        "WORK_ITEM_ID": "stale", "WORK_ITEM_HEADER_FOO": "stale", "WORK_ITEM_HEADERS_OMITTED": "stale",
        "WORK_ITEM_FILE": "stale", "WORK_ITEM_ATTEMPT": "99", "KEPT": "kept",
    }
    assert bench.run("-q", queue.name, worker=worker, env=stale).status == 0
    assert not [name for name, value in worker.environment.items() if value == "stale"]
    assert worker.environment["WORK_ITEM_ATTEMPT"] == "1"
    assert worker.environment["KEPT"] == "kept"


def test_attempts_are_counted(bench):
    queue = bench.queue("quorum", b"apple")
    for attempt in 1, 2, 3:
        worker = bench.worker("exit:3")
        assert bench.run("-q", queue.name, worker=worker).status == 3
        assert worker.environment["WORK_ITEM_ATTEMPT"] == str(attempt)
        assert worker.environment["WORK_ITEM_REDELIVERED"] == ("false" if attempt == 1 else "true")
        queue.assert_back()


def test_a_crash_counts_as_an_attempt(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")
    runner.send(signal.SIGKILL)
    runner.finish()
    queue.assert_back()
    second = bench.worker()
    assert bench.run("-q", queue.name, worker=second).status == 0
    assert second.environment["WORK_ITEM_ATTEMPT"] == "2"


def test_redelivered_on_a_classic_queue(bench):
    queue = bench.queue("classic", b"apple")
    assert bench.run("-q", queue.name, worker=["false"]).status == 1
    worker = bench.worker()
    assert bench.run("-q", queue.name, worker=worker).status == 0
    assert worker.environment["WORK_ITEM_REDELIVERED"] == "true"


# Its place among the processes


def test_own_process_group(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, worker=worker)
    worker.wait_for("holding")
    start = worker.start
    assert start["group"] == start["pid"] != os.getpgid(runner.pid)
    worker.go()
    assert runner.finish().status == 0


def test_starts_with_a_clean_slate(bench):
    """Descriptors 0, 1 and 2 and no other; no signal blocked, or ignored that was not ignored before."""
    with open("/proc/self/status", encoding="ascii") as status:
        (ours,) = [int(line.split()[1], 16) for line in status if line.startswith("SigIgn:")]
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python's own doing, undone for what it starts
        ours &= ~(1 << (number - 1))
    ignored = b"%016x" % ours
    queue = bench.queue("quorum", b"apple", b"pear")
    worker = bench.worker()
    assert bench.run("-q", queue.name, worker=worker).status == 0
    assert sorted(worker.start["descriptors"]) == [0, 1, 2]
    result = bench.run("-q", queue.name, worker=["grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"])
    assert result.stdout.split() == [b"SigBlk:", b"0" * 16, b"SigIgn:", ignored], result.stdout


def test_pipe_in_the_worker(bench):
    """With SIGPIPE ignored, as some runtimes hand it down, `yes` would go on and complain."""
    queue = bench.queue("quorum", b"apple")
    result = bench.run("-q", queue.name, worker=["sh", "-c", "yes | head -n 1"])
    assert (result.status, result.stdout, result.stderr) == (0, b"y\n", ""), result


def test_directory_and_mask_are_the_runners(bench):
    queue = bench.queue("quorum", b"apple")
    result = bench.run(
        "-q", queue.name, worker=["sh", "-c", "pwd; umask"], cwd="/usr", preexec_fn=lambda: os.umask(0o027)
    )
    assert result.stdout.split() == [b"/usr", b"0027"]


@pytest.mark.parametrize("ignore", [(), ("ignore:TERM", "ignore:HUP")], ids=["willing", "ignoring"])
def test_what_it_leaves_running_is_ended(bench, ignore):
    """A child in the background that holds standard output would keep whoever reads it waiting."""
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("child:inner:" + "+".join((*ignore, "hold")), "echo:done", "sleep:0.2")
    runner = bench.start("-q", queue.name, "--grace", "1s", worker=worker, stdout=subprocess.PIPE)
    output = runner.process.stdout.read()  # up to its end: when the child holds it no more
    assert output == b"done\n"
    assert runner.finish().status == 0
    assert worker.child("inner").runs == 1
    assert not bench.others()
    queue.assert_empty()


def test_what_it_leaves_running_after_a_failure_is_ended(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("child:inner:hold", "sleep:0.2", "exit:3")
    runner = bench.start("-q", queue.name, worker=worker)
    assert runner.finish().status == 3
    assert worker.child("inner").runs == 1
    bench.assert_nothing_left()


@pytest.mark.skipif(not CAN_ISOLATE, reason="namespaces are not to be had here")
def test_reaps_orphans_as_pid_1(bench):
    queue = bench.queue("quorum", b"apple")
    code = """
import os, sys, time

def zombies():
    for entry in filter(str.isdigit, os.listdir('/proc')):
        try:
            stat = open(f'/proc/{entry}/stat').read()
        except OSError:
            continue
        if stat.rsplit(')', 1)[1].split()[0] == 'Z':
            yield entry

if os.fork() == 0:
    os.setsid()
    orphan = os.fork()
    if orphan == 0:
        while os.getppid() != 1:
            time.sleep(0.01)
        open(sys.argv[1], 'w').write(str(os.getpid()))
    os._exit(0)
os.wait()
deadline = time.monotonic() + 5
while time.monotonic() < deadline:
    if os.path.exists(sys.argv[1]) and not list(zombies()):
        sys.exit(0)
    time.sleep(0.05)
sys.exit(9)
"""
    namespace = ["unshare", "--pid", "--fork", "--mount-proc"]
    result = bench.run("-q", queue.name, worker=[PYTHON, "-c", code, str(bench.path("orphan"))], prefix=namespace)
    assert result.status == 0, f"orphans were left as zombies: {result}"
    queue.assert_empty()


@pytest.mark.skipif(not CAN_ISOLATE, reason="namespaces are not to be had here")
def test_term_as_pid_1(bench):
    """The kernel hands PID 1 only what it has a handler for."""
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("trap:TERM:5", "hold")
    outer = bench.start("-q", queue.name, worker=worker, prefix=["unshare", "--pid", "--fork", "--mount-proc"])
    worker.wait_for("holding")
    inner = int(open(f"/proc/{outer.pid}/task/{outer.pid}/children").read().split()[0])
    os.kill(inner, signal.SIGTERM)
    assert outer.finish(PROMPT).status == 143
    queue.assert_back()
