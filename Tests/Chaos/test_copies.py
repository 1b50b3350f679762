"""Tests the rules about items that are done or left more than once. Needs no broker."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import plan  # noqa: E402
import touches  # noqa: E402
import verdict  # noqa: E402
from budget import Budget  # noqa: E402
from journal import Publication  # noqa: E402
from stories import (  # noqa: E402
    FIRST, QUEUE, SECOND, fault, first_run, first_slot, first_worker, record, run_of, turn,
)

EXCUSES = [
    first_run(plan.RUNNER_KILLED, 10.55),
    first_worker(plan.WORKER_KILLED, 10.5),
    first_slot(plan.CLOSED, 9.5, 10.2),
    first_slot(plan.RESET, 10.0),
    first_slot(plan.RESET, 9.5),  # between the delivery and the start of the worker
    first_slot(plan.HALF_OPEN, 10.3),
    first_slot(plan.STALLED, 10.4, 16.0),
    fault(plan.ALL_CLOSED, 10.2, 11.0),
    fault(plan.BROKER_STOPPED, 10.2, 16.0),
    fault(plan.BROKER_KILLED, 10.2),
    fault(plan.BROKER_KILLED, 12.5),  # two seconds after the ack
]
NO_EXCUSES = [
    first_run(plan.RUNNER_TERMINATED, 10.1),  # the worker was done within the grace
    first_worker(plan.WORKER_TERMINATED, 10.1),
    fault(plan.RUNNER_KILLED, 10.2, slot=0, run="0.1"),
    fault(plan.WORKER_KILLED, 10.2, run="0.0", pid=8),
    first_slot(plan.STALLED, 10.1, 11.0),  # shorter than a heartbeat
    first_slot(plan.STALLED, 1.0, 4.0),
    first_slot(plan.STALLED, 3.0, 8.0),  # before the run
    first_slot(plan.HALF_OPEN, 6.0),
    first_slot(plan.RESET, 8.5),  # before the run
    first_slot(plan.RESET, 10.7),  # after the run
    first_slot(plan.RESET, 15.0),
    fault(plan.RESET, 10.1, slot=1),
    fault(plan.RESET, 20.1, slot=1),  # in the second run
    fault(plan.BROKER_STOPPED, 10.2, 11.0),
    fault(plan.BROKER_KILLED, 12.7),
]


@pytest.mark.parametrize("excuse", EXCUSES, ids=str)
def test_excused(excuse):
    assert verdict.copies_in_excess(record(excuse)) == []


@pytest.mark.parametrize("excuse", NO_EXCUSES, ids=str)
def test_not_excused(excuse):
    found = record(excuse)
    assert verdict.copies_in_excess(found) == [found.turns[1]]


@pytest.mark.parametrize("excuse", EXCUSES, ids=str)
def test_success_is_a_word(excuse):
    """Exit status 0 states that the ack was accepted."""
    run, second = run_of("0.0", 0, 1, 9.0, 10.6, 0), run_of("1.0", 1, 1, 29.0, 30.6, 75)
    found = record(excuse, runs=[run, second], turns=[turn(run, 10.0), turn(second, 30.0)])
    assert len(verdict.copies_in_excess(found)) == (0 if excuse.kind == plan.BROKER_KILLED else 1)


@pytest.mark.parametrize("excuse", [
    first_slot(plan.HALF_OPEN, 6.0), first_slot(plan.STALLED, 3.0, 8.0), fault(plan.BROKER_STOPPED, 3.0, 8.0)], ids=str)
def test_connection_may_be_cut_up_to_two_heartbeats_later(excuse):
    run = run_of("0.0", 0, 1, 2.0, 10.6, 75)
    assert verdict.copies_in_excess(record(excuse, runs=[run, SECOND])) == []


def test_without_any_fault():
    assert len(verdict.copies_in_excess(record())) == 1
    assert verdict.copies_in_excess(record(turns=[turn(FIRST, 10.0), turn(SECOND, 20.0, item="b")])) == []


def test_one_fault_excuses_one_repetition():
    third = run_of("2.0", 2, 1, 29.0, 30.6, 75)
    turns = [turn(FIRST, 10.0), turn(SECOND, 20.0), turn(third, 30.0)]
    found = record(EXCUSES[0], runs=[FIRST, SECOND, third], turns=turns)
    assert verdict.copies_in_excess(found) == [turns[2]]


@pytest.mark.parametrize("run", [run_of("0.0", 0, 5, 9.0, 60.0, 75), run_of("0.0", 0, None, 9.0)], ids=["ended", "goes on"])
def test_runner_that_goes_on(run):
    """The ack was accepted soon after the worker's end, not at the end of the run."""
    turns = [turn(run, 10.0), turn(SECOND, 40.0)]
    for start, count in ((12.0, 0), (13.0, 1)):
        for kind in (plan.RUNNER_KILLED, plan.RESET):
            found = record(first_run(kind, start) if kind == plan.RUNNER_KILLED else first_slot(kind, start),
                           runs=[run, SECOND], turns=turns)
            assert len(verdict.copies_in_excess(found)) == count, (kind, start)


