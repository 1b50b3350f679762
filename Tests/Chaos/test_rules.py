"""The rules of verdict.py on small stories. No broker."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import plan  # noqa: E402
import verdict  # noqa: E402
from journal import Fault, Journal, Run, Turn  # noqa: E402

# The first worker's turn is from 10 to 10.5 in a run from 9 to 10.6, the second one's from 20 to 20.5 on another slot.
FIRST, SECOND = Run("0.0", 0, 1, 9.0, 10.6, 75), Run("1.0", 1, 1, 19.0, 20.6, 75)


def turn(run, start, outcome="done", end=0.5, item="a", pid=7):
    return Turn(item, run.name, pid, start, None if outcome is None else start + end, outcome)


def record(*faults, runs=(FIRST, SECOND), turns=None, **more):
    turns = [turn(FIRST, 10.0), turn(SECOND, 20.0)] if turns is None else turns
    more.setdefault("published", {"a": 1.0})
    more.setdefault("copies", False)
    return verdict.Record(uncertain=set(), runs=list(runs), turns=turns, faults=list(faults), **more)


def fault(kind, start, end=None, **whom):
    return Fault(kind, start, start if end is None else end, **whom)


def first_run(kind, start, end=None):
    return fault(kind, start, end, slot=0, run="0.0")


def first_worker(kind, start):
    return fault(kind, start, run="0.0", pid=7)


def first_slot(kind, start, end=None):
    return fault(kind, start, end, slot=0)


# Done twice

EXCUSES = [
    first_run(plan.RUNNER_KILLED, 10.55),
    first_worker(plan.WORKER_KILLED, 10.5),
    first_slot(plan.CLOSED, 9.5, 10.2),
    first_slot(plan.RESET, 10.0),
    first_slot(plan.RESET, 9.5),  # between delivery and start
    first_slot(plan.HALF_OPEN, 10.3),
    first_slot(plan.HALF_OPEN, 6.0),
    first_slot(plan.STALLED, 10.4, 16.0),
    first_slot(plan.STALLED, 3.0, 8.0),  # the connection may be cut up to two heartbeats later
    fault(plan.ALL_CLOSED, 10.2, 11.0),
    fault(plan.BROKER_STOPPED, 10.2, 16.0),
    fault(plan.BROKER_KILLED, 10.2),
    fault(plan.BROKER_KILLED, 12.5),  # two seconds after the ack
]
NO_EXCUSES = [
    first_run(plan.RUNNER_TERMINATED, 10.1),  # the worker was done in its grace
    first_worker(plan.WORKER_TERMINATED, 10.1),
    fault(plan.RUNNER_KILLED, 10.2, slot=0, run="0.1"),
    fault(plan.WORKER_KILLED, 10.2, run="0.0", pid=8),
    first_slot(plan.STALLED, 10.1, 11.0),  # shorter than a heartbeat
    first_slot(plan.STALLED, 1.0, 4.0),
    first_slot(plan.RESET, 8.5),  # before the run
    first_slot(plan.RESET, 10.7),  # after its end
    first_slot(plan.RESET, 15.0),
    fault(plan.RESET, 10.1, slot=1),
    fault(plan.RESET, 20.1, slot=1),  # on the second one's
    fault(plan.BROKER_STOPPED, 10.2, 11.0),
    fault(plan.BROKER_KILLED, 12.7),
]


@pytest.mark.parametrize("excuse", EXCUSES, ids=str)
def test_excused(excuse):
    assert verdict.done_twice(record(excuse)) == []


@pytest.mark.parametrize("excuse", NO_EXCUSES, ids=str)
def test_not_excused(excuse):
    found = record(excuse)
    assert verdict.done_twice(found) == [found.turns[1]]


@pytest.mark.parametrize("excuse", EXCUSES, ids=str)
def test_success_is_a_word(excuse):
    """Exit status 0 says that the ack was taken."""
    run, second = Run("0.0", 0, 1, 9.0, 10.6, 0), Run("1.0", 1, 1, 29.0, 30.6, 75)
    found = record(excuse, runs=[run, second], turns=[turn(run, 10.0), turn(second, 30.0)])
    assert len(verdict.done_twice(found)) == (0 if excuse.kind == plan.BROKER_KILLED else 1)


def test_without_any_fault():
    assert len(verdict.done_twice(record())) == 1
    assert verdict.done_twice(record(turns=[turn(FIRST, 10.0), turn(SECOND, 20.0, item="b")])) == []


def test_one_fault_excuses_one_repetition():
    third = Run("2.0", 2, 1, 29.0, 30.6, 75)
    turns = [turn(FIRST, 10.0), turn(SECOND, 20.0), turn(third, 30.0)]
    found = record(EXCUSES[0], runs=[FIRST, SECOND, third], turns=turns)
    assert verdict.done_twice(found) == [turns[2]]


@pytest.mark.parametrize("run", [Run("0.0", 0, 5, 9.0, 60.0, 75), Run("0.0", 0, None, 9.0)], ids=["ended", "goes on"])
def test_runner_that_goes_on(run):
    """Its ack was taken soon after the worker's end, not at the run's."""
    turns = [turn(run, 10.0), turn(SECOND, 40.0)]
    for start, count in ((12.0, 0), (13.0, 1)):
        for kind in (plan.RUNNER_KILLED, plan.RESET):
            found = record(first_run(kind, start) if kind == plan.RUNNER_KILLED else first_slot(kind, start),
                           runs=[run, SECOND], turns=turns)
            assert len(verdict.done_twice(found)) == count, (kind, start)


def test_worker_that_is_done_late_after_term_may_have_been_killed():
    turns = [turn(FIRST, 9.2, end=1.3), turn(SECOND, 20.0)]
    assert len(verdict.done_twice(record(first_run(plan.RUNNER_TERMINATED, 9.5), turns=turns))) == 0
    assert len(verdict.done_twice(record(first_run(plan.RUNNER_TERMINATED, 9.7), turns=turns))) == 1


def test_first_to_start_is_the_last_to_be_done():
    """Its connection was lost, and others have done the item meanwhile."""
    slow = Run("0.0", 0, 1, 9.0, 22.0, 75)
    turns = [turn(slow, 10.0, end=11.5), turn(SECOND, 20.0)]
    assert verdict.done_twice(record(first_slot(plan.RESET, 11.0), runs=[slow, SECOND], turns=turns)) == []


def test_delivery_that_was_held_up():
    """The second one had been given the item before the first one was."""
    assert verdict.done_twice(record(fault(plan.STALLED, 5.0, 19.9, slot=1))) == []
    assert len(verdict.done_twice(record(fault(plan.STALLED, 5.0, 14.0, slot=1)))) == 1
    first, second = Run("0.0", 0, 1, 9.0, 10.6, 0), Run("1.0", 1, 1, 19.0, 20.6, 0)
    turns = [turn(first, 10.0), turn(second, 20.0)]
    found = record(fault(plan.STALLED, 5.0, 19.9, slot=1), runs=[first, second], turns=turns)
    assert verdict.done_twice(found) == [turns[1]], "its ack cannot have been taken, and it said so"
    third = Run("2.0", 2, 1, 29.0, 30.6, 75)
    turns = [turn(FIRST, 10.0), turn(SECOND, 20.0), turn(third, 30.0)]
    found = record(fault(plan.STALLED, 5.0, 19.9, slot=1), runs=[FIRST, SECOND, third], turns=turns)
    assert verdict.done_twice(found) == [turns[2]], "it has made no new life"


@pytest.mark.parametrize("outcome", ["failed", None])
def test_copy_and_item(outcome):
    """The first one failed, and its runner was killed between the copy and the ack."""
    third = Run("2.0", 2, 1, 29.0, 30.6, 75)
    runs = [FIRST, SECOND, third]
    turns = [turn(FIRST, 10.0, outcome), turn(SECOND, 20.0), turn(third, 30.0)]
    killed = first_run(plan.RUNNER_KILLED, 10.55)
    assert verdict.done_twice(record(killed, runs=runs, turns=turns, copies=True)) == []
    assert len(verdict.done_twice(record(killed, runs=runs, turns=turns))) == 1
    assert len(verdict.done_twice(record(runs=runs, turns=turns, copies=True))) == 1
    only_the_worker = first_worker(plan.WORKER_KILLED, 10.2)
    assert len(verdict.done_twice(record(only_the_worker, runs=runs, turns=turns, copies=True))) == 1


def test_copy_of_a_returned_item():
    """Nobody's turn was touched, but between the turns a runner that was only to count the return."""
    between = fault(plan.RUNNER_KILLED, 15.0, slot=3, run="3.0")
    assert verdict.done_twice(record(between, copies=True, recounts=True)) == []
    assert len(verdict.done_twice(record(between, copies=True))) == 1
    assert len(verdict.done_twice(record(first_worker(plan.WORKER_TERMINATED, 15.0), copies=True, recounts=True))) == 1


