"""The query of `manifest scaledobject --scale-by work`, as a real Prometheus answers it that reads a real broker and real
runners, with arrivals below, at and above what the runners can do.

This takes minutes, so it runs only if SCALING_SECONDS says how long after each change the answer has to be right: 60."""

import math
import os
import random
import signal
import threading
import time

import pytest

from support.amqp import Client
from support.processes import wait_until
from support.prometheus import Prometheus
from support.replicas import free_port
from test_work_scaling import query

SECONDS = int(os.environ.get("SCALING_SECONDS", "0"))
RUNNERS = 10  # with a worker each, which takes a second
RATES = [4, 10, 14, 4]  # items per second
TOLERANCE = 0.2


class Publisher:
    """Publishes at a rate that may be changed, and at uneven intervals as most users do. With even ones there would hardly ever
    be more items than busy workers, and the limit of one worker for each item would take away the reserve of 10 %."""

    def __init__(self, url, queue):
        self.rate, self.ending = 0, threading.Event()
        self._random = random.Random(1)
        self._queue, self._client = queue, Client(url)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self.ending.is_set():
            before = time.monotonic()
            if self.rate:
                self._client.channel.basic_publish("", self._queue.name, b"1")
            pause = self._random.uniform(0.5, 1.5) / self.rate if self.rate else 0.1
            self.ending.wait(max(0, pause - (time.monotonic() - before)))

    def end(self):
        self.ending.set()
        self._thread.join()
        self._client.close()


def mean_service_time(logs):
    """That of the runners' job logs."""
    rows = [line.split("\t") for log in logs if log.exists() for line in log.read_text().splitlines()[1:]]
    return sum(float(row[3]) for row in rows) / len(rows)


def start_runners(bench, queue):
    """Returns them, the addresses of their metrics, and their job logs."""
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(RUNNERS)]
    logs = [bench.path(f"jobs-{number}") for number in range(RUNNERS)]
    runners = [
        bench.start("-q", queue.name, "--forever", "--metrics", address, "--joblog", str(log), worker=["sleep", "1"])
        for address, log in zip(addresses, logs)]
    return runners, addresses, logs


@pytest.mark.skipif(not SECONDS, reason="SCALING_SECONDS is not set")
@pytest.mark.limit(SECONDS * (len(RATES) + 2) + 300)
def test_the_answer_follows_the_arrivals(spare, figures):
    queue = spare.queue("quorum")
    runners, addresses, logs = start_runners(spare, queue)
    expression = query(spare, "--rate-window", "45s", queue=queue.name)
    publisher = Publisher(spare.broker.url, queue)
    spare.closers.append(publisher.end)
    with spare.broker.metrics() as port:
        targets = {address: (address, {}) for address in addresses}
        targets["broker"] = f"127.0.0.1:{port}", {"metrics_path": "/metrics/per-object"}
        with Prometheus(spare.path("prometheus"), targets, spare.file("rules", "groups: []\n")) as prometheus:
            wait_until(lambda: prometheus.up() == dict.fromkeys(targets, "up"), what="all of them up")

            def answer():
                return [value for _, value in prometheus.query(expression)]

            wrong = []
            for rate in RATES:
                publisher.rate = rate
                time.sleep(SECONDS)
                (pods,), wanted = answer(), (rate / 0.9 + queue.depth() / 300) * mean_service_time(logs)
                figures.append(f"{SECONDS} s at {rate} items a second: {pods:.0f} pods, {wanted:.2f} by the formula")
                if abs(pods - math.ceil(wanted)) > TOLERANCE * wanted:
                    wrong.append(figures[-1])
            assert wrong == []

            publisher.rate = 0
            wait_until(lambda: answer() == [0], 150, "an answer of no pods")
    for runner in runners:
        runner.send(signal.SIGTERM)
    assert {runner.finish().status for runner in runners} == {0}
