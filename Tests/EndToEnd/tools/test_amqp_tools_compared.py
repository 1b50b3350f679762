"""amqp-publish, amqp-get, amqp-declare-queue and amqp-delete-queue by name: what Debian's do, except where that loses an
item, lies about one, or only seems to be TLS."""

import dataclasses
import fcntl
import os
import pathlib
import re
import signal
import struct
import subprocess
import termios

import pytest

from support.originals import are_installed, compare, kind, options, unused
from support.processes import read_proc, wait_until
from support.tls import pem

pytestmark = are_installed

PROGRAMS = ["amqp-publish", "amqp-get", "amqp-declare-queue", "amqp-delete-queue"]
CA, OTHER_CA, CLIENT, KEY = map(pem, ["ca", "other-ca", "client", "key"])
PLAIN = ["--server={host}", "--port={port}"]
SECURE = ["--url=amqps://localhost:{tls}"]
MISSING = "no queue takes it, so exit status 0 would be a lie"
REFUSED = {"status": 1, "stdout": b"", "left": [(b"a", 2, None, None, None, None)]}
TAKEN = {"status": 0, "stdout": b"a", "left": []}
VERIFIES = "TLS is TLS, verified, and by what it is told; also for --server, and for addresses"


@dataclasses.dataclass
class Row:
    """One call of both. In the arguments, `{queue}` and `{exchange}` are new names, `{auth}` and `{malformed}` files with a login."""

    arguments: list
    stdin: bytes = b""
    items: tuple = ()  # in the queue beforehand
    has_queue: bool = True
    connection: list = dataclasses.field(default_factory=lambda: PLAIN)
    differs: dict = dataclasses.field(default_factory=dict)  # what ours is, where it is not as the original; stderr: a regex
    why: str = None  # it differs

    def __str__(self):
        return " ".join(self.arguments)


def message(body, mode=1, content_type=None, encoding=None, reply_to=None, headers=None):
    return body, mode, content_type, encoding, reply_to, headers


