"""Small records for the tests of the rules."""

import verdict
from journal import Fault, Publication, Run, Turn

QUEUE = "q"


def run_of(name, slot, limit, start, end=None, status=None, parallelism=1, queue=QUEUE, **more):
    return Run(name, slot, limit, start, end, status, parallelism, queue, **more)


# The first run takes from 9 to 10.6, and its worker's turn from 10 to 10.5. The second run is on another slot, and its
# worker's turn takes from 20 to 20.5.
FIRST, SECOND = run_of("0.0", 0, 1, 9.0, 10.6, 75), run_of("1.0", 1, 1, 19.0, 20.6, 75)


def turn(run, start, outcome="done", end=0.5, item="a", pid=7):
    return Turn(item, run.name, pid, start, None if outcome is None else start + end, outcome)


def record(*faults, runs=(FIRST, SECOND), turns=None, published=None, copies=False, recounts=False, **more):
    """Returns a record. `published` has the times at which the items were published into the one queue."""
    turns = [turn(FIRST, 10.0), turn(SECOND, 20.0)] if turns is None else turns
    published = {"a": 1.0} if published is None else published
    more.setdefault("publications", [Publication(item, QUEUE, at - 0.5, at, True) for item, at in published.items()])
    return verdict.Record(
        runs=list(runs), turns=turns, faults=list(faults), declared={QUEUE} if copies else set(),
        recounts={QUEUE} if recounts else set(), **more)


def fault(kind, start, end=None, **whom):
    return Fault(kind, start, start if end is None else end, **whom)


def first_run(kind, start, end=None):
    return fault(kind, start, end, slot=0, run="0.0")


def first_worker(kind, start):
    return fault(kind, start, run="0.0", pid=7)


def first_slot(kind, start, end=None):
    return fault(kind, start, end, slot=0)
