"""The rules: they decide from a record of a fault run whether something happened that must not. No I/O, no clock.

At first, each item is one message. There were more messages if a second worker was `done` with the item, or if a message is
still in a queue. Each additional message needs an excuse, which only a fault can give:

- The fault touched the turn of a worker that was done. The ack may have been lost, and the item came back.
- The fault touched any other turn, on a queue where items are moved by a confirmed copy and then an ack. Both the copy and
  the item may exist. On a declared classic queue, a returned item is also copied before it is run, to count the return.
  There, a fault between two turns that hit any runner of the queue may have come between that copy and its ack.
- The fault touched a publisher, which publishes unconfirmed items again.
- A silence delayed the delivery to the worker that was done. The item was delivered to others in the meantime.

touches.py decides which faults touch which turns. No fault excuses more items than the runs that it hit had at that time.

A dead-lettered item must have had its attempts. An attempt is a worker that started and was not done, or a fault that hit a
runner which had the item and whose worker had not started.
"""

import dataclasses

import plan
import stages
import statuses
import touches
from budget import Budget
from journal import by_item

# A check for a drained queue cannot miss an item that was published at least this many seconds before.
SEEN = 5.0
# The maximum time in seconds that a worker may outlive its runner, until it is killed.
OUTLIVING = 1.0
# After this number of returns, a runner replaces an item by a copy.
COPIED_AT = 9
NEVER = float("inf")


@dataclasses.dataclass
class Record:
    """The record of a whole fault run."""

    publications: list
    runs: list
    turns: list
    faults: list
    left: list = dataclasses.field(default_factory=list)  # items in a queue or its retry queue at the end
    dead: list = dataclasses.field(default_factory=list)  # items in a dead-letter queue that `declare` made
    owner_dead: list = dataclasses.field(default_factory=list)  # items in a dead-letter queue of the queue's owner
    kept: list = dataclasses.field(default_factory=list)  # items in the queues of situations
    limits: dict = dataclasses.field(default_factory=dict)  # the delivery limit of the queue's owner, by item
    unseen: list = dataclasses.field(default_factory=list)  # queues with messages that cannot be got
    hung: list = dataclasses.field(default_factory=list)  # runs that had to be killed
    declared: set = dataclasses.field(default_factory=set)  # queues on which failed items are moved by copies
    recounts: set = dataclasses.field(default_factory=set)  # queues on which returned items are moved by copies, too

    def __post_init__(self):
        self.published = {each.item: each.end for each in self.publications if each.is_confirmed}
        self.queue_of = {each.item: each.queue for each in self.publications}
        self.run_by_name = {run.name: run for run in self.runs}
        self.turns_by_item = by_item(self.turns)
        self.turns_by_run = {run.name: [] for run in self.runs}
        for turn in self.turns:
            self.turns_by_run[turn.run].append(turn)
        self.publications_by_item = {each.item: each for each in self.publications}

    def run_of(self, turn):
        return self.run_by_name[turn.run]


def was_deleted(item, record):
    """Whether the item's queue was deleted while the item may have been in it."""
    return any(
        fault.kind == plan.DELETED and fault.queue == record.queue_of.get(item)
        and record.published[item] <= fault.end for fault in record.faults
    )


def lost(record):
    kept = {turn.item for turn in record.turns if turn.outcome == "done"}
    kept.update(record.left, record.dead, record.owner_dead, record.kept)
    return [item for item in record.published if item not in kept and not was_deleted(item, record)]


# Copies


def excuses_of(turn, number, record):
    """Returns the excuses for an additional message that a turn may have left: the item, or a copy of it."""
    run = record.run_of(turn)
    is_done = turn.outcome == "done"
    copies = is_done or run.queue in record.declared or number >= COPIED_AT
    return [
        (turn.run, turn.pid, turn.item, number, index) for index, fault in enumerate(record.faults)
        if copies and (
            touches.cuts(fault, turn, run) or is_done and touches.kills(fault, turn, run)
            or touches.blocks(fault, turn, run, record.faults))
    ]


def recount_excuses(item, start, end, queue, record):
    """Returns the excuses for a copy that counts a return, or for a copy of an item that no worker had. The journal does not
    have the runners that made these copies."""
    def may_double(fault):
        is_recount = queue in record.recounts and fault.kind in touches.LOSSES and any(
            run.queue == queue for run in touches.affected(fault, record.runs))
        return is_recount or touches.doubles_unrun(fault, queue, record)

    return [
        (item, start, index) for index, fault in enumerate(record.faults)
        if touches.overlap(fault, start, end) and may_double(fault)
    ]


def publishing_excuses(item, record):
    publication = record.publications_by_item.get(item)
    if publication is None or not publication.is_repeatable:
        return []
    return [
        (item, index) for index, fault in enumerate(record.faults)
        if fault.kind in touches.CONNECTIONS and fault.slot in (None, publication.slot)
        and touches.overlap(fault, publication.start, publication.end)
    ]


