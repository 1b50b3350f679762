"""What happened, as the rules look at it, and the journal that the workers write. Times are of the monotonic clock."""

import collections
import dataclasses
import threading


@dataclasses.dataclass
class Run:
    """A process of the runner."""

    name: str
    slot: int
    limit: int | None  # how many items it may take
    start: float
    end: float | None = None
    status: int | None = None  # negative: the signal that it died of
    parallelism: int = 1
    queue: str = ""
    expected: frozenset = frozenset()  # statuses that need no fault to explain them


@dataclasses.dataclass
class Turn:
    """A worker on an item."""

    item: str
    run: str
    pid: int
    start: float
    end: float | None = None
    outcome: str | None = None  # "done", "failed" or "damaged"; None where it was ended before


@dataclasses.dataclass
class Publication:
    """A publisher's sending of one item."""

    item: str
    queue: str
    start: float
    end: float
    is_confirmed: bool
    slot: int | None = None  # the way that it took; None: straight to the broker
    is_repeatable: bool = False  # the publisher sends it again where a connection is lost


@dataclasses.dataclass
class Fault:
    kind: str
    start: float
    end: float
    slot: int | None = None  # None: all of them
    run: str | None = None
    pid: int | None = None
    queue: str | None = None  # None: all of them


class Journal:
    """Follows the file."""

    def __init__(self, path):
        path.touch()
        path.chmod(0o666)
        self.file = open(path, "rb")
        self.lock = threading.Lock()
        self.turns = []
        self.latest = 0.0
        self._open = {}
        self._rest = b""

    def read(self):
        """What there is by now, as a list of all turns."""
        with self.lock:
            *lines, self._rest = (self._rest + self.file.read()).split(b"\n")
            for line in lines:
                self._take(line.decode())
            return list(self.turns)

    def _take(self, line):
        time, event, run, pid, item = line.split(" ", 4)
        self.latest = max(self.latest, float(time))
        if event == "start":
            turn = self._open[run, pid] = Turn(item, run, int(pid), float(time))
            self.turns.append(turn)
        else:
            turn = self._open.pop((run, pid))
            turn.end, turn.outcome = float(time), event

    def going_on(self):
        """The turns whose worker may still be alive."""
        return [turn for turn in self.read() if turn.end is None]

    def of(self, run):
        return [turn for turn in self.read() if turn.run == run.name]


def by_item(turns):
    grouped = collections.defaultdict(list)
    for turn in sorted(turns, key=lambda turn: turn.start):
        grouped[turn.item].append(turn)
    return grouped