PUBLISH = [
    Row(["-r", "{queue}", "-b", "apple"]),
    Row(["-r", "{queue}", "--body=apple", "--persistent"]),
    Row(["--routing-key", "{queue}", "-p", "-b", ""]),
    Row(["-r", "{queue}"], stdin=b"a\0b\nc"),
    Row(["-r", "{queue}"]),
    Row(["-r", "{queue}", "-l"], stdin=b"apple\nbanana\n\ncherry"),
    Row(["-r", "{queue}", "--line-buffered", "-p"], stdin=b"apple\n"),
    Row(["-r", "{queue}", "-l"]),
    Row(["-r{queue}", "-pC", "text/plain", "-E=gzip", "-t", "answers", "-b", "x"]),
    Row(["-r", "{queue}", "--content-type=a/b", "--content-encoding", "e", "--reply-to=r", "-b", "x"]),
    Row(["-r", "{queue}", "-H", "a: 1", "--header", "b:  two words ", "-H", "c:", "-b", "x"]),
    Row(["-r", "{queue}", "-H", "a: 1", "-H", "a: 2", "-l"], stdin=b"x\ny\n"),
    Row(["-e", "{exchange}", "-r", "key", "-b", "x"]),
    Row(["--exchange={exchange}", "-r", "key", "-l"], stdin=b"1\n2\n"),
    Row(["-e", "", "-r", "{queue}", "-b", "x"]),
    Row(
        ["-e", "{exchange}", "-r", "unbound", "-b", "x"],
        differs={"status": 1, "stderr": "amqp-publish: no queue takes it.*unbound.*"}, why=MISSING,
    ),
    Row(["-e", "{exchange}", "-b", "x"], differs={"status": 1}, why=MISSING),
    Row(["-r", "{queue}", "-b", "x"], has_queue=False, differs={"status": 1, "stderr": "amqp-publish: .*no queue '?Q.*"}, why=MISSING),
    Row(["-e", "missing-{exchange}", "-r", "key", "-b", "x"]),
    Row(
        ["-r", "{queue}", "-l"], stdin=b"x" * 40_000 + b"\n", differs={"left": [message(b"x" * 40_000 + b"\n")]},
        why="a line is one message",
    ),
    Row(["-r", "{queue}", "-l"], stdin=b"a\0b\n", differs={"left": [message(b"a\0b\n")]}, why="a line is one message"),
    Row(["-r", "{queue}", "-l", "-b", "x"], stdin=b"a\n", differs={"status": 1}, why="nothing would be published"),
    Row(["-b", "x"]),
    Row(["-r", "{queue}", "-H", "nocolon", "-b", "x"]),
    Row(["-r", "{queue}", "-b", "x", "-C", "c" * 256]),
    Row(["-r", "{queue}"], stdin=b"x" * 300_000),
    Row(["-r", "{queue}", "-b", "x", "y"]),
    Row(["-r"]),
    Row(["--help"]),
    Row(["-?"]),
    Row(["--usage"]),
    Row(["--nothing"]),
    Row(["-r", "{queue}", "-pz"]),
]
GET = [
    Row(["-q", "{queue}"], items=(b"apple", b"banana")),
    Row(["--queue={queue}"], items=(b"a\0b\xff",)),
    Row(["-q", "{queue}"], items=(b"",)),
    Row(["-q", "{queue}"]),
    Row(["-q", "{queue}"], has_queue=False),
    Row([]),
    Row(["-q", "{queue}", "x"]),
    Row(["-q", ""]),
    Row(["-q", "{queue}"], items=(b"x" * 3_000_000,)),
    *(
        Row(["-q", "{queue}", *words], has_queue=False)
        for words in (
            ["-"], ["--", "-q"], ["-zq"], ["--ssl=1"], ["--help=1"], ["--port", "1x"], ["--port=9999999999"], ["x", "--usage"],
        )
    ),
    Row(
        ["-q", "{queue}", "--pasword=Sup3rSecret"], has_queue=False,
        differs={"stderr": "--pasword: unknown option\nUsage: (?s:.*)"}, why="it may be a password",
    ),
    Row(["--help"]),
    Row(["--usage"]),
]
DECLARE = [
    Row(["-q", "{queue}", "-d"], has_queue=False),
    Row(["--queue={queue}", "--durable"], has_queue=False),
    Row(["-q", "{queue}"], has_queue=False),
    Row(["-q", ""]),
    Row(["-q", "{queue}", "-d"], items=(b"apple",)),
    Row(["-q", "{queue}"], items=(b"apple",)),
    Row(["-q", "amq.{queue}"], has_queue=False),
    Row([]),
    Row(["--help"]),
    Row(["--usage"]),
]
DELETE = [
    Row(["-q", "{queue}"], items=(b"apple", b"banana")),
    Row(["--queue", "{queue}"]),
    Row(["-q", "{queue}"], has_queue=False),
    Row(["-q", "{queue}", "-e"], items=(b"apple",)),
    Row(["-q", "{queue}", "--if-empty", "--if-unused"]),
    Row(["-q", "{queue}", "--if-unused"], items=(b"apple",)),
    Row([]),
    Row(["--help"]),
    Row(["--usage"]),
]
# The options of all programs, by one of them.
CONNECTION = [
    Row(["-q", "{queue}"], items=(b"a",), connection=words)
    for words in (
        ["-u", "{url}"], ["--url={url}/%2f"], ["-s", "{host}", "--port", "{port}"], ["-s", "{host}:{port}"],
        [*PLAIN, "--vhost=/", "--username", "guest", "--password=guest", "--heartbeat=10"], [*PLAIN, "--authfile={auth}"],
        # Refused
        [*PLAIN, "--vhost", "missing"], [*PLAIN, "--password", "wrong"], [*PLAIN, "--authfile={malformed}"],
        [*PLAIN, "--authfile=/missing"], [*PLAIN, "--authfile={auth}", "--username=guest"], ["-u", "{url}", "--port={port}"],
        ["-u", "nonsense"], ["-s", "{host}:x"], ["-s", "{host}:{port}", "--port={port}"], [*PLAIN, "--heartbeat=-1"],
        ["-s", "{host}", "--port=1"], [*PLAIN, "--port", "x"],
        # TLS
        [*SECURE, "--cacert={ca}"], [*SECURE, "--ssl", "--cacert={ca}"], [*SECURE, "--cacert=/missing"],
        [*SECURE, "--cacert", CA, f"--cert={CLIENT}", f"--key={KEY}"], [*SECURE, f"--cacert={OTHER_CA}"], SECURE,
    )
] + [
    Row(["-q", "{queue}"], items=(b"a",), connection=words, differs=differs, why=VERIFIES)
    for words, differs in (
        (["-u", "{url}", "--ssl"], REFUSED | {"stderr": ".*--ssl option specifies.*"}),
        ([*PLAIN, "--cacert={ca}"], REFUSED | {"stderr": ".*--cacert is for TLS.*"}),
        ([*SECURE, "--cacert={ca}", "--cert=/missing", "--key=/missing"], REFUSED | {"stderr": ".*--cert /missing.*"}),
        (["-s", "localhost", "--port={tls}", "--ssl", "--cacert={ca}"], TAKEN),
        (["--url=amqps://127.0.0.1:{tls}", "--cacert={ca}"], TAKEN),
    )
]
ALL = [(program, row) for program, rows in zip(PROGRAMS, (PUBLISH, GET, DECLARE, DELETE)) for row in rows]
ALL += [("amqp-get", row) for row in CONNECTION]


