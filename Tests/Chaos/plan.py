"""Everything that the seed decides: the items, the kinds, times and targets of faults, and the options of each runner."""

import dataclasses
import itertools
import random
import zlib

RUNNER_KILLED = "runner killed"
RUNNER_TERMINATED = "runner terminated"
WORKER_KILLED = "worker killed"
WORKER_TERMINATED = "worker terminated"
STEP_KILLED = "step killed"
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

# Four series run in parallel. Each goes through its list again and again, in a random order. The first round has every kind
# only once, so that every kind occurs early.
SINGLE = [RUNNER_KILLED, RUNNER_TERMINATED, WORKER_KILLED, WORKER_TERMINATED, STALLED, RESET, HALF_OPEN]
SINGLE_PAUSE = 0.1, 0.7
BROKERS = [
    CLOSED, CLOSED, CLOSED, ALL_CLOSED, BROKER_STOPPED, BROKER_STOPPED, BROKER_KILLED, ALARM, NO_CONFIGURE, NO_WRITE,
    DELETED,
]
BROKERS_PAUSE = 0.3, 1.5
STEPS = [STEP_KILLED]  # of runs with steps only
STEPS_PAUSE = 0.1, 0.7
HOSTS = [SPOOL_GONE, SPOOL_FULL, NO_PROCESSES, NO_DESCRIPTORS]
HOSTS_PAUSE = 1.0, 6.0
SERIES = [(SINGLE, SINGLE_PAUSE), (BROKERS, BROKERS_PAUSE), (HOSTS, HOSTS_PAUSE), (STEPS, STEPS_PAUSE)]
KINDS = list(dict.fromkeys(SINGLE + BROKERS + HOSTS + STEPS))
# A full disk makes the workers of steps fail, which no journal has.
WITHOUT_STEPS, WITH_STEPS = {STEP_KILLED}, {SPOOL_FULL}

# Seconds. A short silence does no harm with heartbeats of two seconds, and a long one breaks the connection. A shortage on
# the host is always long, so that it lasts for more attempts than an item has.
SHORT, LONG = (0.2, 1.0), (5.0, 8.0)


@dataclasses.dataclass(frozen=True)
class Step:
    """A planned fault."""

    kind: str
    pause: float  # seconds until the fault begins
    whom: float  # the target, as a fraction from 0 to 1 of all possible targets
    seconds: float  # the duration of a fault that lasts


def steps(seed, kinds, pause):
    """Yields the faults of a series."""
    generator = random.Random(f"{seed} {kinds}")
    for several in itertools.chain([list(dict.fromkeys(kinds))], itertools.repeat(kinds)):
        for kind in generator.sample(several, len(several)):
            seconds = generator.uniform(*generator.choice([LONG] if kind in HOSTS else [SHORT, LONG]))
            yield Step(kind, generator.uniform(*pause), generator.random(), seconds)


def generator(seed, *what):
    """Returns a random number generator that depends on the seed and the purpose."""
    return random.Random(" ".join(map(str, (seed, *what))))


@dataclasses.dataclass(frozen=True)
class Item:
    """An item. Its id tells the worker what to do, for example `17.120.slowly.1.finishes.nothing`."""

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
    """Returns a random item."""
    generator = random.Random(f"{seed} item {number}")
    return Item(
        number,
        milliseconds=generator.randint(10, 300),
        reading=generator.choices(["whole", "slowly", "nothing"], [6, 2, 2])[0],
        # 24 failures exceed a delivery limit of 20 and the attempts of a declared queue.
        failures=generator.choices([0, 1, 2, 3, 24], [186, 8, 2, 2, 1])[0],
        on_term=generator.choice(["dies", "finishes"]),
        remains=generator.choices(["nothing", "child"], [95, 5])[0],
        # The largest items are never kept in memory.
        size=generator.randint(*generator.choices([(0, 4000), (60_000, 300_000), (1_100_000, 1_300_000)], [84, 12, 4])[0]),
    )


def simple(number, failures=0):
    """Returns a small item that takes 50 ms."""
    return Item(number, milliseconds=50, reading="whole", failures=failures, on_term="dies", remains="nothing", size=10)