# The others


def test_lost():
    published = {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0}
    turns = [turn(FIRST, 10.0), turn(SECOND, 20.0, "failed", item="b")]
    assert verdict.lost(record(turns=turns, published=published, left=["c"], dead=["d"])) == ["b"]


@pytest.mark.parametrize("outcome", ["failed", "damaged", None])
def test_false_success(outcome):
    run = Run("0.0", 0, 1, 9.0, 10.6, 0)
    assert verdict.false_successes(record(runs=[run], turns=[turn(run, 10.0, outcome)])) == [run]
    other = Run("0.0", 0, 1, 9.0, 10.6, 1)
    assert verdict.false_successes(record(runs=[other], turns=[turn(other, 10.0, outcome)])) == []
    draining = Run("0.0", 0, None, 9.0, 10.6, 0)
    assert verdict.false_successes(record(runs=[draining], turns=[turn(draining, 10.0, outcome)])) == []


def test_success_of_several():
    run = Run("0.0", 0, 2, 9.0, 11.6, 0)
    turns = [turn(run, 10.0), turn(run, 10.6, item="b")]
    assert verdict.false_successes(record(runs=[run], turns=turns)) == []
    turns[0].outcome = "failed"
    assert verdict.false_successes(record(runs=[run], turns=turns)) == [run]


