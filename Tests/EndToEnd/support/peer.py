"""A server that speaks just enough AMQP 0-9-1 to misbehave in ways that no real broker can be made to.

By default it behaves: it accepts every login and every request, and delivers its items to the first consumer. A test
changes the answer to one method by `peer.on(Basic.Ack, answer)`. There, answer(session, channel, method) may send
anything, or nothing."""

import collections
import socket
import struct
import threading

import pika
import pika.exceptions
import pika.frame
from pika.spec import Basic, Channel, Confirm, Connection, Queue

from support.processes import PATIENCE
from support.sockets import close_listener

CAPABILITIES = (
    "authentication_failure_close", "basic.nack", "connection.blocked", "consumer_cancel_notify",
    "consumer_priorities", "exchange_exchange_bindings", "per_consumer_qos", "publisher_confirms",
)


class Peer:
    def __init__(self, *items, heartbeat=0, frame_max=131072, greet=True, has_retries=False):
        self.waiting = collections.deque(items)
        self.heartbeat, self.frame_max, self.greet = heartbeat, frame_max, greet
        self.has_retries = has_retries  # `amqp-job declare` makes these beside the queue.
        self.answers = {}
        self.seen = []  # (name of the method, method).
        self.heartbeats = 0
        self.sessions = []
        self.changed = threading.Condition()
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def on(self, method, answer):
        """Answers each such method by answer(session, channel, method), instead of the default answer."""
        self.answers[method] = answer

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            session = Session(self, connection)
            with self.changed:
                self.sessions.append(session)
                self.changed.notify_all()
            threading.Thread(target=session.serve, daemon=True).start()

    def note(self, method):
        with self.changed:
            self.seen.append((method.NAME, method))
            self.changed.notify_all()

    def _wait(self, predicate, timeout, what):
        with self.changed:
            if not self.changed.wait_for(predicate, timeout):
                raise AssertionError(f"{what} did not come within {timeout} s; seen: {self.names()}")

    def names(self):
        return [name for name, _ in self.seen]

    def count(self, method):
        return self.names().count(method.NAME)

    def wait_for(self, method, count=1, timeout=PATIENCE):
        self._wait(lambda: self.count(method) >= count, timeout, f"{method.NAME} number {count}")

    def wait_for_connection(self, count=1, timeout=PATIENCE):
        self._wait(lambda: len(self.sessions) >= count, timeout, f"connection number {count}")

    def wait_for_heartbeats(self, count, timeout=PATIENCE):
        self._wait(lambda: self.heartbeats >= count, timeout, f"heartbeat number {count}")

    def wait_until_read(self, timeout=PATIENCE):
        """Waits until everything that disconnected clients sent has been read. A client may be gone before that."""
        for session in self.sessions:
            if not session.frozen.is_set() and not session.done.wait(timeout):
                raise AssertionError(f"the client is still there after {timeout} s; seen: {self.names()}")

    def refuse_connections(self):
        """Refuses new connections from now on. Open connections stay."""
        close_listener(self.listener)

    def close(self):
        close_listener(self.listener)
        for session in self.sessions:
            session.drop()