def late_excuses(turn, record):
    run = record.run_of(turn)
    return [
        ("late", turn.run, turn.pid, turn.item, index) for index, fault in enumerate(record.faults)
        if touches.is_late(fault, turn, run)
    ]


def new_budget(record, measure):
    found = {}

    def capacity(index):
        if index not in found:
            found[index] = measure(record.faults[index], record)
        return found[index]

    return Budget(capacity)


def copies_in_excess(record):
    """Returns the turns and the remaining messages of items that are too many and have no excuse."""
    budget, found = new_budget(record, touches.in_hand), []
    messages = [*record.left, *record.dead, *record.owner_dead, *record.kept]
    for item in {**record.turns_by_item, **dict.fromkeys(messages)}:
        tokens, is_first = publishing_excuses(item, record), True
        former_end, queue = record.published.get(item, 0.0), record.queue_of.get(item)
        for number, turn in enumerate(record.turns_by_item.get(item, [])):
            tokens += recount_excuses(item, former_end, turn.start, queue, record)
            if turn.outcome == "done":
                late = late_excuses(turn, record)
                if not is_first and not budget.excuse((turn.run, turn.pid, turn.item, number), tokens + late):
                    found.append(turn)
                is_first = False
            tokens += excuses_of(turn, number, record)
            former_end = max(former_end, turn.end or turn.start)
        tokens += recount_excuses(item, former_end, NEVER, queue, record)
        for number in range(messages.count(item)):
            if not is_first and not budget.excuse((item, number), tokens):
                found.append(item)
            is_first = False
    return found


# Dead letters


def dead_unrun(record):
    """Returns the items that were dead-lettered without having had their attempts."""
    budget, found = new_budget(record, touches.unstarted), []
    for item in dict.fromkeys(record.dead):
        queue, start = record.queue_of.get(item), record.published.get(item, 0.0)
        tried = sum(turn.outcome != "done" for turn in record.turns_by_item.get(item, []))
        tokens = [
            (item, index) for index, fault in enumerate(record.faults)
            if fault.kind in touches.UNSTARTING and touches.overlap(fault, start, NEVER)
            and any(run.queue == queue for run in touches.affected(fault, record.runs))
        ]
        missing = range(tried, stages.MAX_ATTEMPTS)
        if not all([budget.excuse((item, number), tokens) for number in missing]):
            found.append(item)
    return found


def limits_bypassed(record):
    """Returns the items that exceeded the delivery limit of their queue's owner without being dead-lettered.

    The broker counts the returns of a copy from 0. A copy is allowed for an item that no worker had, and for an item that came
    back ten times while the runner could not learn about the limit.
    """
    def was_copied(item):
        runs = [run for run in record.runs if run.queue == record.queue_of.get(item)]
        return any(
            run.status in (70, 74, 143) or any(statuses.may_show(fault, run, plan.NO_CONFIGURE) for fault in record.faults)
            for run in runs)

    def tried(item):
        return sum(turn.outcome != "done" for turn in record.turns_by_item.get(item, []))

    return [
        item for item, limit in record.limits.items()
        if tried(item) > limit + 2 and item not in record.owner_dead and not was_copied(item)
    ]


# What runners reported


def false_successes(record):
    """Returns the runs with a fixed number of items that exited with 0 although one of their workers was not done."""
    return [
        run for run in record.runs
        if run.status == 0 and run.limit is not None
        and any(turn.outcome != "done" for turn in record.turns_by_run[run.name])
    ]


def says_drained(run, turns):
    """Whether the run's exit status states that the queue was drained: it took fewer items than it might have."""
    return run.status == 0 and (run.limit is None or len(turns) < run.limit)


def leaves_at(item, record):
    """Returns when the item was first done, or, if it was dead-lettered, when its last worker ended."""
    turns = record.turns_by_item.get(item, [])
    done = [turn.end for turn in turns if turn.outcome == "done"]
    if done:
        return min(done)
    if item in record.left or item in record.kept:
        return NEVER
    return max((turn.end or turn.start for turn in turns), default=0.0)


def false_drains(record):
    """Returns the runs that reported a drained queue while an unfinished item was in it."""
    leaving = {item: leaves_at(item, record) for item in record.published if not was_deleted(item, record)}
    return [
        run for run in record.runs
        if says_drained(run, record.turns_by_run[run.name]) and any(
            record.queue_of[item] == run.queue and record.published[item] + SEEN < run.end < leaves
            for item, leaves in leaving.items()
        )
    ]


def damaged(record):
    return [turn for turn in record.turns if turn.outcome == "damaged"]


def outliving(record):
    """Returns the turns of workers that outlived their runner."""
    ends = {run.name: run.end for run in record.runs if run.end is not None}
    return [
        turn for turn in record.turns
        if turn.run in ends and max(turn.start, turn.end or 0.0) > ends[turn.run] + OUTLIVING
    ]
