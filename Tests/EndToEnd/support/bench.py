"""The bench: a test makes everything through it."""

import os
import pathlib
import shutil
import signal
import tempfile
import uuid

import pika
import pika.exceptions

from support import manual
from support import peer
from support.amqp import Client, Queue
from support.processes import MARKER, PATIENCE, Runner, Worker, processes_with, read_proc, wait_until
from support.tcp_proxy import Proxy


class Bench:
    """A test makes files, queues, processes and servers through its bench. `close` removes them, and checks that
    nothing is left."""

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
        """The command of a worker that is a shell script."""
        return [str(self.file(name or f"script-{next(self._numbers)}", "#!/bin/sh\n" + text, mode=0o755))]

    # Queues

    def queue(self, kind="quorum", *bodies, **arguments):
        """A new durable queue with these items in it."""
        queue = self.name_queue(kind)
        self.client.channel.queue_declare(
            queue.name, durable=True, arguments={"x-queue-type": kind, **arguments}
        )
        if bodies:
            queue.put(*bodies)
        return queue

    def name_queue(self, kind="quorum"):
        """A queue that is not declared yet. If a test declares it, it is deleted in the end."""
        queue = Queue(self.client, f"{self.marker}-{next(self._numbers)}", kind)
        self.queues.append(queue)
        return queue

    def work_queue(self, kind="quorum", *bodies, options=(), declare=True, levels=1):
        """The queues that `amqp-job declare` makes, or their names only. The bodies go into the first one.

        `levels` is the number of retry queues that the test uses, which are in `queue.levels`."""
        queue = self.name_queue(kind)
        queue.retry, queue.marks, queue.dead = (
            Queue(self.client, queue.name + end, "quorum") for end in (".retry", ".marks", ".dead"))
        further = [Queue(self.client, f"{queue.name}.retry.{level}", "quorum") for level in range(2, levels + 1)]
        queue.levels = [queue.retry, *further]
        queue.family = [queue, queue.retry, queue.marks, queue.dead]
        self.queues += [*queue.family[1:], *further]
        if declare:
            result = self.run(queue.name, "--type", kind, *options, command="declare")
            assert (result.status, result.stderr) == (0, ""), result
        if bodies:
            queue.put(*bodies)
        return queue

    # Processes

    def environment(self, **more):
        """The environment of a runner. It has `more`, and nothing of the environment of the tests."""
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
        """Starts `amqp-job COMMAND`.

        `url` is written to a file, which --url-file names. True is the broker's URL, and None leaves the option out.
        `prefix` is a command that starts the runner. `options` are for Popen."""
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

    def run(self, *arguments, timeout=PATIENCE, **options):
        return self.start(*arguments, **options).finish(timeout)

    def input(self, data):
        """An open file with this content, for use as standard input."""
        path = self.file(f"input-{next(self._numbers)}", data)
        handle = open(path, "rb")
        self.closers.append(handle.close)
        return handle

    def others(self):
        """This test's processes except its runners: workers, and what they started."""
        own = {runner.pid for runner in self.runners}
        return [pid for pid in processes_with(self.marker) if pid not in own]

    def assert_nothing_left(self, timeout=PATIENCE):
        wait_until(lambda: not processes_with(self.marker), timeout, "an end of all the processes of this test")

    # Servers

    def peer(self, *items, **options):
        """A scripted AMQP server."""
        server = peer.Peer(*items, **options)
        self.closers.append(server.close)
        return server

    def proxy(self, listen=True):
        """A proxy to the broker that can be cut and frozen."""
        way = Proxy(self.broker.address, listen)
        self.closers.append(way.close)
        return way

    # The end

    def undocumented(self):
        """Describes each command that ended with a status that its manual page does not list."""
        ended = {(manual.page_of(each.process.args), each.process.returncode) for each in self.runners if each.ended.is_set()}
        return [f"{name}: {status}" for name, status in ended if manual.is_silent_on(self.binary, name, status)]

    def close(self):
        """Removes everything. Returns descriptions of the processes that were left."""
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
            pass  # The test has stopped its broker.
        self.client.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        return left
