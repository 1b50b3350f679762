"""Runs a fault run: chaos.py BINARY BROKER-NAME CERTIFICATES [OPTION...], called by scripts/chaos

Loops of runners process queues of four kinds while items are published, faults are injected, and situations try to mislead
the runners. After the faults, all work must come to an end. Then the rules in verdict.py and statuses.py are applied. The
exit status is 0 if no rule is violated.
"""

import functools
import os
import pathlib
import shlex
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "EndToEnd"))

from support import amqp  # noqa: E402
import broker as broker_module  # noqa: E402
import containers  # noqa: E402
import options  # noqa: E402
from support import processes  # noqa: E402
import report  # noqa: E402
import runners  # noqa: E402
import stages  # noqa: E402
import state  # noqa: E402
import verdict  # noqa: E402
from faults import Faults  # noqa: E402
from host import Spool  # noqa: E402
from journal import Journal  # noqa: E402
from proxy import Ways  # noqa: E402
from publisher import Publisher  # noqa: E402
from situations import Situations  # noqa: E402

WORKER = pathlib.Path(__file__).resolve().parent / "worker.py"
# All times are in seconds.
# If no worker writes to the journal for this time, the remaining runners count as hung. A runner that gets no answers ends
# earlier, see runners.CONNECT_TIMEOUT. (amqp-consume waits forever.)
QUIET = {"amqp-job": 45.0, "amqp-consume": 10.0}
# The same time while marks show that items are on their way back from a retry queue. RabbitMQ may delay such items for 3
# minutes, and a runner waits for 5.
QUIET_WITH_MARKS = 345.0
# The maximum time for the remaining work after the faults. (amqp-consume may never finish an item.)
REST = {"amqp-job": 480.0, "amqp-consume": 30.0}
# The maximum time between two situations of a kind.
SITUATION_PAUSE = 60.0


