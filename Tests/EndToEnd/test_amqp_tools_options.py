"""Called by the names of amqp-tools: what Debian's do, except where that loses a message, or lies about one. Each row is a
call of both, with what they print, exit with and leave behind."""

import dataclasses
import itertools
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

from amqp import Queue
from processes import read_proc, wait_until

pytestmark = [
    pytest.mark.any_broker,
    pytest.mark.skipif(not shutil.which("amqp-get"), reason="amqp-tools are not installed"),
]

CERTIFICATES = pathlib.Path(os.environ.get("TEST_CERTIFICATES", ""))
NAMES = ["amqp-publish", "amqp-get", "amqp-declare-queue", "amqp-delete-queue"]
PROPERTIES = ["content_type", "content_encoding", "reply_to", "delivery_mode", "headers", "message_id", "expiration"]


@dataclasses.dataclass
class Row:
    """`{queue}` is a new name for each call; so are `{url}`, `{host}`, `{port}`, `{tls}` (a port), `{good}`
    (a file for --authfile) and `{NAME.pem}` filled in."""

    tool: str
    arguments: list
    items: tuple = None  # in the queue beforehand; None: there is no queue
    input: bytes = b""
    connection: tuple = ("--url={url}",)
    queue: dict = dataclasses.field(default_factory=dict)  # how it was declared
    exchange: str = None  # is the queue bound to, by its name
    files: dict = dataclasses.field(default_factory=dict)
    redirect: str = ""
    differs: dict = dataclasses.field(default_factory=dict)  # what ours is, where it is not as the original
    why: str = None  # it differs

    def __str__(self):
        return " ".join([self.tool, *self.arguments, *self.connection, self.redirect])

    @property
    def words(self):
        return [*self.arguments, *self.connection]


def publish(*arguments, items=(), **more):
    return Row("amqp-publish", list(arguments), items, **more)


def get(*arguments, items=(b"apple", b"pear"), **more):
    return Row("amqp-get", list(arguments), items, **more)


def declare(*arguments, **more):
    return Row("amqp-declare-queue", list(arguments), **more)


def delete(*arguments, items=(b"apple", b"pear"), **more):
    return Row("amqp-delete-queue", list(arguments), items, **more)


NUMBERS = itertools.count()
LONG = b"x" * 40_000 + b"\n"
ITEM = dict.fromkeys(PROPERTIES) | {"delivery_mode": 1}

PUBLISH = [
    publish("-r", "{queue}", "-b", "apple"),
    publish("--routing-key={queue}", "--body=apple\xff"),
    publish("-r", "{queue}", "-b", ""),
    publish("-r{queue}", input=b"a\nb\0c"),
    publish("-r={queue}", input=b""),
    publish("-r", "{queue}", input=b"x" * 300_000),
    publish("-pr", "{queue}", "-b", "apple"),
    publish("--persistent", "-r", "{queue}", "-b", "apple"),
    publish("-r", "{queue}", "-b", "1", "-C", "text/plain", "-E", "gzip", "-t", "answers"),
    publish(
        "-r", "{queue}", "-b", "1", "--content-type=a", "--content-encoding", "b", "--reply-to", "c", "-C", "last"),
    publish("-r", "{queue}", "-b", "1", "-H", "a:  b : c ", "--header", "d:", "-H", "e:1"),
    publish("-r", "{queue}", "-b", "1", "-H", "none"),
    publish("-r", "{queue}", "-l", input=b"a\n\nb"),
    publish("-r", "{queue}", "--line-buffered", "-p", "-C", "t", input=b"a\nb\n"),
    publish("-r", "{queue}", "-l", input=b""),
    publish("-e", "", "-r", "{queue}", "-b", "apple"),
    publish("-e", "amq.direct", "-r", "{queue}", "-b", "apple", exchange="amq.direct"),
    publish("--exchange=amq.fanout", "-b", "apple", exchange="amq.fanout"),
    publish("-r", "{queue}", "-b", "apple", queue={"exclusive": True}),
    publish("-b", "apple"),
    publish("-e", "{queue}", "-r", "x", "-b", "apple", items=None),
    publish("-r", "{queue}", "-b", "1", "-C", "x" * 256),
    publish(
        "-r", "{queue}", "-b", "apple", items=None, differs={"status": 1, "stderr": True}, why="it is in no queue"),
    publish(
        "-e", "amq.direct", "-r", "{queue}", "-b", "apple", differs={"status": 1, "stderr": True},
        why="it is in no queue"),
    publish("-e", "", "-b", "apple", differs={"status": 1, "stderr": True}, why="it is in no queue"),
    publish(
        "-r", "{queue}", "-b", "apple", items=(b"pear",),
        queue={"arguments": {"x-max-length": 1, "x-overflow": "reject-publish"}},
        differs={"status": 1, "stderr": True}, why="it is in no queue"),
    publish(
        "-r", "{queue}", "-l", input=b"a\0b\n" + LONG, differs={"items": [(b"a\0b\n", ITEM), (LONG, ITEM)]},
        why="the original loses what follows a NUL, and cuts a long line"),
    publish(
        "-r", "{queue}", "-l", "-b", "apple", differs={"status": 1, "stderr": True},
        why="nothing is published: exit status 0 would be a lie"),
]

