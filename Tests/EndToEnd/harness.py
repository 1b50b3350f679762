"""What the tests stand on: runners, workers, queues and brokers, and waiting for what they do."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import uuid

import pika
import pika.data
import pika.exceptions
import pika.spec

import peer

HERE = pathlib.Path(__file__).resolve().parent
BROKER_SCRIPT = HERE.parent.parent / "scripts" / "broker"
PYTHON = "/usr/bin/python3"
MARKER = "END_TO_END_MARKER"

# "Within a second", says the contract. The tests give three: they look for an answer, not for speed.
PROMPT = 3.0



def _can_isolate():
    """Whether namespaces can be had here: as root, and not in a container that forbids them."""
    if os.geteuid() != 0:
        return False
    words = ["unshare", "--mount", "--net", "--pid", "--fork", "true"]
    return subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0


CAN_ISOLATE = _can_isolate()


def wait_until(predicate, timeout=10.0, what="the awaited condition"):
    """Waits for predicate() to be true, and returns what it gave. Fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what} did not come about within {timeout} s")
        time.sleep(0.01)


def holds_for(predicate, seconds, what="the condition"):
    """Checks that predicate() stays true: for what must not happen there is no event to wait for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert predicate(), f"{what} did not last for {seconds} s"
        time.sleep(0.02)


def read_proc(pid, name):
    try:
        return pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def processes_with(marker):
    """The processes, zombies apart, that carry the marker in their environment or among their arguments."""
    wanted = marker.encode()
    return [
        int(entry)
        for entry in os.listdir("/proc")
        if entry.isdigit()
        and int(entry) != os.getpid()
        and (wanted in read_proc(entry, "environ") or wanted in read_proc(entry, "cmdline"))
    ]


def is_alive(pid):
    state = re.search(rb"^State:\s+(\S)", read_proc(pid, "status"), re.MULTILINE)
    return state is not None and state[1] not in b"ZX"


def handles(pid, number):
    """Whether the process has taken its own measures for the signal (a handler, or blocked for a signalfd)."""
    status = read_proc(pid, "status").decode()
    masks = re.findall(r"^Sig(?:Cgt|Blk):\s+([0-9a-f]+)", status, re.MULTILINE)
    return any(int(mask, 16) & (1 << (number - 1)) for mask in masks)


def connecting_to(port):
    """Whether some socket of this machine waits for an answer to its SYN from the port on loopback."""
    wanted = f"0100007F:{port:04X} 02"
    return any(wanted in line for line in pathlib.Path("/proc/net/tcp").read_text().splitlines())


class Result:
    """How a runner ended."""

    def __init__(self, status, stdout, stderr, seconds):
        self.status, self.stdout, self.stderr, self.seconds = status, stdout, stderr, seconds
        self.lines = stderr.splitlines()

    def __repr__(self):
        return f"Result(status={self.status}, seconds={self.seconds:.2f}, stderr={self.stderr!r})"

    def assert_error(self, status, *words):
        """That status, and one line that holds all the words: nothing else on standard error."""
        assert self.status == status, self
        assert len(self.lines) == 1, self
        assert self.lines[0].startswith("amqp-job: "), self
        for word in words:
            assert str(word).lower() in self.lines[0].lower(), f"no {word!r} in {self}"
        assert len(self.lines[0]) < 1000, self


class Runner:
    """One started process of amqp-job."""

    def __init__(self, command, environment, directory, number, **options):
        self.stdout_path = directory / f"runner-{number}.stdout"
        self.stderr_path = directory / f"runner-{number}.stderr"
        options.setdefault("stdin", subprocess.DEVNULL)
        with open(self.stdout_path, "wb") as stdout, open(self.stderr_path, "wb") as stderr:
            options.setdefault("stdout", stdout)
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                command, env=environment, stderr=stderr, start_new_session=True, **options
            )
        self.pid = self.process.pid
        self.ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        self.process.wait()
        self.seconds = time.monotonic() - self.started
        self.ended.set()

    def send(self, number):
        self.process.send_signal(number)

    def runs(self):
        return not self.ended.is_set()

    @property
    def stdout(self):
        return self.stdout_path.read_bytes()

    @property
    def stderr(self):
        return self.stderr_path.read_text(errors="surrogateescape")

    def handles(self, number):
        wait_until(lambda: handles(self.pid, number), what="the runner's care for the signal")

    def finish(self, timeout=20.0):
        """Waits for its end."""
        if not self.ended.wait(timeout):
            raise AssertionError(f"the runner still runs after {timeout} s; stderr: {self.stderr!r}")
        return Result(self.process.returncode, self.stdout, self.stderr, self.seconds)


class Worker:
    """A command that runs worker.py, and what it writes down. Several processes may run it, one after the other."""

    def __init__(self, log, *steps):
        self.log = log
        self.command = [PYTHON, "-IS", str(HERE / "worker.py"), str(log), *steps]

    def events(self, name=None):
        text = self.log.read_text() if self.log.exists() else ""
        found = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
        return [event for event in found if name is None or event["event"] == name]

    def has(self, name):
        return bool(self.events(name))

    def wait_for(self, name, count=1, timeout=10.0):
        """Waits for that event, and returns the latest one of its name."""
        return wait_until(
            lambda: len(self.events(name)) >= count and self.events(name)[-1],
            timeout,
            f"event {name!r} number {count} of a worker",
        )

    def go(self):
        """Lets it go on after `hold`."""
        pathlib.Path(f"{self.log}.go").touch()

    def child(self, name):
        return Worker(pathlib.Path(f"{self.log}.{name}"))

    @property
    def start(self):
        return self.wait_for("start")

    @property
    def environment(self):
        return self.start["environment"]

    @property
    def runs(self):
        """How many were started."""
        return len(self.events("start"))


class Raw:
    """A field of a table with its type octet, for those types that pika cannot write."""

    def __init__(self, kind, payload):
        self.encoded = kind + payload


def _encode_value(pieces, value, _original=pika.data.encode_value):
    if isinstance(value, Raw):
        pieces.append(value.encoded)
        return len(value.encoded)
    if isinstance(value, float):
        pieces.append(b"d" + struct.pack(">d", value))
        return 9
    return _original(pieces, value)


pika.data.encode_value = _encode_value


pika.spec.FRAME_MAX_SIZE = 1 << 20  # pika would refuse to ask for more than the usual 128 KiB


def parameters(url, frame_max=None):
    """Connection parameters of the tests' own client, which asks for no heartbeats."""
    result = pika.URLParameters(url)
    if not pika.compat.urlparse(url).path:
        result.virtual_host = "/"
    result.heartbeat = 0
    if frame_max:
        result.frame_max = frame_max
    return result