class Chaos:
    """A fault run."""

    def __init__(self, asked, directory):
        self.options, self.directory = asked, directory
        self.marker = directory.name
        directory.chmod(0o755)
        # A copy that the runners' user can read, and that a new build does not replace.
        self.binary = pathlib.Path(shutil.copy(asked.binary, directory / "amqp-job"))
        self.authority = shutil.copy(asked.certificates / "ca.pem", directory)
        self.broker = broker_module.Broker(asked.broker, asked.certificates)
        self.broker.add_users()
        self.client = amqp.Client(self.broker.url)
        self.journal = Journal(directory / "journal")
        (directory / "claims").mkdir()
        (directory / "claims").chmod(0o777)
        self.containers = containers.Containers(self.binary, directory, asked.steps, self.make_worker(), self.marker)
        self.stages = [
            stages.Stage(kind, str(self.binary), self.broker.url, asked.retry_backoff) for kind in asked.queues]
        for stage in self.stages:
            stage.declare()
        self.make_ways()
        self.spool = Spool(directory)
        self.loops = [self.loop(slot) for slot in range(asked.runners)]
        self.faults = Faults(
            asked.seed, asked.faults, self.broker, self.ways, self.loops, self.stages, self.spool, self.journal)
        self.publisher = Publisher(
            self.broker, self.url(asked.runners, broker_module.PUBLISHER), asked.runners,
            str(self.binary) if self.is_ours else None, self.stages, asked, directory / "publisher.log")
        self.situations = Situations(
            asked, self.broker, str(self.binary), self.start_runner, self.dump, SITUATION_PAUSE)
        self.hung = []

    @property
    def is_ours(self):
        return self.options.consumer == "amqp-job"

    def make_worker(self):
        """Makes the worker a single program without options, because amqp-consume would take options for its own."""
        program = shutil.copy(WORKER, self.directory / "worker.py")
        words = [processes.PYTHON, "-IS", program, self.directory / "journal", self.directory / "claims"]
        path = self.directory / "worker"
        path.write_text("#!/bin/sh\nexec " + " ".join(shlex.quote(str(word)) for word in words) + "\n")
        path.chmod(0o755)
        return path

    # Proxies and loops

    def is_tls(self, slot):
        """Whether the slot uses TLS. Half of each queue's loops do, but the publisher does not."""
        return self.is_ours and slot < self.options.runners and slot // len(self.stages) % 2 == 1

    def make_ways(self):
        targets = [
            self.broker.tls_address if self.is_tls(slot) else self.broker.address
            for slot in range(self.options.runners + 1)
        ]
        self.ways = Ways(targets)

    def url(self, slot, user):
        scheme = "amqps" if self.is_tls(slot) else "amqp"
        return f"{scheme}://{user}:{user}@{self.ways.ways[slot].address}"

    def loop(self, slot):
        stage = self.stages[slot % len(self.stages)]
        url = self.url(slot, broker_module.RUNNER)

        def command(run):
            environment = runners.environment(self.marker, run, BROKER_URL=url)
            if not self.is_ours:
                words = ["amqp-consume", "--url", url, "--heartbeat", "2", "-q", stage.queue, "-c", "1", "-p", "1"]
                return runners.MODES["one"], [*words, str(self.containers.worker)], environment
            mode, words = runners.mode(self.options.seed, run, self.options.modes)
            security = ["--tls-ca", self.authority] if self.is_tls(slot) else []
            return mode, self.words(stage.queue, *security, *stage.attempts, *words, run=run), environment

        log = self.directory / f"runners-{slot}.log"
        return runners.Loop(slot, stage.queue, command, log, self.says_drained, self.containers.start)

    def words(self, queue, *words, run=None):
        """Returns the command line of a runner. `run` is the name of one that has steps, if there are any."""
        words = ["--spool-dir", str(self.spool.path), *words]
        return [str(self.binary), "run", "-q", queue, *runners.COMMON, *self.containers.ending(words, run)]

    def start_runner(self, run, url, words):
        """Starts a runner of a situation."""
        environment = runners.environment(self.marker, run.name, BROKER_URL=url)
        return runners.Runner(run, self.words(run.queue, *words), environment, self.directory / "situations.log")

    def says_drained(self, run):
        return verdict.says_drained(run, self.journal.of(run))

    # The course of the run

    def go(self):
        """Runs everything until all work has ended. Returns the duration."""
        start = time.monotonic()
        has_situations = self.is_ours and not self.options.no_situations
        for thread in (*self.loops, self.publisher, self.faults, *([self.situations] if has_situations else [])):
            thread.start()
        time.sleep(self.options.seconds)
        self.faults.finish()
        if has_situations:
            self.situations.finish()
        self.publisher.join()
        for loop in self.loops:
            loop.is_all_published = True
        self.come_to_rest(time.monotonic())
        return time.monotonic() - start

    def come_to_rest(self, since):
        quiet, rest = QUIET[self.options.consumer], REST[self.options.consumer]
        marked = -rest  # when marks were last seen
        while alive := [loop for loop in self.loops if loop.is_alive()]:
            time.sleep(0.1)
            self.journal.read()
            now = time.monotonic()
            latest = max(since, self.journal.latest)
            silent = min(now - max(latest, loop.runs[-1].start) for loop in alive)
            if now - since > rest or silent > QUIET_WITH_MARKS:
                break
            if silent > quiet and now - marked > quiet:
                if not self.are_marks_left():
                    break
                marked = now
        hung = [loop for loop in self.loops if loop.is_alive()]
        self.hung = [loop.runs[-1] for loop in hung]
        for runner in [loop.runner for loop in hung] if self.is_ours else []:
            if runner is not None:
                self.dump(runner)
        self.end_loops()

    def are_marks_left(self):
        counts = self.broker.messages()
        return any(counts.get(stage.marks_queue) for stage in self.stages if stage.is_declared)

    def dump(self, runner):
        state.dump(runner, self.broker, self.directory / f"hung-{runner.run.name}")

    def end_loops(self):
        for loop in self.loops:
            loop.is_over = True
        for loop in self.loops:
            if loop.ident is not None:
                while loop.is_alive():
                    loop.send(signal.SIGKILL)
                    loop.join(0.1)

    def remaining(self):
        """Kills the processes of workers and their children that still exist. Returns a line for each."""
        try:
            processes.wait_until(lambda: not processes.processes_with(self.marker), processes.PROMPT)
            return []
        except AssertionError:
            found = processes.processes_with(self.marker)
            lines = [f"{pid} " + processes.read_proc(pid, "cmdline").replace(b"\0", b" ").decode() for pid in found]
            for pid in found:
                os.kill(pid, signal.SIGKILL)
            return lines

    # What is left

    def take_all(self, queue):
        """Removes all items from a queue, and returns their ids. A queue that has just lost its consumers may seem to be empty
        for a moment."""
        found, empty_gets = [], 0
        while empty_gets < 3:
            method, properties, _ = self.client.channel.basic_get(queue, auto_ack=True)
            if method is None:
                empty_gets += 1
                time.sleep(0.2)
            else:
                found.append(properties.message_id)
        return found

    def take_of_situations(self):
        """Removes all items from the queues of situations, and returns their ids. An item that the broker counts but cannot
        deliver yet is included."""
        existing = self.broker.messages()
        kept, owner_dead = [], []
        for place in self.situations.places:
            items = [each.item for each in self.situations.publications if each.queue == place.queue and each.is_confirmed]
            if place.keeps:
                kept += items
                continue
            queues = [queue for queue in place.collects if queue in existing]
            before = sum(existing[queue] for queue in queues)
            taken = {queue: self.take_all(queue) for queue in queues}
            owner_dead += taken.pop(place.owner_dead, [])
            found = [item for each in taken.values() for item in each]
            done = {turn.item for turn in self.journal.read() if turn.outcome == "done"}
            missing = [item for item in items if item not in done and item not in found and item not in owner_dead]
            kept += found + missing[:max(0, before - len(found))]
        return kept, owner_dead

    def record(self):
        self.ways.close()
        left = [item for stage in self.stages for queue in stage.queues for item in self.take_all(queue)]
        dead = [item for stage in self.stages if stage.is_declared for item in self.take_all(stage.dead_queue)]
        kept, owner_dead = self.take_of_situations()
        time.sleep(2)  # the broker counts once a second
        counts = self.broker.messages()
        own = [queue for stage in self.stages for queue in (*stage.queues, stage.dead_queue)]
        situations = self.situations
        return verdict.Record(
            publications=self.publisher.publications + situations.publications,
            runs=[run for loop in self.loops for run in loop.runs] + situations.runs + self.publisher.runs,
            turns=self.journal.read(), faults=self.faults.done, left=left, dead=dead, owner_dead=owner_dead, kept=kept,
            limits=situations.limits, unseen=[f"{queue}: {counts[queue]}" for queue in own if counts.get(queue)],
            hung=self.hung + situations.hung,
            declared={stage.queue for stage in self.stages if stage.is_declared},
            recounts={stage.queue for stage in self.stages if stage.is_declared and stage.is_classic},
        )

    def close(self):
        self.faults.over.set()
        self.situations.over.set()
        self.end_loops()
        self.remaining()
        self.client.close()
        self.spool.close()


def main():
    asked = options.parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    directory = pathlib.Path(tempfile.mkdtemp(prefix="fault-run-"))
    try:
        chaos = Chaos(asked, directory)
        try:
            seconds = chaos.go()
            remaining = chaos.remaining()
            record = chaos.record()
            version = ".".join(map(str, chaos.broker.version))
            (directory / "faults").write_text("".join(f"{fault}\n" for fault in record.faults))
        finally:
            chaos.close()
        sys.exit(report.Report(
            asked, record, chaos.situations.counts, remaining, version, seconds, functools.partial(runners.said, directory),
            [line for loop in chaos.loops for line in loop.complaints]).show())
    finally:
        (directory / "amqp-job").unlink(missing_ok=True)
        if asked.keep:
            shutil.copytree(directory, asked.keep, dirs_exist_ok=True, ignore=shutil.ignore_patterns("sockets"))
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
