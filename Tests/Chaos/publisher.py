"""Publishes the items at a steady pace and with confirmations, whatever happens to the broker. pika publishes single items,
without a proxy. `amqp-job publish` publishes several items at once, through a proxy that injects faults."""

import base64
import json
import re
import subprocess
import threading
import time

import pika
import pika.exceptions

from support import amqp
import plan
from journal import Publication, Run

# The time in seconds after which a call of amqp-job is terminated.
TIME_LIMIT = 60.0


class Publisher(threading.Thread):
    """If `binary` is None, pika publishes all items."""

    def __init__(self, broker, url, slot, binary, stages, options, log):
        super().__init__(daemon=True)
        self.client, self.url, self.slot, self.binary = amqp.Client(broker.url), url, slot, binary
        self.stages, self.seed = stages, options.seed
        self.count, self.seconds = options.items, options.seconds
        self.random = plan.generator(self.seed, "publisher")
        self.log = log
        self.publications = []
        self.runs = []

    @property
    def confirmed_count(self):
        return sum(publication.is_confirmed for publication in self.publications)

    def run(self):
        start, number = time.monotonic(), 0
        while (confirmed := self.confirmed_count) < self.count:
            due = start + self.seconds * confirmed / self.count
            time.sleep(max(0.0, due - time.monotonic()))
            # An item whose confirmation was lost may be in the queue or not. Another item is published instead of it.
            stage = self.random.choice(self.stages)
            left = self.count - confirmed
            several = self.random.randint(2, 12) if self.binary and self.random.random() < 0.2 else 1
            items = [plan.item(self.seed, number + each) for each in range(min(several, left))]
            number += len(items)
            if several > 1:
                self._publish(items, stage)
            else:
                self._publish_one(items[0], stage)
        self.client.close()

    def _publish_one(self, item, stage):
        body, properties = item.body(), pika.BasicProperties(delivery_mode=2, message_id=item.id)
        with stage.lock:
            channel = self._channel()
            start, is_confirmed = time.monotonic(), False
            try:
                channel.basic_publish("", stage.queue, body, properties, mandatory=True)
                is_confirmed = True
            except (pika.exceptions.AMQPError, OSError):
                pass
            self.publications.append(Publication(item.id, stage.queue, start, time.monotonic(), is_confirmed))

    def _channel(self):
        while True:
            try:
                return self.client.channel
            except (pika.exceptions.AMQPError, OSError):
                time.sleep(0.1)

    def _publish(self, items, stage):
        lines = "".join(
            json.dumps({"body_base64": base64.b64encode(item.body()).decode(), "properties": {"message_id": item.id}}) + "\n"
            for item in items
        )
        words = [self.binary, "publish", "-q", stage.queue, "--jsonl", "-v"]
        start = time.monotonic()
        process = subprocess.Popen(
            [*words, "--connect-timeout", "20s", "--heartbeat", "2s"], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL, text=True, env={"LANG": "C.UTF-8", "AMQP_URL": self.url})
        try:
            _, said = process.communicate(lines, TIME_LIMIT)
        except subprocess.TimeoutExpired:
            process.terminate()
            _, said = process.communicate()
        end = time.monotonic()
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"-- {start:.3f} to {end:.3f} status {process.returncode}\n{said}")
        count = in_queue(process.returncode, said, len(items))
        # This run takes no items.
        self.runs.append(Run(f"p.{len(self.runs)}", self.slot, 0, start, end, process.returncode, queue=stage.queue))
        for number, item in enumerate(items):
            self.publications.append(
                Publication(item.id, stage.queue, start, end, number < count, self.slot, is_repeatable=True))


def in_queue(status, said, count):
    """Returns how many items, counted from the first, are certain to be in the queue."""
    if status == 0:
        return count
    found = re.findall(r"--skip (\d+)", said)
    return int(found[-1]) if found else 0
