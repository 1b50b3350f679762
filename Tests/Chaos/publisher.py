"""Publishes the items at a steady pace, confirmed, whatever happens to the broker."""

import threading
import time

import pika
import pika.exceptions

import amqp
import plan


class Publisher(threading.Thread):
    def __init__(self, url, queue, seed, count, seconds):
        super().__init__(daemon=True)
        self.client, self.queue, self.seed = amqp.Client(url), queue, seed
        self.count, self.seconds = count, seconds
        self.confirmed = {}
        self.uncertain = set()

    def run(self):
        start, number = time.monotonic(), 0
        while len(self.confirmed) < self.count:
            due = start + self.seconds * len(self.confirmed) / self.count
            time.sleep(max(0.0, due - time.monotonic()))
            # One whose confirmation was lost may be in the queue or not: it is not sent again, another one is.
            self._publish(plan.item(self.seed, number))
            number += 1
        self.client.close()

    def _publish(self, item):
        body, properties = item.body(), pika.BasicProperties(delivery_mode=2, message_id=item.id)
        channel = self._channel()
        try:
            channel.basic_publish("", self.queue, body, properties, mandatory=True)
            self.confirmed[item.id] = time.monotonic()
        except (pika.exceptions.AMQPError, OSError):
            self.uncertain.add(item.id)

    def _channel(self):
        while True:
            try:
                return self.client.channel
            except (pika.exceptions.AMQPError, OSError):
                time.sleep(0.1)