GET = [
    get("-q", "{queue}"),
    get("--queue={queue}", items=(b"a\0\xff\n",)),
    get("-q", "{queue}", items=(b"",)),
    get("-q", "{queue}", items=(b"x" * 3_000_000,)),
    get("-q", "{queue}", items=()),
    get("-q", "{queue}", items=None),
    get("-q", ""),
    get(),
    get(
        "-q", "{queue}", redirect=">/dev/full", differs={"items": [b"apple", b"pear"]},
        why="what could not be written is not lost"),
    get("-q", "{queue}", redirect=">&-", differs={"items": [b"apple", b"pear"]}, why="as above"),
]

DECLARE = [
    declare("-q", "{queue}"),
    declare("-d", "--queue={queue}"),
    declare("--durable", "-q", "{queue}", items=(b"apple",)),
    declare("-q", "{queue}", items=(b"apple",)),
    declare("-q", "", "-d"),
    declare("-d"),
    declare("-q", "amq.{queue}"),
    declare(
        "-q", "{queue}", redirect=">/dev/full", differs={"status": 1, "stderr": True},
        why="nobody has seen the name, which a server may have chosen"),
]

DELETE = [
    delete("-q", "{queue}"),
    delete("--queue={queue}", items=()),
    delete("-q", "{queue}", items=None),
    delete("-e", "-q", "{queue}"),
    delete("--if-empty", "-q", "{queue}", items=()),
    delete("--if-unused", "-q", "{queue}"),
    delete("--if-unused", "-q", "{queue}", queue={"consumed": True}),
    delete("-q", "{queue}", queue={"consumed": True}),
    delete("-q", "{queue}", "-u", "{url}", connection=()),
    delete("-q", ""),
    delete(),
]

ACTIONS = [
    lambda **more: publish("-r", "{queue}", "-b", "apple", **more),
    lambda **more: get("-q", "{queue}", **more),
    lambda **more: declare("-q", "{queue}", **more),
    lambda **more: delete("-q", "{queue}", **more),
]
SERVER = ("-s", "{host}", "--port", "{port}")
TLS = ("--url=amqps://localhost:{tls}", "--cacert={ca.pem}")
IS_REFUSED = {"status": 1, "stderr": True, "stdout": b"", "items": [b"apple", b"pear"]}
IS_DONE = {"status": 0, "stderr": False, "stdout": b"apple", "items": [b"pear"]}
# With every tool
CONNECTION = [
    action(connection=connection)
    for action, connection in itertools.product(ACTIONS, [
        ("-u", "{url}"), ("--url={url}/%2F", "--heartbeat=5"), (*SERVER, "--authfile={good}"),
        ("--server={host}", "--port={port}", "--vhost=/", "--username=guest", "--password=guest"),
        (*TLS, "--ssl", "--cert={client.pem}", "--key={client.pem}"),
    ])
] + [Row(tool, ["--" + word], connection=()) for tool in NAMES for word in ("help", "usage")]
# With one
REFUSED = [
    get("-q", "{queue}", connection=connection)
    for connection in [
        ("-s", "{host}:{port}"), ("-s", "{host}:{port}", "--port=1"), ("-s", "{host}:0x"), ("-s", "{host}", "--port=1"),
        ("-s", "{host}", "--port=0"), ("-s", "{host}", "--port=99999"),
        ("--url={url}", "--server=a"), ("--url={url}", "--port={port}"), ("--url={url}", "--vhost=/"),
        ("--url={url}", "--username=a"), ("--url={url}", "--password=a"), ("--url={url}", "--authfile={good}"),
        (*SERVER, "--vhost=none"), (*SERVER, "--password=wrong"), (*SERVER, "--username=nobody"),
        (*SERVER, "--username=guest", "--authfile={good}"), (*SERVER, "--password=guest", "--authfile={good}"),
        (*SERVER, "--authfile=/none"), (*SERVER, "--heartbeat=-1"),
        (*SERVER, "--ssl"), TLS[:1], (TLS[0], "--cacert={other-ca.pem}"), (TLS[0], "--cacert=/none"), TLS,
        ("--url=amqps://localhost:{port}", TLS[1]), ("--url=amqps://guest:guest@localhost:{tls}", TLS[1]),
    ]
] + [
    get("-q", "{queue}", connection=(*SERVER, "--authfile={file}"), files={"file": content})
    for content in [
        "", "username:guest", "username:guest\npass:guest\n", "user:guest\npassword:guest\n",
        "username:guest\npassword:guest\nmore\n", "username:guest\npassword:wrong\n",
    ]
] + [
    get("-q", "{queue}", *words, items=None)
    for words in [
        ("--nope",), ("-z",), ("-zq",), ("pear",), ("-",), ("--", "-q"), ("--ssl=1",), ("--port=a",), ("--port", "1x"),
        ("--port=9999999999",), ("--heartbeat=",), ("-?",), ("pear", "--usage"), ("--queue",), ("-u",), ("--help=1",),
    ]
] + [
    get(
        "-q", "{queue}", connection=("--ssl", "--url={url}"), differs=IS_REFUSED,
        why="the original sends the password in plain text"),
    get(
        "-q", "{queue}", connection=(*SERVER, "--cacert=/none"), differs=IS_REFUSED,
        why="who names an authority wants TLS, and there is none"),
    get(
        "-q", "{queue}", connection=(*TLS, "--cert=/none", "--key=/none"), differs=IS_REFUSED,
        why="the original goes on without a certificate"),
    get(
        "-q", "{queue}", connection=("--ssl", "-s", "localhost", "--port={tls}", TLS[1]), differs=IS_DONE,
        why="the original asks for a URL of amqps:// then"),
    get(
        "-q", "{queue}", connection=("--url=amqps://127.0.0.1:{tls}", TLS[1]), differs=IS_DONE,
        why="the original does not know addresses in certificates"),
    get(
        "-q", "{queue}", connection=("--url={url}/",), differs=IS_DONE,
        why="the original looks for a vhost without a name"),
    get(
        "-q", "{queue}", "--pasword=secret", items=None,
        differs={"stderr": "--pasword: unknown option"}, why="the word may be a password"),
]

