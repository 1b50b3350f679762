"""Tests which faults explain which exit statuses. Needs no broker."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import plan  # noqa: E402
import statuses  # noqa: E402
from stories import fault, first_run, first_slot, first_worker, record, run_of, turn  # noqa: E402

FAULTS = {
    66: fault(plan.DELETED, 9.5, 10.0, queue="q"),
    69: fault(plan.BROKER_STOPPED, 2.0, 9.5),
    70: fault(plan.NO_PROCESSES, 9.5, 10.0),
    74: fault(plan.SPOOL_FULL, 9.5, 10.0),
    75: first_slot(plan.RESET, 10.0),
    76: fault(plan.DELETED, 9.5, 10.0, queue="q"),
    77: fault(plan.NO_WRITE, 5.0, 8.5),
    137: first_worker(plan.WORKER_KILLED, 10.0),
    143: first_run(plan.RUNNER_TERMINATED, 10.0),
    -9: first_run(plan.RUNNER_KILLED, 10.0),
    -15: first_run(plan.RUNNER_TERMINATED, 10.0),
}


def unexplained(status, *faults, turns=(), **more):
    run = run_of("0.0", 0, 1, 9.0, 10.6, status)
    found = record(*faults, runs=[run], turns=list(turns), **more)
    return statuses.unexplained(found) == [run]


@pytest.mark.parametrize("status", FAULTS)
def test_explained_by_its_fault_alone(status):
    assert not unexplained(status, FAULTS[status])
    others = [each for other, each in FAULTS.items() if each.kind not in statuses.EXPLAINED_BY[status]]
    assert unexplained(status, *others)
    assert unexplained(status)


@pytest.mark.parametrize("status", FAULTS)
def test_not_by_one_that_was_elsewhere_or_at_another_time(status):
    each = FAULTS[status]
    later = fault(each.kind, 11.0, 11.5, slot=each.slot, run="0.1" if each.run else None, queue=each.queue)
    elsewhere = fault(
        each.kind, each.start, each.end, slot=None if each.slot is None else 5, run="5.0" if each.run else None, pid=each.pid,
        queue=each.queue and "other")
    assert unexplained(status, later)
    if elsewhere != each:
        assert unexplained(status, elsewhere)


@pytest.mark.parametrize("status", [64, 65, 73, 78, 126, 127, 2, -4, -5, -11])
def test_explained_by_none(status):
    assert unexplained(status, *FAULTS.values())


def test_silence_that_was_too_short():
    assert unexplained(75, first_slot(plan.STALLED, 9.5, 10.2))
    assert not unexplained(75, first_slot(plan.STALLED, 7.0, 10.2))


def test_failure():
    run = run_of("0.0", 0, 1, 9.0, 10.6, 1)
    assert not unexplained(1, turns=[turn(run, 10.0, "failed")])
    assert not unexplained(1, turns=[turn(run, 10.0, None)])
    assert unexplained(1, turns=[turn(run, 10.0)])
    assert unexplained(1)
    assert not unexplained(1, dead=["a"])


def test_what_needs_no_fault():
    for status in (0, None, 77):
        run = run_of("0.0", 0, 1, 9.0, 10.6, status, expected=frozenset({77}))
        assert statuses.unexplained(record(runs=[run], turns=[])) == []
    hung = run_of("0.0", 0, 1, 9.0, 10.6, -9)
    assert statuses.unexplained(record(runs=[hung], turns=[], hung=[hung])) == []


def test_steps():
    """A step that was killed explains a failure of its run only."""
    run = run_of("0.0", 0, 1, 9.0, 10.6, 1)
    other = run_of("1.0", 1, 1, 9.0, 10.6, 1)
    killed = fault(plan.STEP_KILLED, 10.0, slot=0, run="0.0")
    assert statuses.unexplained(record(killed, runs=[run, other], turns=[])) == [other]