class Session:
    """One connection of a client."""

    def __init__(self, peer, connection):
        self.peer, self.socket = peer, connection
        self.sending = threading.Lock()
        self.frozen = threading.Event()
        self.ended = threading.Event()
        self.done = threading.Event()  # Set when everything has been read.
        self.prefetch = 0
        self.tag = 0
        self.consumers = {}
        self.consumer = None  # Channel and tag of the latest delivery.

    # Sending

    def raw(self, data):
        if self.frozen.is_set():
            return
        try:
            with self.sending:
                self.socket.sendall(data)
        except OSError:
            self.ended.set()

    def send(self, channel, *methods):
        """Sends these methods in one write."""
        self.raw(b"".join(pika.frame.Method(channel, method).marshal() for method in methods))

    def delivery(self, channel, consumer, body, properties=None, announced=None, redelivered=False):
        """The frames of one item, as a list. `announced` may be a wrong length."""
        self.tag += 1
        method = Basic.Deliver(consumer, self.tag, redelivered, "", "queue")
        size = len(body) if announced is None else announced
        frames = [
            pika.frame.Method(channel, method).marshal(),
            pika.frame.Header(channel, size, properties or pika.BasicProperties()).marshal(),
        ]
        step = self.peer.frame_max - 8
        return frames + [
            pika.frame.Body(channel, body[start:start + step]).marshal() for start in range(0, len(body), step)
        ]

    def deliver_next(self, channel, consumer):
        """Sends one of the peer's items. It is bytes, or (bytes, properties), or a function that is called instead."""
        if not self.peer.waiting:
            return
        self.consumer = channel, consumer
        item = self.peer.waiting.popleft()
        if callable(item):
            item(self, channel, consumer)
        else:
            body, properties = item if isinstance(item, tuple) else (item, None)
            self.raw(b"".join(self.delivery(channel, consumer, body, properties)))

    # Faults

    def freeze(self):
        """Stops sending and reading, and keeps the connection open."""
        self.frozen.set()

    def drop(self, reset=False):
        self.ended.set()
        try:
            if reset:  # `serve`, which this wakes up, has closed the socket.
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
        except OSError:
            pass

    # Serving

    def serve(self):
        data = b""
        try:
            while not self.ended.is_set():
                if self.frozen.is_set():
                    self.ended.wait()
                    break
                used, frame = pika.frame.decode_frame(data)
                if frame is not None:
                    data = data[used:]
                    self._take(frame)
                    continue
                more = self.socket.recv(65536)
                if not more:
                    break
                data += more
        except (OSError, pika.exceptions.AMQPError):
            pass
        self.ended.set()
        self.socket.close()
        self.done.set()

    def _beat(self, seconds):
        while not self.ended.wait(seconds / 2):
            self.raw(pika.frame.Heartbeat().marshal())

    def _take(self, frame):
        if isinstance(frame, pika.frame.Heartbeat):
            with self.peer.changed:
                self.peer.heartbeats += 1
                self.peer.changed.notify_all()
        elif isinstance(frame, pika.frame.ProtocolHeader):
            if self.peer.greet:
                self.send(0, Connection.Start(
                    0, 9,
                    {"product": "peer", "version": "3.10.0", "capabilities": dict.fromkeys(CAPABILITIES, True)},
                    "PLAIN", "en_US",
                ))
        elif isinstance(frame, pika.frame.Method):
            answer = self.peer.answers.get(type(frame.method), Session.answer)
            self.peer.note(frame.method)
            answer(self, frame.channel_number, frame.method)

    def answer(self, channel, method):
        """Answers as a well-behaved broker would."""
        if isinstance(method, Connection.StartOk):
            self.send(0, Connection.Tune(2047, self.peer.frame_max, self.peer.heartbeat))
        elif isinstance(method, Connection.TuneOk):
            if method.heartbeat:
                threading.Thread(target=self._beat, args=(method.heartbeat,), daemon=True).start()
        elif isinstance(method, Connection.Open):
            self.send(0, Connection.OpenOk())
        elif isinstance(method, Connection.Close):
            self.send(0, Connection.CloseOk())
            self.drop()
        elif isinstance(method, Channel.Open):
            self.send(channel, Channel.OpenOk())
        elif isinstance(method, Channel.Close):
            self.send(channel, Channel.CloseOk())
        elif (isinstance(method, Queue.Declare) and not self.peer.has_retries
              and "x-dead-letter-exchange" in (method.arguments or {})):
            self.send(channel, Channel.Close(
                406, f"PRECONDITION_FAILED - inequivalent arg 'x-dead-letter-exchange' for queue '{method.queue}' in vhost '/': "
                "received the value '' of type 'longstr' but current is none", 50, 10))
        elif isinstance(method, Queue.Declare) and not self.peer.has_retries and "." in method.queue:
            self.send(channel, Channel.Close(404, f"NOT_FOUND - no queue '{method.queue}' in vhost '/'", 50, 10))
        elif isinstance(method, Queue.Declare):
            ready = 0 if method.queue.endswith(".marks") else len(self.peer.waiting)
            self.send(channel, Queue.DeclareOk(method.queue, ready, len(self.consumers)))
        elif isinstance(method, Queue.Bind):
            self.send(channel, Queue.BindOk())
        elif isinstance(method, Confirm.Select):
            self.send(channel, Confirm.SelectOk())
        elif isinstance(method, Basic.Qos):
            self.prefetch = method.prefetch_count
            self.send(channel, Basic.QosOk())
        elif isinstance(method, Basic.Consume):
            tag = method.consumer_tag or "consumer"
            self.consumers[tag] = channel
            self.send(channel, Basic.ConsumeOk(tag))
            self.deliver_next(channel, tag)
        elif isinstance(method, Basic.Cancel):
            self.consumers.pop(method.consumer_tag, None)
            if not method.nowait:
                self.send(channel, Basic.CancelOk(method.consumer_tag))
        elif isinstance(method, (Basic.Ack, Basic.Nack, Basic.Reject)):
            for tag, its_channel in list(self.consumers.items()):
                if its_channel == channel:
                    self.deliver_next(channel, tag)
                    break