ROWS = [*PUBLISH, *GET, *DECLARE, *DELETE, *CONNECTION, *REFUSED]


@pytest.fixture(scope="session")
def links(binary, tmp_path_factory):
    directory = tmp_path_factory.mktemp("links")
    for name in NAMES:
        (directory / name).symlink_to(binary)
    return directory


class Call:
    """One call of one of the two, and what came of it."""

    def __init__(self, bench, row):
        self.bench, self.row = bench, row
        self.queue = Queue(bench.client, f"{bench.marker}-{next(NUMBERS)}", "classic")
        port = bench.broker.address[1]
        self.values = {
            "queue": self.queue.name, "url": bench.broker.url, "host": bench.broker.address[0], "port": port,
            "tls": port + 3, "good": bench.path("good"),
            **{f"{path.stem}.pem": path for path in CERTIFICATES.glob("*.pem")},
        }
        for name, content in row.files.items():
            self.values[name] = bench.file(name, content)

    def _fill(self, word):
        return re.sub(r"\{([\w.-]+)\}", lambda match: str(self.values[match[1]]), word).encode("latin-1")

    def _prepare(self):
        channel = self.bench.client.channel
        setting = dict(self.row.queue)
        is_consumed = setting.pop("consumed", False)
        channel.queue_declare(self.queue.name, durable=True, **setting)
        if self.row.exchange:
            channel.queue_bind(self.queue.name, self.row.exchange, self.queue.name)
        if self.row.items:
            self.queue.put(*self.row.items, delivery_mode=1)
        if is_consumed:
            channel.basic_qos(prefetch_count=1)
            channel.basic_consume(self.queue.name, lambda *_: None)

    def observe(self, program):
        try:
            if self.row.items is not None:
                self._prepare()
            return {**self._run(program), **self._left()}
        finally:
            self.queue.delete()

    def _run(self, program):
        words = [os.fspath(program), *map(self._fill, self.row.words)]
        if self.row.redirect:
            words = ["sh", "-c", f'exec "$@" {self.row.redirect}', "sh", *words]
        done = subprocess.run(
            words, input=self.row.input, capture_output=True, env=self.bench.environment(), timeout=20, check=False)
        output = re.sub(rb"amq\.gen-\S+", b"amq.gen", done.stdout).replace(self.queue.name.encode(), b"{queue}")
        error = done.stderr.decode()
        # popt's errors are compared to the letter; of others there are words enough.
        error = error if "Usage:" in error else bool(error)
        return {"status": done.returncode, "stdout": output, "stderr": error}

    def _left(self):
        """The items that are there then; None where there is no queue."""
        may_exist = self.row.items is not None or self.row.tool == "amqp-declare-queue"
        if not may_exist or not self.queue.exists():
            return {"items": None}
        found = {"items": [self._item(*item) for item in self.queue.take_all()]}
        return {**found, "durable": self._is_durable()} if self.row.tool == "amqp-declare-queue" else found

    def _item(self, _redelivered, properties, body):
        return (body, {name: getattr(properties, name) for name in PROPERTIES}) if self.row.tool == "amqp-publish" else body

    def _is_durable(self):
        try:
            self.bench.client.channel.queue_declare(self.queue.name, durable=True)
        except Exception as error:
            assert "durable" in str(error), error
            return False
        return True