def test_worker_that_is_done_late_after_term_may_have_been_killed():
    turns = [turn(FIRST, 9.2, end=1.3), turn(SECOND, 20.0)]
    assert len(verdict.copies_in_excess(record(first_run(plan.RUNNER_TERMINATED, 9.5), turns=turns))) == 0
    assert len(verdict.copies_in_excess(record(first_run(plan.RUNNER_TERMINATED, 9.7), turns=turns))) == 1


def test_first_to_start_is_the_last_to_be_done():
    """The connection of the first worker was lost, and another worker has done the item in the meantime."""
    slow = run_of("0.0", 0, 1, 9.0, 22.0, 75)
    turns = [turn(slow, 10.0, end=11.5), turn(SECOND, 20.0)]
    assert verdict.copies_in_excess(record(first_slot(plan.RESET, 11.0), runs=[slow, SECOND], turns=turns)) == []


def test_delivery_that_was_held_up():
    """The item was sent to the second runner before it was delivered to the first."""
    assert verdict.copies_in_excess(record(fault(plan.STALLED, 5.0, 19.9, slot=1))) == []
    assert len(verdict.copies_in_excess(record(fault(plan.STALLED, 5.0, 14.0, slot=1)))) == 1
    first, second = run_of("0.0", 0, 1, 9.0, 10.6, 0), run_of("1.0", 1, 1, 19.0, 20.6, 0)
    turns = [turn(first, 10.0), turn(second, 20.0)]
    found = record(fault(plan.STALLED, 5.0, 19.9, slot=1), runs=[first, second], turns=turns)
    assert verdict.copies_in_excess(found) == [turns[1]], "it exited with 0, but its ack cannot have been accepted"
    third = run_of("2.0", 2, 1, 29.0, 30.6, 75)
    turns = [turn(FIRST, 10.0), turn(SECOND, 20.0), turn(third, 30.0)]
    found = record(fault(plan.STALLED, 5.0, 19.9, slot=1), runs=[FIRST, SECOND, third], turns=turns)
    assert verdict.copies_in_excess(found) == [turns[2]], "the delay did not create another message"


@pytest.mark.parametrize("outcome", ["failed", None])
def test_copy_and_item(outcome):
    """The first worker failed, and its runner was killed between the copy and the ack."""
    third = run_of("2.0", 2, 1, 29.0, 30.6, 75)
    runs = [FIRST, SECOND, third]
    turns = [turn(FIRST, 10.0, outcome), turn(SECOND, 20.0), turn(third, 30.0)]
    killed = first_run(plan.RUNNER_KILLED, 10.55)
    assert verdict.copies_in_excess(record(killed, runs=runs, turns=turns, copies=True)) == []
    assert len(verdict.copies_in_excess(record(killed, runs=runs, turns=turns))) == 1
    assert len(verdict.copies_in_excess(record(runs=runs, turns=turns, copies=True))) == 1
    only_the_worker = first_worker(plan.WORKER_KILLED, 10.2)
    assert len(verdict.copies_in_excess(record(only_the_worker, runs=runs, turns=turns, copies=True))) == 1


def test_copy_of_a_returned_item():
    """The fault touched no turn. Between the turns it hit a runner that was counting a return."""
    third = run_of("3.0", 3, 1, 14.0, 15.0, -9)
    runs = [FIRST, SECOND, third]
    between = fault(plan.RUNNER_KILLED, 15.0, slot=3, run="3.0")
    assert verdict.copies_in_excess(record(between, runs=runs, copies=True, recounts=True)) == []
    assert len(verdict.copies_in_excess(record(between, runs=runs, copies=True))) == 1
    terminated = first_worker(plan.WORKER_TERMINATED, 15.0)
    assert len(verdict.copies_in_excess(record(terminated, runs=runs, copies=True, recounts=True))) == 1
    third.queue = "other"
    assert len(verdict.copies_in_excess(record(between, runs=runs, copies=True, recounts=True))) == 1


def test_copy_of_an_item_that_no_worker_could_be_started_for():
    """The ack was lost when the broker was killed, just after it had accepted the copy."""
    killed = fault(plan.BROKER_KILLED, 15.0)
    for status, end, excess in [(70, 14.95, 0), (1, 14.95, 1), (70, 5.0, 1)]:
        third = run_of("3.0", 3, 1, end - 0.5, end, status)
        assert len(verdict.copies_in_excess(record(killed, runs=[FIRST, SECOND, third]))) == excess, (status, end)


@pytest.mark.parametrize("kind", [
    plan.ALARM, plan.NO_CONFIGURE, plan.NO_WRITE, plan.SPOOL_GONE, plan.SPOOL_FULL, plan.NO_PROCESSES,
    plan.NO_DESCRIPTORS, plan.DELETED,
])
def test_faults_that_excuse_nothing(kind):
    assert len(verdict.copies_in_excess(record(fault(kind, 9.0, 30.0), copies=True))) == 1


# What is left


