"""Tests the rules of verdict.py on small records. Needs no broker."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "EndToEnd"))

import plan  # noqa: E402
import publisher  # noqa: E402
import runners  # noqa: E402
import stages  # noqa: E402
import verdict  # noqa: E402
from journal import Journal, Turn  # noqa: E402
from stories import FIRST, QUEUE, SECOND, fault, first_run, first_slot, record, run_of, turn  # noqa: E402


def test_lost():
    published = {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0}
    turns = [turn(FIRST, 10.0), turn(SECOND, 20.0, "failed", item="b")]
    assert verdict.lost(record(turns=turns, published=published, left=["c"], dead=["d"])) == ["b"]


@pytest.mark.parametrize("outcome", ["failed", "damaged", None])
def test_false_success(outcome):
    run = run_of("0.0", 0, 1, 9.0, 10.6, 0)
    assert verdict.false_successes(record(runs=[run], turns=[turn(run, 10.0, outcome)])) == [run]
    other = run_of("0.0", 0, 1, 9.0, 10.6, 1)
    assert verdict.false_successes(record(runs=[other], turns=[turn(other, 10.0, outcome)])) == []
    draining = run_of("0.0", 0, None, 9.0, 10.6, 0)
    assert verdict.false_successes(record(runs=[draining], turns=[turn(draining, 10.0, outcome)])) == []


def test_success_of_several():
    run = run_of("0.0", 0, 2, 9.0, 11.6, 0)
    turns = [turn(run, 10.0), turn(run, 10.6, item="b")]
    assert verdict.false_successes(record(runs=[run], turns=turns)) == []
    turns[0].outcome = "failed"
    assert verdict.false_successes(record(runs=[run], turns=turns)) == [run]


@pytest.mark.parametrize("run", [run_of("2.0", 2, 1, 5.0, 9.0, 0), run_of("2.0", 2, None, 5.0, 9.0, 0)], ids=str)
def test_said_to_be_drained(run):
    def of(**more):
        return verdict.false_drains(record(runs=[run, FIRST], turns=[turn(FIRST, 10.0)], **more))

    assert of() == [run]
    assert of(published={"a": 5.0}) == [], "it may have been published after the check"
    assert of(published={}) == [], "it is unknown whether it was in the queue"
    assert of(published={"b": 1.0}, left=["b"]) == [run]
    assert verdict.false_drains(record(runs=[FIRST], turns=[turn(FIRST, 10.0)], published={"a": 1.0, "b": 1.0})) == []


def test_drained_with_everything_done_before():
    run = run_of("2.0", 2, 1, 25.0, 30.0, 0)
    assert verdict.false_drains(record(runs=[run, FIRST, SECOND])) == []


def test_outliving():
    assert verdict.outliving(record(turns=[turn(FIRST, 10.0, end=1.0)])) == []
    assert len(verdict.outliving(record(turns=[turn(FIRST, 10.0, end=2.0)]))) == 1
    assert len(verdict.outliving(record(turns=[turn(FIRST, 12.0, None)]))) == 1


# Dead letters


def attempts(*outcomes):
    """Returns a record of an item's turns, each in its own run."""
    runs = [run_of(f"0.{number}", 0, 1, 10.0 * number, 10.0 * number + 5, 1) for number in range(len(outcomes))]
    turns = [turn(run, run.start + 1, outcome) for run, outcome in zip(runs, outcomes)]
    return {"runs": runs, "turns": turns, "dead": ["a"], "copies": True}


def test_dead_letter_has_had_its_attempts():
    assert verdict.dead_unrun(record(**attempts("failed", None, "failed", "failed"))) == []
    assert verdict.dead_unrun(record(**attempts("failed", "failed", "failed"))) == ["a"]
    assert verdict.dead_unrun(record(**attempts())) == ["a"]
    assert verdict.dead_unrun(record(**attempts("failed", "failed", "failed", "done"))) == ["a"]


