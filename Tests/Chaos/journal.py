"""The events of a fault run, and the journal that the workers write. All times are seconds of the monotonic clock."""

import collections
import dataclasses
import threading


@dataclasses.dataclass
class Run:
    """A process of amqp-job run, or of amqp-job publish."""

    name: str
    slot: int
    limit: int | None  # the maximum number of items; None means no limit
    start: float
    end: float | None = None
    status: int | None = None  # a negative number means the signal that killed it
    parallelism: int = 1  # the maximum number of items at a time
    queue: str = ""
    expected: frozenset = frozenset()  # the exit statuses that need no explanation
    batch: int = 1  # the maximum number of items of a worker


@dataclasses.dataclass
class Turn:
    """The work of one worker on one item."""

    item: str
    run: str
    pid: int
    start: float
    end: float | None = None
    outcome: str | None = None  # "done", "failed" or "damaged"; None if the worker was killed before


@dataclasses.dataclass
class Publication:
    """The publication of one item."""

    item: str
    queue: str
    start: float
    end: float
    is_confirmed: bool
    slot: int | None = None  # the proxy that it went through; None means no proxy
    is_repeatable: bool = False  # whether the publisher sends it again after a lost connection


@dataclasses.dataclass
class Fault:
    kind: str
    start: float
    end: float
    slot: int | None = None  # None means all slots
    run: str | None = None
    pid: int | None = None
    queue: str | None = None  # None means all queues


class Journal:
    """Reads the journal while the workers write it."""

    def __init__(self, path):
        path.touch()
        path.chmod(0o666)
        self.file = open(path, "rb")
        self.lock = threading.Lock()
        self.turns = []
        self.latest = 0.0
        self._open = collections.defaultdict(list)  # a batch may have an item twice
        self._rest = b""

    def read(self):
        """Reads new lines, and returns all turns."""
        with self.lock:
            *lines, self._rest = (self._rest + self.file.read()).split(b"\n")
            for line in lines:
                self._take(line.decode())
            return list(self.turns)

    def _take(self, line):
        time, event, run, pid, item = line.split(" ", 4)
        self.latest = max(self.latest, float(time))
        if event == "start":
            turn = Turn(item, run, int(pid), float(time))
            self._open[run, pid, item].append(turn)
            self.turns.append(turn)
        else:
            turn = self._open[run, pid, item].pop()
            turn.end, turn.outcome = float(time), event

    def going_on(self):
        """Returns the turns whose workers may still be alive."""
        return [turn for turn in self.read() if turn.end is None]

    def of(self, run):
        return [turn for turn in self.read() if turn.run == run.name]


def by_item(turns):
    grouped = collections.defaultdict(list)
    for turn in sorted(turns, key=lambda turn: turn.start):
        grouped[turn.item].append(turn)
    return grouped
