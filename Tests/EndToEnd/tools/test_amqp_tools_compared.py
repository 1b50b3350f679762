"""amqp-job under the names amqp-publish, amqp-get, amqp-declare-queue and amqp-delete-queue. It does what Debian's
programs do, except where they lose an item, report a false status, or only seem to use TLS."""

import dataclasses
import pathlib
import re
import subprocess

import pytest

from support.debian_tools import are_installed, compare, kind, options, unused
from support.tls import pem

pytestmark = [are_installed, pytest.mark.any_broker]

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
    """One call of both programs. In the arguments, `{queue}` and `{exchange}` become new names, and `{auth}` and
    `{malformed}` become files with a login."""

    arguments: list
    stdin: bytes = b""
    items: tuple = ()  # In the queue beforehand.
    has_queue: bool = True
    connection: list = dataclasses.field(default_factory=lambda: PLAIN)
    # What ours does where it differs from the original. stderr is a regular expression.
    differs: dict = dataclasses.field(default_factory=dict)
    why: str = None  # Why it differs.

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
# One program tests the options that all have.
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
    """The result of a call."""
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
    done = subprocess.run([directory / program, *words], input=row.stdin, env=bench.environment(), capture_output=True, timeout=60)
    seen = {"status": done.returncode, "stdout": done.stdout.replace(queue.name.encode(), b"Q"), "kind": kind(bench, queue.name)}
    seen["stdout"] = re.sub(rb"amq\.gen-\S+", b"X", seen["stdout"])
    seen["stderr"] = done.stderr.decode().replace(queue.name, "Q")
    seen["left"] = [
        message(body, each.delivery_mode, each.content_type, each.content_encoding, each.reply_to, each.headers)
        for _, each, body in (queue.take_all() if seen["kind"] else ())
    ]
    return seen


@pytest.mark.parametrize(("program", "row"), ALL, ids=[f"{program} {row} {' '.join(row.connection)}" for program, row in ALL])
def test_each_row_is_as_the_original(bench, links, program, row):
    theirs = observed(bench, pathlib.Path("/usr/bin"), program, row)
    ours = observed(bench, links, program, row)
    compare(program, row, theirs, ours, ["status", "stdout", "kind", "left"])


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_option_is_compared(program):
    own, common = options(program)
    assert own and unused(own, [row for each, row in ALL if each == program]) == []
    connections = [Row(row.connection) for row in CONNECTION]
    assert len(common) == 12 and unused(common, connections) == []