def observed(bench, directory, program, row):
    """What comes of a call."""
    queue = bench.queue("classic", *row.items) if row.has_queue else bench.name_queue("classic")
    host, port = bench.broker.address
    values = {
        "queue": queue.name, "exchange": queue.name + "-x", "host": host, "port": port, "tls": port + 3, "ca": CA,
        "url": f"amqp://guest:guest@{host}:{port}", "auth": bench.file("auth", "username:guest\npassword:guest\n"),
        "malformed": bench.file("malformed", "guest\nguest\n"),
    }
    if "{exchange}" in " ".join(row.arguments):
        bench.client.channel.exchange_declare(values["exchange"], "direct", auto_delete=True)
        bench.client.channel.queue_bind(queue.name, values["exchange"], "key")
    words = [word.format(**values) for word in [*row.connection, *row.arguments]]
    done = subprocess.run([directory / program, *words], input=row.stdin, env=bench.environment(), capture_output=True, timeout=20)
    seen = {"status": done.returncode, "stdout": done.stdout.replace(queue.name.encode(), b"Q"), "kind": kind(bench, queue.name)}
    seen["stdout"] = re.sub(rb"amq\.gen-\S+", b"X", seen["stdout"])
    seen["stderr"] = done.stderr.decode().replace(queue.name, "Q")
    seen["left"] = [
        message(body, each.delivery_mode, each.content_type, each.content_encoding, each.reply_to, each.headers)
        for _, each, body in (queue.take_all() if seen["kind"] else ())
    ]
    return seen


@pytest.mark.parametrize(("program", "row"), ALL, ids=[f"{program} {row} {' '.join(row.connection)}" for program, row in ALL])
def test_is_as_the_original(bench, links, program, row):
    theirs = observed(bench, pathlib.Path("/usr/bin"), program, row)
    ours = observed(bench, links, program, row)
    compare(program, row, theirs, ours, ["status", "stdout", "kind", "left"])


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_option_is_compared(program):
    own, common = options(program)
    assert own and unused(own, [row for each, row in ALL if each == program]) == []
    connections = [Row(row.connection) for row in CONNECTION]
    assert len(common) == 12 and unused(common, connections) == []


# What the original does not promise


def test_what_is_not_written_out_is_not_acked(bench, links):
    queue = bench.queue("classic", b"apple")
    host, port = bench.broker.address
    words = [links / "amqp-get", f"--server={host}", f"--port={port}", "-q", queue.name]
    for output in "/dev/full", None:
        with open(output or os.devnull, "wb") as full:
            closed = {} if output else {"preexec_fn": lambda: os.close(1)}
            done = subprocess.run(words, env=bench.environment(), stdout=full, stderr=subprocess.PIPE, timeout=20, **closed)
        assert done.returncode == 1 and b"standard output" in done.stderr, done
    queue.assert_back(1)


