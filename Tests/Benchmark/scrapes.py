"""Measures what it costs a runner to be asked for its metrics often."""

import contextlib
import http.client
import pathlib
import re
import socket
import subprocess
import threading
import time

from measure import ratio, seconds, side_by_side

KINDS = ("classic", "quorum")
HEAD = ("`amqp-job run --metrics` under 100 scrapes a second", *(f"{kind} queue" for kind in KINDS))
LABELS = (
    "processor time of an idle runner, as a share of a core",
    "time per item, as a ratio to a runner that nobody scrapes",
)
NOTE = "The worker is `cat`, the item 20 bytes. The client keeps its connection, as Prometheus does."
RATE = 100
ITEMS, ROUNDS, IDLE_SECONDS = 1000, 5, 10


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def scraped(port):
    """Asks for the metrics at the port, as soon as somebody answers there, until the end."""
    ended = threading.Event()

    def scrape():
        connection, due = http.client.HTTPConnection("127.0.0.1", port, timeout=30), time.monotonic()
        while not ended.is_set():
            try:
                connection.request("GET", "/metrics", headers={"Accept": "application/openmetrics-text"})
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                connection.close()  # It has not begun to listen, or has ended.
            due += 1 / RATE
            ended.wait(max(0, due - time.monotonic()))

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def work(setup, kind, count, scrapes):
    """Returns a function that processes items, and returns the seconds that each took."""
    def run():
        port = free_port()
        with setup.queue(kind) as queue, setup.lines(20, count).open() as lines:
            setup.call(setup.binary, "publish", "-q", queue, stdin=lines)
            words = [setup.binary, "run", "-q", queue, "-n", str(count), "--metrics", f"127.0.0.1:{port}", "--", "cat"]
            with scraped(port) if scrapes else contextlib.nullcontext():
                return seconds(words, setup.environment) / count
    return run


def processor_seconds(pid):
    """The time of all threads. Ticks would not do for a program that runs for a moment at a time."""
    threads = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def idle_share(setup, kind):
    """The share of a core that a runner uses which has done one item, and has no other."""
    port = free_port()
    with setup.queue(kind) as queue:
        setup.call(setup.binary, "publish", "-q", queue, "body")
        runner = subprocess.Popen(
            [setup.binary, "run", "-q", queue, "--forever", "--metrics", f"127.0.0.1:{port}", "--", "true"],
            env=setup.environment, stderr=subprocess.DEVNULL)
        try:
            wait_for_item(port)
            with scraped(port):
                first, start = processor_seconds(runner.pid), time.monotonic()
                time.sleep(setup.count(IDLE_SECONDS))  # The figure is an average over this time.
                return (processor_seconds(runner.pid) - first) / (time.monotonic() - start)
        finally:
            runner.terminate()
            runner.wait()


def wait_for_item(port):
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/metrics")
            if re.search(rb'settlement="acked"\} 1', connection.getresponse().read()):
                return
        except OSError:
            pass  # It has not begun to listen.
        time.sleep(0.01)


def measure(setup):
    columns = []
    for kind in KINDS:
        count = setup.count(ITEMS)
        scraped_times, times = side_by_side(
            setup.count(ROUNDS), work(setup, kind, count, True), work(setup, kind, count, False))
        columns.append((f"{idle_share(setup, kind):.1%}", ratio(scraped_times, times)))
    return list(zip(*columns))