def test_dead_letter_whose_runner_was_lost_before_its_worker_began():
    three = attempts("failed", "failed", "failed")
    between = fault(plan.RUNNER_KILLED, 0.5, slot=0, run="0.0")  # before its worker started
    three["published"] = {"a": 0.1}
    assert verdict.dead_unrun(record(between, **three)) == []
    during = fault(plan.RUNNER_KILLED, 11.2, slot=0, run="0.1")  # its only worker had started
    assert verdict.dead_unrun(record(during, **three)) == ["a"]
    assert verdict.dead_unrun(record(between, **{**three, **attempts("failed", "failed")})) == ["a"], "one fault, one attempt"
    for kind in (plan.SPOOL_GONE, plan.SPOOL_FULL, plan.NO_PROCESSES, plan.NO_DESCRIPTORS, plan.NO_WRITE, plan.ALARM):
        assert verdict.dead_unrun(record(fault(kind, 0.5, 40.0), **three)) == ["a"], kind
    elsewhere = run_of("5.0", 5, 1, 0.0, 5.0, 75, queue="other")
    three["runs"].append(elsewhere)
    assert verdict.dead_unrun(record(fault(plan.RESET, 0.5, slot=5), **three)) == ["a"]


def test_owners_limit():
    turns = [turn(FIRST, 10.0 + number, "failed", end=0.1) for number in range(23)]
    assert verdict.limits_bypassed(record(turns=turns, limits={"a": 20})) == ["a"]
    assert verdict.limits_bypassed(record(turns=turns, limits={"a": 20}, owner_dead=["a"])) == []
    assert verdict.limits_bypassed(record(turns=turns[:22], limits={"a": 20})) == []
    for kind, excuses in [(plan.NO_CONFIGURE, True), (plan.NO_WRITE, False)]:
        met = record(fault(kind, 10.0, 12.0), turns=turns, limits={"a": 20}, runs=[FIRST])
        assert (verdict.limits_bypassed(met) == []) is excuses, kind


# Queues that were deleted


def test_deleted():
    deleted = fault(plan.DELETED, 5.0, 6.0, queue=QUEUE)
    assert verdict.lost(record(deleted, turns=[])) == []
    assert verdict.lost(record(deleted, turns=[], published={"a": 6.5})) == ["a"], "it was published after the deletion"
    assert verdict.lost(record(fault(plan.DELETED, 5.0, 6.0, queue="other"), turns=[])) == ["a"]


def test_drained_by_deletion():
    run = run_of("2.0", 2, 1, 5.0, 9.0, 0)
    deleted = fault(plan.DELETED, 5.0, 6.0, queue=QUEUE)
    assert verdict.false_drains(record(deleted, runs=[run], turns=[], kept=["a"])) == []
    assert verdict.false_drains(record(runs=[run], turns=[], kept=["a"])) == [run]


def test_drained_elsewhere():
    run = run_of("2.0", 2, 1, 5.0, 9.0, 0, queue="other")
    assert verdict.false_drains(record(runs=[run], turns=[], left=["a"])) == []


def test_drained_before_the_last_attempt():
    run = run_of("2.0", 2, 1, 5.0, 9.0, 0)
    turns = [turn(FIRST, 3.0, "failed"), turn(SECOND, 20.0, "failed")]
    assert verdict.false_drains(record(runs=[run, FIRST, SECOND], turns=turns, dead=["a"])) == [run]
    assert verdict.false_drains(record(runs=[run, FIRST, SECOND], turns=turns[:1], dead=["a"])) == []


# The input of the rules


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


def test_the_seed_decides_how_a_runner_is_started():
    names = list(runners.MODES)
    assert runners.mode("1", "0.1", names) == runners.mode("1", "0.1", names)
    assert {runners.mode("1", f"0.{number}", names)[0] for number in range(60)} == set(runners.MODES.values())
    assert runners.mode("1", "0.1", ["drain"])[0] is runners.MODES["drain"]


def test_what_publish_says_is_in_the_queue():
    assert publisher.in_queue(0, "", 5) == 5
    said = "amqp-job: ...; 4 of 5 items are in the queue, 1 may be (item 3); --skip 2 goes on from there"
    assert publisher.in_queue(75, said, 5) == 2
    assert publisher.in_queue(75, "amqp-job: ...", 5) == 0
