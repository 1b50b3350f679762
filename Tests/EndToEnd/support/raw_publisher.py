"""A publisher that sends properties of arbitrary bytes, which no client library allows."""

import socket
import struct

import pika.frame
from pika.spec import Basic, Channel, Connection

from support.amqp import parameters


def publish_raw(url, queue, properties, body):
    """Publishes the message. Returns whether the broker accepted it."""
    found = parameters(url)
    with socket.create_connection((found.host, found.port), timeout=60) as connection:
        peer = _Peer(connection)
        connection.sendall(b"AMQP\0\0\x09\1")
        peer.wait_for(Connection.Start)
        login = f"\0{found.credentials.username}\0{found.credentials.password}"
        peer.send(0, Connection.StartOk({}, "PLAIN", login, "en_US"))
        peer.wait_for(Connection.Tune)
        peer.send(0, Connection.TuneOk(2047, 131072, 0))
        peer.send(0, Connection.Open(found.virtual_host))
        peer.wait_for(Connection.OpenOk)
        peer.send(1, Channel.Open())
        peer.send(1, Basic.Publish(exchange="", routing_key=queue))
        header = struct.pack(">HHQ", 60, 0, len(body)) + properties
        connection.sendall(struct.pack(">BHI", 2, 1, len(header)) + header + b"\xce")
        connection.sendall(pika.frame.Body(1, body).marshal())
        peer.send(1, Channel.Close(200, "done", 0, 0))
        if peer.wait_for(Channel.CloseOk, Channel.Close, Connection.Close) is not Channel.CloseOk:
            return False
        peer.send(0, Connection.Close(200, "bye", 0, 0))
        return peer.wait_for(Connection.CloseOk, Connection.Close) is Connection.CloseOk


class _Peer:
    def __init__(self, connection):
        self.connection, self.data = connection, b""

    def send(self, channel, method):
        self.connection.sendall(pika.frame.Method(channel, method).marshal())

    def wait_for(self, *kinds):
        """The class of the first received method that is one of these. None if the connection ends."""
        while True:
            used, frame = pika.frame.decode_frame(self.data)
            if frame is None:
                more = self.connection.recv(65536)
                if not more:
                    return None
                self.data += more
                continue
            self.data = self.data[used:]
            if isinstance(frame, pika.frame.Method) and type(frame.method) in kinds:
                return type(frame.method)
