"""Changes the bytes that a broker sends: bits are flipped, and bytes and frames are removed, repeated, inserted or truncated."""

import random
import socket
import struct
import threading

END = b"\xce"
METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
# How long a broker may take to close a connection, in seconds.
LIMIT = 30
# Methods that a broker may send without being asked: class id, method id and arguments.
STRAY = [
    (60, 60, b"\x0aamqp-job-1" + struct.pack(">QB", 1, 0) + b"\0\x01q"),  # basic.deliver
    (60, 60, b"\x01x" + struct.pack(">QB", 2, 1) + b"\0\x01q"),
    (60, 71, struct.pack(">QB", 1, 0) + b"\0\x01q" + struct.pack(">I", 7)),  # basic.get-ok
    (60, 72, b"\0"), (60, 80, struct.pack(">QB", 1, 1)), (60, 120, struct.pack(">QB", 1, 1)), (60, 11, b""),
    (60, 21, b"\x0aamqp-job-1"), (60, 30, b"\x0aamqp-job-1\0"), (60, 31, b"\x0aamqp-job-1"),
    (60, 50, struct.pack(">H", 312) + b"\x08NO_ROUTE\0\x01q"),
    (50, 11, b"\x01q" + struct.pack(">II", 0, 0)), (50, 11, b"\x01q" + struct.pack(">II", 0xffffffff, 0xffffffff)),
    (20, 11, struct.pack(">I", 0)), (20, 41, b""), (20, 40, struct.pack(">H", 406) + b"\x03why\0\0\0\0"),
    (20, 40, struct.pack(">H", 404) + b"\x03why\0\0\0\0"), (85, 11, b""), (10, 41, b"\0"), (10, 51, b""),
    (10, 60, b"\x03low"), (10, 61, b""), (10, 50, struct.pack(">H", 320) + b"\x03why\0\0\0\0"), (20, 20, b"\x01"),
]


def frame(kind, channel, payload):
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + END


