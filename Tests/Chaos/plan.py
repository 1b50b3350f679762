"""What the seed decides: the items, which fault comes when and on whom, and how each runner is started."""

import dataclasses
import itertools
import random
import zlib

RUNNER_KILLED = "runner killed"
RUNNER_TERMINATED = "runner terminated"
WORKER_KILLED = "worker killed"
WORKER_TERMINATED = "worker terminated"
STALLED = "connection stalled"
RESET = "connection reset"
HALF_OPEN = "connection half-open"
CLOSED = "connection closed by the broker"
ALL_CLOSED = "all connections closed by the broker"
BROKER_STOPPED = "broker stopped and continued"
BROKER_KILLED = "broker killed and started"
ALARM = "broker short of memory"
NO_CONFIGURE = "configure permission taken away"
NO_WRITE = "write permission taken away"
DELETED = "queue deleted and declared"
SPOOL_GONE = "spool directory gone"
SPOOL_FULL = "spool directory full"
NO_PROCESSES = "no processes for runners"
NO_DESCRIPTORS = "no descriptors for runners"

# Three series go on side by side, each through its list in an order of its own, over and over; the first time through
# what there is in it, so that every kind comes soon.
SINGLE = [RUNNER_KILLED, RUNNER_TERMINATED, WORKER_KILLED, WORKER_TERMINATED, STALLED, RESET, HALF_OPEN]
SINGLE_PAUSE = 0.1, 0.7
BROKERS = [
    CLOSED, CLOSED, CLOSED, ALL_CLOSED, BROKER_STOPPED, BROKER_STOPPED, BROKER_KILLED, ALARM, NO_CONFIGURE, NO_WRITE,
    DELETED,
]
BROKERS_PAUSE = 0.3, 1.5
HOSTS = [SPOOL_GONE, SPOOL_FULL, NO_PROCESSES, NO_DESCRIPTORS]
HOSTS_PAUSE = 1.0, 6.0
SERIES = [(SINGLE, SINGLE_PAUSE), (BROKERS, BROKERS_PAUSE), (HOSTS, HOSTS_PAUSE)]
KINDS = list(dict.fromkeys(SINGLE + BROKERS + HOSTS))

# A silence either costs a heartbeat of two seconds nothing, or the connection. A host is short of something for long: for
# more attempts than an item has.
SHORT, LONG = (0.2, 1.0), (5.0, 8.0)


@dataclasses.dataclass(frozen=True)
class Step:
    """A fault to come: after that pause, on whom (0 to 1 of those there are), and for how long where it lasts."""

    kind: str
    pause: float
    whom: float
    seconds: float


def steps(seed, kinds, pause):
    chance = random.Random(f"{seed} {kinds}")
    for several in itertools.chain([list(dict.fromkeys(kinds))], itertools.repeat(kinds)):
        for kind in chance.sample(several, len(several)):
            seconds = chance.uniform(*chance.choice([LONG] if kind in HOSTS else [SHORT, LONG]))
            yield Step(kind, chance.uniform(*pause), chance.random(), seconds)


def chance(seed, *what):
    """Random numbers of its own for each purpose."""
    return random.Random(" ".join(map(str, (seed, *what))))


@dataclasses.dataclass(frozen=True)
class Item:
    """Its id tells the worker what to do: `17.120.slowly.1.finishes.nothing`."""

    number: int | str
    milliseconds: int
    reading: str
    failures: int
    on_term: str
    remains: str
    size: int

    @property
    def id(self):
        words = self.number, self.milliseconds, self.reading, self.failures, self.on_term, self.remains
        return ".".join(map(str, words))

    def body(self):
        rest = random.Random(self.id).randbytes(self.size)
        return f"{self.id} {len(rest)} {zlib.crc32(rest)}\n".encode() + rest


def item(seed, number):
    chance = random.Random(f"{seed} item {number}")
    return Item(
        number,
        milliseconds=chance.randint(10, 300),
        reading=chance.choices(["whole", "slowly", "nothing"], [6, 2, 2])[0],
        # The last one is more than a delivery limit of 20 allows, and than the attempts of a declared queue.
        failures=chance.choices([0, 1, 2, 3, 24], [186, 8, 2, 2, 1])[0],
        on_term=chance.choice(["dies", "finishes"]),
        remains=chance.choices(["nothing", "child"], [95, 5])[0],
        # The largest ones are never kept in memory.
        size=chance.randint(*chance.choices([(0, 4000), (60_000, 300_000), (1_100_000, 1_300_000)], [84, 12, 4])[0]),
    )


def simple(number, failures=0):
    """One that takes a moment."""
    return Item(number, milliseconds=50, reading="whole", failures=failures, on_term="dies", remains="nothing", size=10)
