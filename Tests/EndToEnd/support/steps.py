"""Steps, and peers that speak the protocol of their sockets."""

import array
import os
import socket
import struct

from support.processes import wait_until

VERSION = 1


class Steps:
    """The steps of a test. Their sockets are in one directory, which stands for the volume that containers share."""

    def __init__(self, bench):
        self.bench, self.directory = bench, bench.path("sockets")
        self.directory.mkdir()

    def socket(self, name):
        return self.directory / f"{name}.sock"

    def start(self, name, worker, *options, **more):
        """Starts `amqp-job step`, and waits until it listens."""
        more = {"command": "step", "url": None, **more}
        step = self.bench.start("--socket", self.socket(name), *options, worker=worker, **more)
        wait_until(lambda: self._listens(name) or not step.runs(), what="a step that listens")
        return step

    def _listens(self, name):
        """Whether a process listens on the socket now. One that was killed leaves the file behind."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
                peer.connect(str(self.socket(name)))
        except OSError:
            return False
        return True

    def options(self, *names):
        return ["--step-dir", str(self.directory), *(word for name in names for word in ("--step", name))]

    def peer(self, name):
        """A process that connects to the step."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.connect(str(self.socket(name)))
        peer = Peer(connection)
        self.bench.closers.append(peer.socket.close)
        return peer

    def listener(self, name):
        """A server at the place of a step."""
        server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        server.bind(str(self.socket(name)))
        server.listen()
        server.settimeout(60)
        self.bench.closers.append(server.close)
        return server


class Peer:
    """One side of a connection."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(60)

    def send(self, kind, slot=0, number=0, text="", descriptors=()):
        packet = kind.encode() + struct.pack("<ii", slot, number) + text.encode()
        passed = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        self.socket.sendmsg([packet], passed)

    def receive(self):
        """(kind, slot, number, text), or None at the end."""
        packet = self.socket.recv(256)
        return (chr(packet[0]), *struct.unpack("<ii", packet[1:9]), packet[9:].decode()) if packet else None

    def greet(self, version=VERSION):
        """Says hello, and returns what the other side has said."""
        self.send("H", number=version, text="0.0.0-test")
        return self.receive()

    def run(self, slot=0, variables=b"", body=b""):
        """Asks for a worker, as a runner does. Its output is that of the step."""
        descriptors = [memory(variables), memory(body)]
        self.send("R", slot, descriptors=descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def memory(content):
    descriptor = os.memfd_create("test")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
