"""Candidates of an election, and the witness that knows who led when."""

import collections
import struct

from support.amqp import Queue
from support.processes import HERE, PATIENCE, PYTHON, is_alive, wait_until

Run = collections.namedtuple("Run", "epoch pid start end")  # `end` is when it was last seen alive.


class Witness:
    """Knows when the commands of leaders ran. They record that themselves."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()

    def command(self, *steps):
        return [PYTHON, "-IS", str(HERE / "witness.py"), str(self.directory), *steps]

    @property
    def runs(self):
        """In the order of their starts."""
        found = []
        for path in self.directory.iterdir():
            data = path.read_bytes()
            if len(data) == 16:
                epoch, pid = map(int, path.name.split("-"))
                found.append(Run(epoch, pid, *struct.unpack("dd", data)))
        return sorted(found, key=lambda run: run.start)

    def wait_for(self, count, timeout=PATIENCE):
        """Waits for this many commands, and returns the latest."""
        wait_until(lambda: len(self.runs) >= count, timeout, f"the command of leader number {count}")
        return self.runs[-1]

    def violations(self):
        """What must never be."""
        found, runs = [], self.runs
        for former, latter in zip(runs, runs[1:]):
            if latter.start < max(run.end for run in runs if run.start < latter.start):
                found.append(f"epoch {latter.epoch} began {former.end - latter.start:.3f} s before epoch {former.epoch} ended")
            if latter.epoch <= former.epoch:
                found.append(f"epoch {latter.epoch} after {former.epoch}")
        return found


class Election:
    """The candidates of one election."""

    def __init__(self, bench, lease=6):
        self.bench, self.lease = bench, lease
        self.name = f"{bench.marker}-lead"
        self.queue = Queue(bench.client, self.name + ".election", "quorum")
        bench.queues.append(self.queue)
        self.witness = Witness(bench.path("witness"))
        self.candidates = {}

    def start(self, name, *options, steps=(), worker=True, **more):
        """Starts a candidate, whose command is the witness."""
        command = self.witness.command(*steps) if worker is True else worker
        self.candidates[name] = self.bench.start(
            "--election", self.name, "--name", name, "--lease", f"{self.lease}s", "-v", *options, command="lead",
            worker=command, **more)
        return self.candidates[name]

    def start_leader(self, name, *options, **more):
        """Starts the first candidate, and waits until its command runs."""
        count = len(self.witness.runs)
        candidate = self.start(name, *options, **more)
        self.witness.wait_for(count + 1)
        return candidate

    def start_standby(self, name, leader, *options, **more):
        """Starts another candidate, and waits until it knows who leads."""
        candidate = self.start(name, *options, **more)
        wait_until(lambda: f"'{leader}' leads" in candidate.stderr, what="a standby that knows the leader")
        return candidate

    def wait_for_joined(self, count):
        """Waits until each candidate has joined this many times, over as many connections."""
        for name, candidate in self.candidates.items():
            wait_until(lambda: candidate.stderr.count(f"candidate '{name}' for") >= count, what=f"'{name}' in the election")  # noqa: B023

    def wait_for_leader(self):
        return wait_until(lambda: next((run for run in self.runs_alive()), None), what="a leader")

    def runs_alive(self):
        return [run for run in self.witness.runs if alive(run)]

    def end(self):
        """Ends all candidates. Nothing of them may be left, and the witness must not have seen anything wrong."""
        for candidate in self.candidates.values():
            candidate.send(15)
        for candidate in self.candidates.values():
            candidate.finish()
        self.bench.assert_nothing_left()
        assert self.witness.violations() == []


def alive(run):
    return is_alive(run.pid)