@pytest.mark.parametrize("run", [Run("2.0", 2, 1, 5.0, 9.0, 0), Run("2.0", 2, None, 5.0, 9.0, 0)], ids=str)
def test_said_to_be_drained(run):
    def of(**more):
        return verdict.false_drains(record(runs=[run, FIRST], turns=[turn(FIRST, 10.0)], **more))

    assert of() == [run]
    assert of(published={"a": 5.0}) == [], "it may have come after the look"
    assert of(published={}) == [], "nobody knows whether it was there"
    assert of(published={"b": 1.0}, left=["b"]) == [run]
    assert verdict.false_drains(record(runs=[FIRST], turns=[turn(FIRST, 10.0)], published={"a": 1.0, "b": 1.0})) == []


def test_drained_with_everything_done_before():
    run = Run("2.0", 2, 1, 25.0, 30.0, 0)
    assert verdict.false_drains(record(runs=[run, FIRST, SECOND])) == []


def test_outliving():
    assert verdict.outliving(record(turns=[turn(FIRST, 10.0, end=1.0)])) == []
    assert len(verdict.outliving(record(turns=[turn(FIRST, 10.0, end=2.0)]))) == 1
    assert len(verdict.outliving(record(turns=[turn(FIRST, 12.0, None)]))) == 1


@pytest.mark.parametrize("status", [0, 1, 69, 75, 76, 137, 143, -9])
def test_statuses_of_faults(status):
    run = Run("0.0", 0, 1, 9.0, 10.6, status)
    assert verdict.broken(record(first_run(plan.RUNNER_KILLED, 10.0), runs=[run], turns=[])) == []


@pytest.mark.parametrize("status", [64, 66, 70, 78, 127, -4, -5, -11, -15])
def test_statuses_that_no_fault_explains(status):
    run = Run("0.0", 0, 1, 9.0, 10.6, status)
    assert verdict.broken(record(first_run(plan.RUNNER_KILLED, 10.0), runs=[run], turns=[])) == [run]


def test_killed_by_nobody():
    run = Run("0.0", 0, 1, 9.0, 10.6, -9)
    assert verdict.broken(record(runs=[run], turns=[])) == [run]
    assert verdict.broken(record(runs=[run], turns=[], hung=[run])) == []


# What the rules are fed with


def test_journal(tmp_path):
    path = tmp_path / "journal"
    journal = Journal(path)
    with open(path, "ab", buffering=0) as file:
        file.write(b"1.5 start 0.0 7 a\n2.0 start 0.0 8 b\n2.5 do")
        assert [turn.item for turn in journal.going_on()] == ["a", "b"]
        file.write(b"ne 0.0 7 a\n3.0 start 1.0 7 a\n")
    assert journal.read() == [
        Turn("a", "0.0", 7, 1.5, 2.5, "done"), Turn("b", "0.0", 8, 2.0), Turn("a", "1.0", 7, 3.0),
    ]
    assert journal.latest == 3.0


def test_the_seed_decides():
    def first(seed):
        steps = plan.steps(seed, plan.SINGLE, plan.SINGLE_PAUSE)
        return [next(steps) for _ in range(20)], [plan.item(seed, number).body() for number in range(20)]

    assert first("1") == first("1")
    assert first("1") != first("2")


@pytest.mark.parametrize("kinds", [plan.SINGLE, plan.BROKERS], ids=["single", "brokers"])
def test_every_kind_comes_soon(kinds):
    steps = plan.steps("1", kinds, plan.SINGLE_PAUSE)
    assert {next(steps).kind for _ in range(len(set(kinds)))} == set(kinds)