class Mutator:
    """Takes the bytes of a broker, and returns the bytes that the client receives."""

    def __init__(self, generator):
        self.random = generator
        self.rest = b""
        self.number = 0
        # Only the login is changed, the beginning, or any part, because the client is in another state in each of them.
        limit = generator.choice([8, 20, 60])
        self.targets = {generator.randrange(limit) for _ in range(generator.choice([1, 1, 1, 2, 4]))}
        self.is_over = False  # whether the connection ends and no more bytes are passed on
        self.done = []  # the changes, for a report

    def take(self, data):
        self.rest += data
        out = b""
        while len(self.rest) >= 8 and not self.is_over:
            kind, channel, size = struct.unpack(">BHI", self.rest[:7])
            if len(self.rest) < size + 8:
                break
            payload, self.rest = self.rest[7:size + 7], self.rest[size + 8:]
            is_target = self.number in self.targets
            self.number += 1
            out += self.mutate(kind, channel, payload) if is_target else frame(kind, channel, payload)
        return out

    def mutate(self, kind, channel, payload):
        change = self.random.choice([
            self.flip, self.flip, self.damage, self.damage, self.drop, self.double, self.stray, self.stray, self.other_channel,
            self.other_kind, self.raw, self.cut, self.resize, self.properties,
        ])
        self.done.append(f"{self.number - 1}:{change.__name__}")
        return change(kind, channel, payload)

    def flip(self, kind, channel, payload):
        changed = bytearray(payload)
        for _ in range(self.random.choice([1, 1, 3])):
            if changed:
                changed[self.random.randrange(len(changed))] ^= 1 << self.random.randrange(8)
        return frame(kind, channel, bytes(changed))

    def damage(self, kind, channel, payload):
        start = self.random.randrange(len(payload) + 1)
        end = min(len(payload), start + self.random.randrange(8))
        put = self.random.choice([b"", payload[start:end] * 2, b"\0", b"\xff" * 4, self.random.randbytes(3)])
        return frame(kind, channel, payload[:start] + put + payload[end:])

    def drop(self, kind, channel, payload):
        return b""

    def double(self, kind, channel, payload):
        return frame(kind, channel, payload) * self.random.choice([2, 2, 5])

    def some_channel(self):
        return self.random.choice([0, 1, 1, 2, 3, 4, 5, 9, 2047, 65535])

    def stray(self, kind, channel, payload):
        number, method, arguments = self.random.choice(STRAY)
        strange = self.random.choice([channel, self.some_channel()])
        out = frame(METHOD, strange, struct.pack(">HH", number, method) + arguments)
        if self.random.random() < 0.5:  # add a message, which may be incomplete
            size = self.random.choice([0, 1, 3, 1 << 22, 1 << 40, (1 << 64) - 1])
            out += frame(HEADER, strange, struct.pack(">HHQ", 60, 0, size) + self.random.choice([b"\0\0", b"\0\1", b""]))
            if self.random.random() < 0.7:
                out += frame(BODY, strange, b"abc"[:self.random.randrange(4)])
        return self.random.choice([out + frame(kind, channel, payload), frame(kind, channel, payload) + out])

    def other_channel(self, kind, channel, payload):
        return frame(kind, self.some_channel(), payload)

    def other_kind(self, kind, channel, payload):
        return frame(self.random.choice([METHOD, HEADER, BODY, HEARTBEAT, 0, 9, 65]), channel, payload)

    def raw(self, kind, channel, payload):
        """Changes any byte of the frame, including its header and its end."""
        changed = bytearray(frame(kind, channel, payload))
        changed[self.random.randrange(len(changed))] = self.random.randrange(256)
        return bytes(changed)

    def cut(self, kind, channel, payload):
        self.is_over = True
        whole = frame(kind, channel, payload)
        return whole[:self.random.randrange(len(whole))]

    def resize(self, kind, channel, payload):
        """Changes the announced size of a message, or the first arguments of a method."""
        if kind == HEADER and len(payload) >= 12:
            size = self.random.choice([0, 1, 1 << 22, 40 << 30, (1 << 64) - 1])
            payload = payload[:4] + struct.pack(">Q", size) + payload[12:]
        elif len(payload) >= 8:
            payload = payload[:4] + self.random.choice([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1"]) + payload[8:]
        return frame(kind, channel, payload)

    def properties(self, kind, channel, payload):
        if kind == HEADER and len(payload) >= 14:
            flags = self.random.choice([b"\0\1", b"\x80\1", b"\xff\xff", b"\x20\0", self.random.randbytes(2)])
            payload = payload[:12] + flags + payload[14:]
        return frame(kind, channel, payload)


class Proxy:
    """A proxy in front of the broker. Each connection has its own mutator, which depends on the seed."""

    def __init__(self, target, seed):
        self.target, self.seed = target, seed
        self.mutators = []
        self.clients, self.brokers = [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                broker = socket.create_connection(self.target)
            except OSError:
                return
            self.clients.append(client)
            self.brokers.append(broker)
            mutator = Mutator(random.Random(f"{self.seed}/{len(self.mutators)}"))
            self.mutators.append(mutator)
            for source, sink, change in ((client, broker, None), (broker, client, mutator)):
                threading.Thread(target=self._pump, args=(source, sink, change), daemon=True).start()

    @staticmethod
    def _pump(source, sink, mutator):
        try:
            while data := source.recv(65536):
                sink.sendall(mutator.take(data) if mutator else data)
                if mutator and mutator.is_over:
                    break
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        """Ends every connection, and returns when the broker has done whatever was still under way to it: an ack with a
        changed delivery tag must not meet the next conversation's items."""
        self._shut(self.listener, *self.clients)
        for broker in self.brokers:
            try:
                broker.shutdown(socket.SHUT_WR)
                broker.settimeout(LIMIT)
                while broker.recv(65536):
                    pass
            except OSError:
                pass
        self._shut(*self.brokers)

    @staticmethod
    def _shut(*sockets):
        for each in sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()
