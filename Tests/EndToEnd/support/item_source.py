"""Sources of items, and the publishers that follow one."""

import collections
import json
import os
import signal
import threading
import urllib.parse

from support import quiet_server
from support.amqp import Queue
from support.processes import PATIENCE, read_proc, wait_until


class HTTPSource:
    """A server of items over HTTP, which can misbehave."""

    def __init__(self, *names, port=0):
        self.items = {name: {"name": name} for name in names}
        self.requests = []
        self.responses = {}  # What a path answers instead: (status, body), or a function of the handler.
        self.server = quiet_server.Server(("127.0.0.1", port), _Handler)
        self.server.source = self
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def set(self, *names):
        self.items = {name: {"name": name} for name in names}

    def polls(self):
        return sum(path == "/items" for path, _ in self.requests)

    def wait_for_polls(self, count, timeout=PATIENCE):
        """Waits for this many more polls. All that the polls before the last one asked for has happened by then."""
        wanted = self.polls() + count
        wait_until(lambda: self.polls() >= wanted, timeout, "another poll")

    def answer(self, path):
        if path == "/items":
            return 200, {"kind": "ItemList", "apiVersion": "v1", "items": list(self.items)}
        name = urllib.parse.unquote(path.removeprefix("/items/"), errors="surrogateescape")
        if path.startswith("/items/") and name in self.items:
            return 200, {"kind": "Item", "apiVersion": "v1", "data": self.items[name]}
        return 404, {}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class _Handler(quiet_server.Handler):
    def do_GET(self):
        source = self.server.source
        source.requests.append((self.path, dict(self.headers)))
        special = source.responses.get(self.path)
        if callable(special):
            special(self)
            return
        status, content = special or source.answer(self.path)
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Publishers:
    """The publishers that follow sources into one queue."""

    LEASE = "3s"

    def __init__(self, bench, kind="quorum"):
        self.bench = bench
        self.queue = bench.queue(kind)
        self.ledger = Queue(bench.client, self.queue.name + ".source", "quorum")
        self.election = Queue(bench.client, self.ledger.name + ".election", "quorum")
        bench.queues += [self.queue, self.ledger, self.election]

    def start(self, source, *options, every="200ms", name="pod-a", **more):
        words = ["-q", self.queue.name, "--from", source, "--lease", self.LEASE, "-v", *options]
        words += ["--every", every] if every else []
        return self.bench.start(*words, command="publish", env={"POD_NAME": name, **more.pop("env", {})}, **more)

    def once(self, source, *options, timeout=PATIENCE, **more):
        return self.start(source, "--once", *options, every=None, **more).finish(timeout)

    def end(self, *publishers):
        for publisher in publishers:
            publisher.send(signal.SIGTERM)
        for publisher in publishers:
            result = publisher.finish()
            assert result.status == 0, result
        self.bench.assert_nothing_left()

    def wait_for(self, *names, timeout=PATIENCE):
        wait_until(lambda: self.queue.depth() >= len(names), timeout, f"{len(names)} items")
        assert sorted(self.take()) == sorted(names)

    def take(self):
        """The message ids of all items, which leave the queue."""
        return [item[1].message_id for item in self.queue.take_all()]

    def counts(self):
        return collections.Counter(self.take())

    def wait_for_rest(self):
        """Waits until nobody reads the ledger. Returns how many records it has."""
        wait_until(lambda: self.ledger.consumers() == 0, what="a ledger that nobody reads")
        return self.ledger.depth()

    def active(self, publisher):
        """The process of its command; None while it stands by."""
        for entry in os.listdir("/proc"):
            if entry.isdigit() and f"\nPPid:\t{publisher.pid}\n".encode() in read_proc(entry, "status"):
                if b"publish" in read_proc(entry, "cmdline") and b"guardian" not in read_proc(entry, "comm"):
                    return int(entry)
        return None

    def wait_for_active(self, publisher):
        return wait_until(lambda: self.active(publisher), what="a publisher that publishes")
