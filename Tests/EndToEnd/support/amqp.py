"""The tests' own AMQP client, with the queues of a test and what is in them."""

import struct

import pika
import pika.data
import pika.exceptions
import pika.spec

from support.processes import PATIENCE, holds_for, wait_until


class Raw:
    """A field of a table that brings its own type octet. It is for types that pika cannot write."""

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


pika.spec.FRAME_MAX_SIZE = 1 << 20  # By default pika refuses to ask for more than 128 KiB.


def parameters(url, frame_max=None):
    """Connection parameters for the tests' own client, which asks for no heartbeats."""
    result = pika.URLParameters(url)
    if not pika.compat.urlparse(url).path:
        result.virtual_host = "/"
    result.heartbeat = 0
    if frame_max:
        result.frame_max = frame_max
    return result


class Client:
    """A connection that is opened when it is first used, and again after it has been lost."""

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
    """A queue that one test uses."""

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
        """The number of items that are ready."""
        return self._passive().message_count

    def consumers(self):
        return self._passive().consumer_count

    def wait_for_consumer(self, count=1, timeout=PATIENCE):
        wait_until(lambda: self.consumers() == count, timeout, f"{count} consumers on the queue")

    def assert_empty(self):
        """Asserts that the queue is empty and stays empty. An item that was not acked would come back as soon as its
        runner is gone."""
        wait_until(lambda: self.consumers() == 0, what="no consumer on the queue")
        holds_for(lambda: self.depth() == 0, 0.2, "the empty queue")

    def assert_back(self, count=1, timeout=PATIENCE):
        wait_until(lambda: self.depth() == count, timeout, f"{count} items ready in the queue")

    def take(self):
        """Takes the first item and acks it. Returns (redelivered, properties, body), or None."""
        method, properties, body = self.client.channel.basic_get(self.name, auto_ack=True)
        return None if method is None else (method.redelivered, properties, body)

    def take_all(self):
        items = []
        while (item := self.take()) is not None:
            items.append(item)
        return items

    def assert_untouched(self, count=1):
        """Asserts that this many items are ready, and that none of them was ever delivered."""
        self.assert_back(count)
        for redelivered, properties, body in self.take_all():
            raised = (properties.headers or {}).get("x-delivery-count", 0)
            assert not redelivered and not raised, f"{body!r} was handed out before ({raised})"

    def delete(self):
        self.client.channel.queue_delete(self.name)
