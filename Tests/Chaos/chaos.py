"""A bounded, seeded fault run: chaos.py BINARY BROKER-NAME [OPTION...]; scripts/chaos sets it up.

Loops of runners work a queue down while items come and faults go on. When the faults are over, all has to come to rest.
What is printed is judged by the rules in verdict.py. Exit status 0: nothing was found that must not happen.
"""

import argparse
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "EndToEnd"))

import amqp  # noqa: E402
import processes  # noqa: E402
import report  # noqa: E402
import runners  # noqa: E402
import verdict  # noqa: E402
from faults import Broker, Faults  # noqa: E402
from journal import Journal  # noqa: E402
from proxy import Ways  # noqa: E402
from publisher import Publisher  # noqa: E402

WORKER = pathlib.Path(__file__).resolve().parent / "worker.py"
QUEUE = "fault-run"
# Nothing has been heard of any worker for so long: then whatever still runs hangs. (amqp-consume waits for ever.)
QUIET = {"amqp-job": 45.0, "amqp-consume": 10.0}
# The longest that the rest of the work may take after the faults. (amqp-consume may never be done with an item.)
REST = {"amqp-job": 240.0, "amqp-consume": 30.0}


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/chaos", description="A bounded, seeded fault run.", allow_abbrev=False)
    parser.add_argument("binary", help=argparse.SUPPRESS)
    parser.add_argument("broker", help=argparse.SUPPRESS)
    parser.add_argument("--items", type=int, default=300, metavar="N", help="how many items (300)")
    parser.add_argument("--runners", type=int, default=6, metavar="R", help="how many loops of runners (6)")
    parser.add_argument("--seconds", type=float, default=60, metavar="T", help="how long items and faults come (60)")
    parser.add_argument("--seed", default=None, metavar="S", help="decides what happens when, and to whom")
    parser.add_argument("--consumer", choices=["amqp-job", "amqp-consume"], default="amqp-job")
    parser.add_argument("--queue", choices=["quorum", "classic"], default="quorum")
    parser.add_argument("--rabbitmq", metavar="V", help="the broker's, as scripts/broker start takes it")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIRECTORY", help="keep journal and logs there")
    found = parser.parse_args()
    if found.items < 1 or found.runners < 1 or found.seconds <= 0:
        parser.error("--items, --runners and --seconds are more than 0")
    found.seed = found.seed or uuid.uuid4().hex[:8]
    return found