class Client:
    """A connection of the tests' own, opened when it is first needed, and again when it has been lost."""

    def __init__(self, url, frame_max=None):
        self.parameters = parameters(url, frame_max)
        self.connection = None
        self._channel = None

    @property
    def channel(self):
        if self.connection is not None and self.connection.is_open:
            try:
                self.connection.process_data_events(0)
            except pika.exceptions.AMQPError:
                pass
        if self.connection is None or not self.connection.is_open:
            self.connection = pika.BlockingConnection(self.parameters)
            self._channel = None
        if self._channel is None or not self._channel.is_open:
            self._channel = self.connection.channel()
            self._channel.confirm_delivery()
        return self._channel

    def close(self):
        if self.connection is not None:
            try:
                self.connection.close()
            except pika.exceptions.AMQPError:
                pass


class Queue:
    """A queue of one test."""

    def __init__(self, client, name, kind):
        self.client, self.name, self.kind = client, name, kind

    def put(self, *bodies, exchange="", routing_key=None, **properties):
        properties.setdefault("delivery_mode", 2)
        for body in bodies or (b"item",):
            self.client.channel.basic_publish(
                exchange,
                self.name if routing_key is None else routing_key,
                body,
                pika.BasicProperties(**properties),
                mandatory=True,
            )

    def _passive(self):
        return self.client.channel.queue_declare(self.name, passive=True).method

    def exists(self):
        try:
            self._passive()
        except pika.exceptions.ChannelClosedByBroker as error:
            assert error.reply_code == 404, error
            return False
        return True

    def depth(self):
        """Items that are ready."""
        return self._passive().message_count

    def consumers(self):
        return self._passive().consumer_count

    def wait_for_consumer(self, count=1, timeout=15.0):
        wait_until(lambda: self.consumers() == count, timeout, f"{count} consumers on the queue")

    def assert_empty(self):
        """Empty, and nothing comes back either: an item that is not acked would, as soon as its runner is gone."""
        wait_until(lambda: self.consumers() == 0, what="no consumer on the queue")
        holds_for(lambda: self.depth() == 0, 0.2, "the empty queue")

    def assert_back(self, count=1, timeout=10.0):
        wait_until(lambda: self.depth() == count, timeout, f"{count} items ready in the queue")

    def take(self):
        """Takes the first item for good: (redelivered, properties, body), or None."""
        method, properties, body = self.client.channel.basic_get(self.name, auto_ack=True)
        return None if method is None else (method.redelivered, properties, body)

    def take_all(self):
        items = []
        while (item := self.take()) is not None:
            items.append(item)
        return items

    def assert_untouched(self, count=1):
        """That many are ready, and no one has ever had one of them in hand."""
        self.assert_back(count)
        for redelivered, properties, body in self.take_all():
            raised = (properties.headers or {}).get("x-delivery-count", 0)
            assert not redelivered and not raised, f"{body!r} was handed out before ({raised})"

    def delete(self):
        self.client.channel.queue_delete(self.name)