def compare(bench, links, row):
    """What is not as it should be, in words."""
    original = Call(bench, row).observe(row.tool)
    ours = Call(bench, row).observe(links / row.tool)
    wrong = []
    for name, value in original.items():
        expected = row.differs.get(name, value)
        found = ours.get(name)
        if name == "stderr" and isinstance(expected, str) and name in row.differs:
            found = found.splitlines()[0] if isinstance(found, str) else found
        if found != expected:
            wrong.append(f"{name}: {found!r:.600}, not {expected!r:.600}")
        elif name in row.differs and value == expected and name != "items":
            wrong.append(f"{name}: the original does not differ")
    if row.differs and ours == original:
        wrong.append("it does not differ")
    return [f"{row}\n    {each}" for each in wrong]


@pytest.mark.parametrize(
    "rows", [PUBLISH, GET, DECLARE, DELETE, CONNECTION, REFUSED],
    ids=["publish", "get", "declare", "delete", "connection", "refused"])
def test_they_do_as_the_originals(bench, links, rows):
    bench.file("good", "username:guest\npassword:guest\n")
    wrong = [text for row in rows for text in compare(bench, links, row)]
    assert not wrong, "\n".join(["", *wrong])


@pytest.mark.parametrize("name", NAMES)
def test_each_option_is_compared(name):
    """In each spelling that the original's help has, with that tool. popt finds --url behind -u of amqp-delete-queue."""
    help_text = subprocess.run([name, "--help"], capture_output=True, text=True, check=True).stdout
    spellings = re.findall(r"^ +(?:-(\S), )?--([\w-]+)", help_text, re.MULTILINE)
    assert len(spellings) >= 14
    words = [word for row in ROWS if row.tool == name for word in row.words]
    everywhere = [word for row in ROWS for word in row.words]
    for letter, long in spellings:
        assert any(word.split("=")[0] == f"--{long}" for word in words), f"no row has --{long}"
        if letter:
            assert any(re.match(rf"-\w*{re.escape(letter)}", word) for word in everywhere), f"no row has -{letter}"


@pytest.mark.parametrize("form", ["url", "password"])
def test_a_password_does_not_stay_in_argv(bench, links, form):
    queue = bench.queue("classic")
    host, port = bench.broker.address
    words = {
        "url": ["-u", bench.broker.url],
        "password": ["-s", host, f"--port={port}", "--username", "guest", "--password", "guest"],
    }[form]
    with subprocess.Popen(
        [links / "amqp-publish", "-l", "-r", queue.name, *words], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        env=bench.environment(),
    ) as process:
        process.stdin.write(b"apple\n")
        process.stdin.flush()
        queue.assert_back(1)
        arguments = read_proc(process.pid, "cmdline").split(b"\0")
        assert queue.name.encode() in arguments
        shown = {"url": b"amqp://guest:*****@%s:%d" % (host.encode(), port), "password": b"*****"}[form]
        assert shown in arguments and b"guest:guest" not in b" ".join(arguments), arguments
        assert process.communicate() == (None, b"") and process.returncode == 0


def test_a_url_that_cannot_be_read_is_not_repeated(bench, links):
    for url in "amqp://guest:Sup3rSecret@host:port", "http://guest:Sup3rSecret@host", "guest:Sup3rSecret@host":
        done = subprocess.run([links / "amqp-get", "-q", "a", "-u", url], capture_output=True, text=True, check=False)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done
        assert "Sup3rSecret" not in done.stderr


@pytest.mark.parametrize("end", ["TERM", "cut"])
def test_lines_until_an_end(bench, links, end):
    """Each is published as it comes, and what is in the queue by then, the error says."""
    queue, way = bench.queue("classic"), bench.proxy()
    url = f"amqp://{bench.broker.address[0]}:{way.port}"
    with subprocess.Popen(
        [links / "amqp-publish", "-l", "-r", queue.name, "-u", url], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=bench.environment(),
    ) as process:
        process.stdin.write("apple\n")
        process.stdin.flush()
        queue.assert_back(1)
        if end == "TERM":
            process.send_signal(signal.SIGTERM)
        else:
            way.cut()
        wait_until(lambda: process.poll() is not None, what="its end")
        error = process.stderr.read()
    assert process.returncode == (143 if end == "TERM" else 1), error
    assert error.startswith("amqp-publish: ") and len(error.splitlines()) == 1
    assert "the first 1 lines" in error, error
    assert queue.take()[2] == b"apple\n"