class Chaos:
    """One run."""

    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.marker = directory.name
        self.broker = Broker(options.broker)
        self.client = amqp.Client(self.broker.url)
        self.journal = Journal(directory / "journal")
        (directory / "claims").mkdir()
        self.worker = self.make_worker()
        self.declare()
        self.ways = Ways(self.broker.address, options.runners)
        self.loops = [self.loop(slot) for slot in range(options.runners)]
        self.faults = Faults(options.seed, self.broker, self.ways, self.loops, self.journal)
        self.publisher = Publisher(self.broker.url, QUEUE, options.seed, options.items, options.seconds)
        self.hung = []

    @property
    def is_ours(self):
        return self.options.consumer == "amqp-job"

    def declare(self):
        if self.is_ours:
            words = [self.options.binary, "declare", "--url", self.broker.url, "--quiet", "--type", self.options.queue]
            subprocess.run([*words, QUEUE], check=True)
        else:
            arguments = {"x-queue-type": self.options.queue}
            self.client.channel.queue_declare(QUEUE, durable=True, arguments=arguments)
        self.client.close()

    def loop(self, slot):
        url = self.ways.ways[slot].url
        command, limit = (
            runners.amqp_job(self.options.binary, QUEUE, slot) if self.is_ours else runners.amqp_consume(url, QUEUE)
        )
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", runners.MARKER: self.marker, "BROKER_URL": url,
        }
        return runners.Loop(
            slot, [*command, str(self.worker)], limit, environment, self.directory / f"runners-{slot}.log",
            self.says_drained,
        )

    def make_worker(self):
        """One word: amqp-consume would take its options for its own."""
        words = [processes.PYTHON, "-IS", WORKER, self.directory / "journal", self.directory / "claims"]
        path = self.directory / "worker"
        path.write_text("#!/bin/sh\nexec " + " ".join(shlex.quote(str(word)) for word in words) + "\n")
        path.chmod(0o755)
        return path

    def says_drained(self, run):
        return verdict.says_drained(run, [turn for turn in self.journal.read() if turn.run == run.name])

    def go(self):
        """Everything up to the rest."""
        start = time.monotonic()
        for thread in (*self.loops, self.publisher, self.faults):
            thread.start()
        time.sleep(self.options.seconds)
        self.faults.finish()
        self.publisher.join()
        for loop in self.loops:
            loop.is_all_published = True
        self.come_to_rest(time.monotonic())
        return time.monotonic() - start

    def come_to_rest(self, since):
        quiet, rest = QUIET[self.options.consumer], REST[self.options.consumer]
        while alive := [loop for loop in self.loops if loop.is_alive()]:
            time.sleep(0.1)
            self.journal.read()
            now = time.monotonic()
            latest = max(since, self.journal.latest)
            if now - since > rest or all(now - max(latest, loop.runs[-1].start) > quiet for loop in alive):
                break
        hung = [loop for loop in self.loops if loop.is_alive()]
        self.hung = [loop.runs[-1] for loop in hung]
        self.end_loops()
        for loop in hung:
            print(f"\nthe last lines of loop {loop.slot}:", *loop.last_lines(), sep="\n", file=sys.stderr)

    def end_loops(self):
        for loop in self.loops:
            loop.is_over = True
        for loop in self.loops:
            if loop.ident is not None:
                while loop.is_alive():
                    loop.send(signal.SIGKILL)
                    loop.join(0.1)

    def remaining(self):
        """Processes of workers, and what they started, that are still there."""
        try:
            processes.wait_until(lambda: not processes.processes_with(self.marker), processes.PROMPT)
            return []
        except AssertionError:
            found = processes.processes_with(self.marker)
            lines = [f"{pid} " + processes.read_proc(pid, "cmdline").replace(b"\0", b" ").decode() for pid in found]
            for pid in found:
                os.kill(pid, signal.SIGKILL)
            return lines

    def take_all(self, queue):
        """The ids of what is in it. A queue that has just lost its consumers may not show all at once."""
        found, empty_looks = [], 0
        while empty_looks < 3:
            method, properties, _ = self.client.channel.basic_get(queue, auto_ack=True)
            if method is None:
                empty_looks += 1
                time.sleep(0.5)
            else:
                found.append(properties.message_id)
        return found

    def record(self):
        self.ways.close()
        is_retrying = self.is_ours
        left = self.take_all(QUEUE) + (self.take_all(QUEUE + ".retry") if is_retrying else [])
        return verdict.Record(
            published=self.publisher.confirmed, uncertain=self.publisher.uncertain,
            runs=[run for loop in self.loops for run in loop.runs], turns=self.journal.read(), faults=self.faults.done,
            left=left, hung=self.hung, dead=self.take_all(QUEUE + ".dead") if is_retrying else [],
            copies=is_retrying, recounts=is_retrying and self.options.queue == "classic",
        )

    def close(self):
        self.faults.over.set()
        self.end_loops()
        self.remaining()
        self.client.close()


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    directory = pathlib.Path(tempfile.mkdtemp(prefix="fault-run-"))
    try:
        chaos = Chaos(options, directory)
        try:
            seconds = chaos.go()
            remaining = chaos.remaining()
            record = chaos.record()
            version = ".".join(map(str, chaos.broker.version))
            (directory / "faults").write_text("".join(f"{fault}\n" for fault in record.faults))
        finally:
            chaos.close()
        sys.exit(report.Report(options, record, remaining, version, seconds).show())
    finally:
        if options.keep:
            shutil.copytree(directory, options.keep, dirs_exist_ok=True)
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
