"""Five candidates under random faults."""

import os
import random
import signal
import time

from support.election import alive
from support.processes import PATIENCE, wait_until
from support.tcp_proxy import Proxy

CANDIDATES = 5


class Contest:
    """Candidates that are hit, each over proxies of its own, one for each node. `pause` is the mean time between faults."""

    faults = ("kill", "terminate", "stop", "stop both", "kill command", "cut", "freeze", "cut all")

    def __init__(self, election, seed, pause=None):
        self.election, self.random = election, random.Random(seed)
        self.bench, self.pause = election.bench, pause or election.lease / 2
        self.ways, self.later, self.numbers = {}, [], iter(range(1 << 30))
        self.record = []

    def addresses(self):
        """Those of the broker's nodes, in the order in which a candidate tries them."""
        return [self.bench.broker.address]

    def start(self):
        name = f"pod-{next(self.numbers)}"
        self.ways[name] = ways = [Proxy(address) for address in self.addresses()]
        self.bench.closers += [way.close for way in ways]
        steps = self.random.choice([(), ("ignore:TERM",), ("ignore:TERM", "leave-group")])
        self.election.start(
            name, "--grace", "500ms", "--connect-timeout", "0", steps=steps, url=",".join(way.url for way in ways))

    def remove(self, name):
        candidate = self.election.candidates.pop(name)
        candidate.finish()
        for way in self.ways.pop(name):
            way.close()
        self.start()

    def command_of(self, name):
        """The process of its command, if it leads."""
        pid = self.election.candidates[name].pid
        for run in self.election.runs_alive():
            try:
                with open(f"/proc/{run.pid}/stat", encoding="ascii") as file:
                    if int(file.read().rpartition(")")[2].split()[1]) == pid:
                        return run.pid
            except OSError:  # It has ended meanwhile.
                pass
        return None

    def victim(self):
        """A leader more often than another one."""
        names = sorted(self.election.candidates)
        leaders = [name for name in names if self.command_of(name)]
        return self.random.choice(leaders if leaders and self.random.random() < 0.6 else names)

    def then(self, seconds, action, *arguments):
        self.later.append((time.monotonic() + seconds, action, arguments))

    def hit(self):
        name, fault = self.victim(), self.random.choice(self.faults)
        self.record.append(f"{time.monotonic():.3f} {fault} {name}")
        self.do(fault, name, self.random.uniform(0, 2 * self.election.lease))

    def do(self, fault, name, length):
        candidate, ways, command = self.election.candidates[name], self.ways[name], self.command_of(name)
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
            for way in ways:
                way.cut()
        elif fault == "freeze":
            for way in ways:
                way.freeze()
                self.then(length, way.thaw)
        elif fault == "cut all":
            for way in sum(self.ways.values(), []):
                way.cut()

    def run(self, seconds):
        """Returns the share of the time in which one led, from the first leader on."""
        for _ in range(CANDIDATES):
            self.start()
        start = self.election.witness.wait_for(1).start
        end, next_fault = start + seconds, start + self.random.uniform(0, 2 * self.pause)
        while time.monotonic() < end:
            for entry in [entry for entry in self.later if entry[0] <= time.monotonic()]:
                self.later.remove(entry)
                entry[1](*entry[2])
            if time.monotonic() >= next_fault:
                self.hit()
                next_fault = time.monotonic() + self.random.uniform(0, 2 * self.pause)
            time.sleep(0.01)
        end = time.monotonic()
        led = sum(min(run.end, end) - run.start for run in self.election.witness.runs)
        for _, action, arguments in self.later:
            action(*arguments)
        wait_until(
            lambda: any(alive(run) for run in self.election.witness.runs), timeout=2 * PATIENCE,
            what="a leader after all faults")
        return led / (end - start)


class ClusterContest(Contest):
    """On a cluster, in which one node at a time is killed or parted from the others."""

    faults = (*Contest.faults, "kill node", "kill leader's node", "part node", "part leader's node")

    def __init__(self, election, seed, cluster, pause=None):
        super().__init__(election, seed, pause)
        self.cluster, self.is_whole = cluster, True

    def addresses(self):
        found = [node.address for node in self.cluster.nodes]
        self.random.shuffle(found)
        return found

    def do(self, fault, name, length):
        verb, _, node = fault.rpartition(" ")
        if node != "node":
            super().do(fault, name, length)
        elif self.is_whole:
            self.is_whole = False
            node = self.cluster.queue_leader(self.election.queue.name) if "leader" in fault else self.random.choice(self.cluster.nodes)
            if verb.startswith("kill"):
                node.kill()
                self.then(length, self.mend, node.start)
            else:
                self.cluster.part(node)
                self.then(length, self.mend, self.cluster.join, node)

    def mend(self, action, *arguments):
        action(*arguments)
        self.is_whole = True