class Broker:
    """A RabbitMQ that scripts/broker keeps."""

    def __init__(self, name, url=None):
        self.name = name
        self.url = url or self.start()
        self.version = tuple(int(number) for number in self._script("version").split(".")[:2])

    def _script(self, command, *arguments):
        done = subprocess.run(
            [str(BROKER_SCRIPT), command, "--name", self.name, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90,
        )
        assert done.returncode == 0, f"scripts/broker {command} {arguments}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def start(self):
        wanted = os.environ.get("TEST_RABBITMQ")
        self.url = self._script("start", *(["--rabbitmq", wanted] if wanted else []))
        return self.url

    def stop(self, keep_data=False):
        self._script("stop", *(["--keep-data"] if keep_data else []))

    def kill(self):
        """With SIGKILL. What it has not written down yet of its queues' existence is written first: RabbitMQ 3.10 does
        so half a second late, and a quorum queue is beyond repair if that is lost."""
        self.ctl("eval", "[dets:sync(Table) || Table <- dets:all()].")
        self._script("kill")

    def ctl(self, *arguments):
        return self._script("ctl", *arguments)

    def setting(self, name, value):
        """A setting of the broker as a context, set back at its end. The value is an Erlang term."""
        return _Setting(self, name, value)

    @property
    def address(self):
        found = parameters(self.url)
        return found.host, found.port


class _Setting:
    def __init__(self, broker, name, value):
        self.broker, self.name, self.value = broker, name, value

    def __enter__(self):
        former = self.broker.ctl("eval", f"application:get_env(rabbit,{self.name}).")
        self.undo = (
            f"application:set_env(rabbit,{self.name},{former[4:-1]})." if former.startswith("{ok,")
            else f"application:unset_env(rabbit,{self.name})."
        )
        self.broker.ctl("eval", f"application:set_env(rabbit,{self.name},{self.value}).")

    def __exit__(self, *_):
        self.broker.ctl("eval", self.undo)


class Bench:
    """All that one test makes: it makes it through here, and `close` clears it away and checks that nothing is left."""

    def __init__(self, binary, broker):
        self.binary, self.broker = str(binary), broker
        self.marker = "e2e-" + uuid.uuid4().hex[:12]
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=self.marker + "-"))
        self.client = Client(broker.url)
        self.runners, self.queues, self.closers, self._numbers = [], [], [], iter(range(1 << 30))
        self.url_file = self.file("url", broker.url + "\n", mode=0o600)

    # Files

    def path(self, name):
        return self.directory / name

    def file(self, name, content, mode=0o644):
        path = self.path(name)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path

    def script(self, text, name=None):
        """A worker in shell; its command."""
        return [str(self.file(name or f"script-{next(self._numbers)}", "#!/bin/sh\n" + text, mode=0o755))]

    # Queues

    def queue(self, kind="quorum", *bodies, **arguments):
        """A new durable queue with those items in it."""
        queue = self.name_queue(kind)
        self.client.channel.queue_declare(
            queue.name, durable=True, arguments={"x-queue-type": kind, **arguments}
        )
        if bodies:
            queue.put(*bodies)
        return queue

    def name_queue(self, kind="quorum"):
        """The name of a queue that is not there (yet); it is deleted in the end."""
        queue = Queue(self.client, f"{self.marker}-{next(self._numbers)}", kind)
        self.queues.append(queue)
        return queue

    def work_queue(self, kind="quorum", *bodies, options=(), declare=True):
        """The queue, retry queue and dead-letter queue that `amqp-job declare` makes, or only their names. The bodies
        are put into the first one."""
        queue = self.name_queue(kind)
        queue.retry, queue.dead = (Queue(self.client, queue.name + end, "quorum") for end in (".retry", ".dead"))
        self.queues += [queue.retry, queue.dead]
        if declare:
            result = self.run(queue.name, "--type", kind, *options, command="declare")
            assert (result.status, result.stderr) == (0, ""), result
        if bodies:
            queue.put(*bodies)
        return queue

    # Processes

    def environment(self, **more):
        """What a runner gets, apart from `more`: nothing of the surroundings of the tests."""
        base = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.directory),
            "LANG": "C.UTF-8",
            MARKER: self.marker,
        }
        return {**base, **{name: value for name, value in more.items() if value is not None}}

    def worker(self, *steps):
        return Worker(self.path(f"worker-{next(self._numbers)}.log"), *steps)

    def start(self, *arguments, worker=None, command="run", url=True, env=None, prefix=(), binary=None, **options):
        """Starts `amqp-job COMMAND`. `url`: True for the broker's by a file, None for none at all, else the URL by
        a file. `prefix`: a command to start it through. `options` are Popen's."""
        words = [*prefix, binary or self.binary, command]
        if url:
            path = self.url_file if url is True else self.file(f"url-{next(self._numbers)}", url, mode=0o600)
            words += ["--url-file", str(path)]
        words += [os.fspath(argument) if isinstance(argument, os.PathLike) else argument for argument in arguments]
        if worker is not None:
            words += ["--", *(worker.command if isinstance(worker, Worker) else worker)]
        runner = Runner(words, self.environment(**(env or {})), self.directory, next(self._numbers), **options)
        self.runners.append(runner)
        return runner

    def run(self, *arguments, timeout=20.0, **options):
        return self.start(*arguments, **options).finish(timeout)

    def input(self, data):
        """An open file with that content, to be used as standard input."""
        path = self.file(f"input-{next(self._numbers)}", data)
        handle = open(path, "rb")
        self.closers.append(handle.close)
        return handle

    def others(self):
        """This test's processes, the runners apart: workers and what they started."""
        own = {runner.pid for runner in self.runners}
        return [pid for pid in processes_with(self.marker) if pid not in own]

    def assert_nothing_left(self, timeout=PROMPT):
        wait_until(lambda: not processes_with(self.marker), timeout, "an end of all the processes of this test")

    # Servers

    def peer(self, *items, **options):
        """A scripted server."""
        server = peer.Peer(*items, **options)
        self.closers.append(server.close)
        return server

    def proxy(self, listen=True):
        """A way to the broker that can be cut."""
        way = Proxy(self.broker.address, listen)
        self.closers.append(way.close)
        return way

    # The end

    def close(self):
        """Clears away; returns the processes that were left, described."""
        left = []
        try:
            self.assert_nothing_left()
        except AssertionError:
            for pid in processes_with(self.marker):
                left.append(f"{pid}: " + read_proc(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace"))
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        for runner in self.runners:
            runner.process.kill()
            runner.ended.wait()
            if runner.process.stdout:
                runner.process.stdout.close()
        for close in self.closers:
            close()
        try:
            for queue in self.queues:
                queue.delete()
        except pika.exceptions.AMQPError:
            pass  # the test has taken its broker away
        self.client.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        return left


class Proxy:
    """Hands bytes on between a runner and the broker; opens late, cuts the connections or freezes them on demand."""

    def __init__(self, target, listen=True):
        self.target = target
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}"
        self.sockets = []
        self.accepted = 0
        self.heard = 0  # bytes from the broker, handed on or not
        self.moving = threading.Event()
        self.moving.set()
        self.allowance = None  # bytes until the connections are cut
        if listen:
            self.listen()

    def listen(self):
        """Until now, connections were refused."""
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                ours, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            theirs = socket.create_connection(self.target)
            self.sockets += [ours, theirs]
            for source, sink in ((ours, theirs), (theirs, ours)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source, sink):
        try:
            while data := source.recv(65536):
                if source.getpeername() == self.target:
                    self.heard += len(data)
                self.moving.wait()
                if self.allowance is not None:
                    self.allowance -= len(data)
                    if self.allowance < 0:
                        self.allowance = None
                        self.cut()
                        return
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def freeze(self):
        self.moving.clear()

    def thaw(self):
        self.moving.set()

    def cut_after(self, count):
        """Ends all connections, once, when so many bytes more have passed."""
        self.allowance = count

    def cut(self):
        """Ends all connections without a word."""
        for each in self.sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        peer.close_listener(self.listener)
        self.moving.set()
        self.cut()
        for each in self.sockets:
            each.close()