def test_a_password_in_the_place_of_a_port(bench, links):
    words = [links / "amqp-get", "-q", "queue", "-s", "guest:s3cr3t@localhost"]
    done = subprocess.run(words, env=bench.environment(), capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "'***@localhost'" in done.stderr and "s3cr3t" not in done.stderr, done


def test_an_answer_that_cannot_be_written(bench, links):
    queue = bench.name_queue("classic")
    host, port = bench.broker.address
    words = [links / "amqp-declare-queue", f"--server={host}", f"--port={port}", "-d", "-q", queue.name]
    reader, writer = os.pipe()
    os.close(reader)
    for output in {"preexec_fn": lambda: os.close(1)}, {"stdout": writer}:
        done = subprocess.run(words, env=bench.environment(), stderr=subprocess.PIPE, timeout=20, **output)
        assert done.returncode == 1 and b"standard output" in done.stderr, done
    os.close(writer)


def queued(pipe):
    """How many bytes are in the pipe, in the numbers of ioctl_tty(2)."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


def test_an_output_that_does_not_block(bench, links):
    """As a shell's may be that shares it with another program: whoever reads it slowly gets all of it."""
    body = os.urandom(300_000)
    queue = bench.queue("classic", body)
    host, port = bench.broker.address
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    words = [links / "amqp-get", f"--server={host}", f"--port={port}", "-q", queue.name]
    with open(reader, "rb") as output:
        got = subprocess.Popen(words, env=bench.environment(), stdout=writer)
        os.close(writer)
        wait_until(lambda: got.poll() is not None or queued(reader) >= 65_536, what="a full pipe")
        assert output.read() == body
    assert got.wait(20) == 0
    queue.assert_empty()


@pytest.mark.parametrize("setting", [{"exclusive": True}, {"arguments": {"x-max-length": 1, "x-overflow": "reject-publish"}}])
def test_a_queue_that_cannot_be_asked_about_or_is_full(bench, links, setting):
    """Of another connection's queue nobody may ask, but publish to it. What a full one rejects is an error, only with ours."""
    queue = bench.name_queue("classic")
    bench.client.channel.queue_declare(queue.name, **setting)
    host, port = bench.broker.address
    statuses = []
    for program in "amqp-publish", links / "amqp-publish":
        words = [program, f"--server={host}", f"--port={port}", "-r", queue.name, "-b", "x"]
        statuses.append(subprocess.run(words, env=bench.environment(), capture_output=True, timeout=20).returncode)
    is_full = "arguments" in setting
    assert statuses == [0, 1 if is_full else 0]
    queue.assert_back(1 if is_full else 2)


@pytest.mark.parametrize("end", ["end of input", "TERM", "cut"])
@pytest.mark.parametrize("login", ["-u={url}", "--password=guest"])
def test_lines_are_published_as_they_come(bench, links, end, login):
    """And meanwhile arguments show no password; what is in the queue by an end that is none of theirs, the error says."""
    queue, way = bench.queue("classic"), bench.proxy()
    host = bench.broker.address[0]
    words = [login.format(url=f"amqp://guest:guest@{host}:{way.port}")]
    if login.startswith("--password"):
        words += ["-s", host, f"--port={way.port}"]
    with subprocess.Popen(
        [links / "amqp-publish", "-l", "-r", queue.name, *words], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=bench.environment(),
    ) as process:
        process.stdin.write("apple\n")
        process.stdin.flush()
        queue.assert_back(1)
        arguments = read_proc(process.pid, "cmdline").decode().split("\0")
        assert words[0].replace(":guest@", ":*****@").replace("=guest", "=*****") in arguments
        if end == "end of input":
            assert process.communicate() == (None, "") and process.returncode == 0
            return
        if end == "TERM":
            process.send_signal(signal.SIGTERM)
        else:
            way.cut()
        wait_until(lambda: process.poll() is not None, what="its end")
        error = process.stderr.read()
    assert process.returncode == (143 if end == "TERM" else 1), error
    published = "the first line is published"
    if end == "cut":  # perhaps before the confirmation had come
        published += "|no line is known to be published, 1 may be"
    assert re.fullmatch(rf"amqp-publish: .*; ({published})\n", error), error
    queue.assert_back(1)


def test_a_password_is_not_shown(bench, links):
    for words in ["--password=Sup3rSecret", "--port=1"], ["-u", "amqp://guest:Sup3rSecret@127.0.0.1:1"], ["-u", "amqp:/guest:Sup3rSecret@h"]:
        done = subprocess.run([links / "amqp-get", *words, "-q", "q"], env=bench.environment(), capture_output=True, timeout=20)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done
        assert b"Sup3rSecret" not in done.stderr + done.stdout