def test_messages_are_counted():
    assert verdict.copies_in_excess(record(turns=[turn(FIRST, 10.0)])) == []
    for where in ("left", "dead", "owner_dead", "kept"):
        assert verdict.copies_in_excess(record(turns=[turn(FIRST, 10.0)], **{where: ["a"]})) == ["a"], where
        assert verdict.copies_in_excess(record(turns=[], **{where: ["a"]})) == []
        assert verdict.copies_in_excess(record(turns=[], **{where: ["a", "a", "a"]})) == ["a", "a"]
    excused = record(first_slot(plan.RESET, 10.2), turns=[turn(FIRST, 10.0)], left=["a"])
    assert verdict.copies_in_excess(excused) == []


def test_copy_that_was_given_up_in_an_alarm():
    turns = [turn(FIRST, 10.0, "failed"), turn(SECOND, 20.0)]
    faults = fault(plan.ALARM, 9.0, 17.0), first_run(plan.RUNNER_TERMINATED, 10.4)
    assert verdict.copies_in_excess(record(*faults, turns=turns, left=["a"], copies=True)) == []
    for only in faults:
        assert len(verdict.copies_in_excess(record(only, turns=turns, left=["a"], copies=True))) == 1


def test_item_that_was_sent_again():
    def of(*faults, slot=9, is_repeatable=True):
        publications = [Publication("a", QUEUE, 1.0, 5.0, True, slot, is_repeatable)]
        return verdict.copies_in_excess(record(*faults, publications=publications, left=["a", "a"], turns=[]))

    assert of() == ["a"]
    assert of(fault(plan.RESET, 2.0, slot=9)) == []
    assert of(fault(plan.RESET, 2.0, slot=8)) == ["a"]
    assert of(fault(plan.RESET, 6.0, slot=9)) == ["a"]
    assert of(fault(plan.RESET, 2.0, slot=9), is_repeatable=False) == ["a"]


# The budget


@pytest.mark.parametrize("batch, excess", [(1, 2), (2, 1), (3, 0)])
def test_a_killed_worker_excuses_its_batch(batch, excess):
    killed = run_of("0.0", 0, 100, 9.0, 20.0, 75, 6, batch=batch)
    names = "abc"
    turns = [turn(run, start, item=item) for run, start in [(killed, 10.0), (SECOND, 20.0)] for item in names]
    found = verdict.copies_in_excess(record(
        first_worker(plan.WORKER_KILLED, 10.6), runs=[killed, SECOND], turns=turns, published=dict.fromkeys(names, 1.0)))
    assert len(found) == excess


def many(count, parallelism=1, start=10.0):
    """Returns a record of `count` items. One run has done them quickly, one after another, and another run has done them
    again."""
    run = run_of("0.0", 0, 100, 9.0, 20.0, 75, parallelism)
    again = run_of("1.0", 1, 100, 29.0, 60.0, 75)
    turns = []
    for number in range(count):
        turns.append(turn(run, start + number / 10, end=0.05, item=f"i{number}"))
        turns.append(turn(again, 30.0 + number, item=f"i{number}"))
    return {"runs": [run, again], "turns": turns, "published": {f"i{number}": 1.0 for number in range(count)}}


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_fault_excuses_what_was_in_hand(parallelism):
    assert verdict.copies_in_excess(record(first_slot(plan.RESET, 10.3), **many(parallelism, parallelism))) == []
    found = verdict.copies_in_excess(record(first_slot(plan.RESET, 10.3), **many(6, parallelism)))
    assert len(found) == 6 - parallelism


def test_a_broker_that_was_killed_may_have_forgotten_its_latest_acks():
    assert verdict.copies_in_excess(record(fault(plan.BROKER_KILLED, 10.7), **many(6))) == []
    assert len(verdict.copies_in_excess(record(fault(plan.BROKER_KILLED, 17.0), **many(6)))) == 6


def test_in_hand():
    runs = [run_of("0.0", 0, 5, 9.0, 12.0, 75, 2), run_of("1.0", 1, 1, 9.0, 12.0, 75), run_of("0.1", 0, 1, 13.0)]
    found = record(runs=runs, turns=[])
    assert touches.in_hand(fault(plan.ALL_CLOSED, 10.0), found) == 3
    assert touches.in_hand(fault(plan.RESET, 10.0, slot=1), found) == 1
    assert touches.in_hand(fault(plan.RESET, 14.0, slot=0), found) == 1
    assert touches.in_hand(fault(plan.STALLED, 10.0, 14.0, slot=0), found) == 2
    assert touches.in_hand(first_worker(plan.WORKER_KILLED, 10.0), found) == 1
    assert touches.in_hand(fault(plan.RESET, 12.5, slot=0), found) == 0


def test_budget_gives_each_demand_what_others_can_do_without():
    budget = Budget({0: 1, 1: 1}.get)
    assert budget.excuse("a", [("x", 0), ("y", 1)])
    assert budget.excuse("b", [("z", 0)])  # a moves to its other token
    assert not budget.excuse("c", [("v", 0), ("w", 1)])
    shared = Budget({0: 5, 1: 1}.get)
    assert shared.excuse("a", [("x", 0), ("y", 1)])
    assert shared.excuse("b", [("x", 0)])
    assert not shared.excuse("c", [("x", 0)])
    assert not Budget({0: 0}.get).excuse("a", [("x", 0)])
