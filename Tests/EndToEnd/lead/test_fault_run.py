"""Five candidates under random faults. ELECTION_SECONDS and ELECTION_SEED make it longer, and repeat one."""

import os
import random
import signal
import time

import pytest

from support.election import Election, alive
from support.processes import PATIENCE, wait_until

SECONDS = float(os.environ.get("ELECTION_SECONDS", "40"))
SEED = int(os.environ.get("ELECTION_SEED", "0")) or random.randrange(1 << 32)


class Contest:
    """Candidates that are hit, each over a proxy of its own."""

    def __init__(self, election, seed):
        self.election, self.random = election, random.Random(seed)
        self.bench = election.bench
        self.ways, self.later, self.numbers = {}, [], iter(range(1 << 30))
        self.faults = []

    def start(self):
        name = f"pod-{next(self.numbers)}"
        self.ways[name] = self.bench.proxy()
        steps = self.random.choice([(), ("ignore:TERM",), ("ignore:TERM", "leave-group")])
        self.election.start(name, "--grace", "500ms", "--connect-timeout", "0", steps=steps, url=self.ways[name].url)

    def remove(self, name):
        candidate = self.election.candidates.pop(name)
        candidate.finish()
        self.ways.pop(name)
        self.start()

    def command_of(self, name):
        """The process of its command, if it leads."""
        pid = self.election.candidates[name].pid
        for run in self.election.runs_alive():
            with open(f"/proc/{run.pid}/stat", encoding="ascii") as file:
                if int(file.read().rpartition(")")[2].split()[1]) == pid:
                    return run.pid
        return None

    def victim(self):
        """A leader more often than another one."""
        names = sorted(self.election.candidates)
        leaders = [name for name in names if self.command_of(name)]
        return self.random.choice(leaders if leaders and self.random.random() < 0.6 else names)

    def then(self, seconds, action, *arguments):
        self.later.append((time.monotonic() + seconds, action, arguments))

    def hit(self):
        name = self.victim()
        fault = self.random.choice(["kill", "terminate", "stop", "stop both", "kill command", "cut", "freeze", "cut all"])
        self.faults.append(f"{time.monotonic():.3f} {fault} {name}")
        candidate, way, command = self.election.candidates[name], self.ways[name], self.command_of(name)
        length = self.random.uniform(0, 2 * self.election.lease)
        if fault == "kill":
            candidate.send(signal.SIGKILL)
            self.remove(name)
        elif fault == "terminate":
            candidate.send(signal.SIGTERM)
            candidate.send(signal.SIGCONT)
            self.remove(name)
        elif fault in ("stop", "stop both"):
            if fault == "stop both" and command:
                os.kill(command, signal.SIGSTOP)
            candidate.send(signal.SIGSTOP)
            self.then(length, candidate.send, signal.SIGCONT)
        elif fault == "kill command" and command:
            os.kill(command, signal.SIGKILL)
            # A candidate whose lease was running out would stand by.
            candidate.send(signal.SIGTERM)
            candidate.send(signal.SIGCONT)
            self.remove(name)
        elif fault == "cut":
            way.cut()
        elif fault == "freeze":
            way.freeze()
            self.then(length, way.thaw)
        elif fault == "cut all":
            for each in self.ways.values():
                each.cut()

    def run(self, seconds):
        for _ in range(5):
            self.start()
        end, next_fault = time.monotonic() + seconds, time.monotonic() + 2 * self.election.lease
        while time.monotonic() < end:
            for entry in [entry for entry in self.later if entry[0] <= time.monotonic()]:
                self.later.remove(entry)
                entry[1](*entry[2])
            if time.monotonic() >= next_fault:
                self.hit()
                next_fault = time.monotonic() + self.random.uniform(0, self.election.lease)
            time.sleep(0.01)
        for _, action, arguments in self.later:
            action(*arguments)


@pytest.mark.slow
@pytest.mark.limit(int(SECONDS + 180))
def test_no_fault_makes_two_leaders(bench, figures):
    election = Election(bench, lease=3)
    contest = Contest(election, SEED)
    contest.run(SECONDS)
    wait_until(lambda: any(alive(run) for run in election.witness.runs), timeout=PATIENCE, what="a leader after all faults")
    runs = election.witness.runs
    led = sum(run.end - run.start for run in runs)
    figures.append(f"election, seed {SEED}: {len(contest.faults)} faults, {len(runs)} leaders, one led {led / SECONDS:.0%} of the time")
    assert election.witness.violations() == [], "\n".join(contest.faults)
    assert len(runs) > 2
    election.end()
