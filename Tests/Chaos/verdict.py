"""The rules: what must not happen in a fault run, judged from what did. No I/O, no clock.

An item is one message at first. What shows that there are more is a second worker that was `done` with it, or a message
that is still in a queue. Each needs an excuse, which only a fault gives:

- A fault that touched the turn of a worker that was done: its ack may not have been taken, and the item is back.
- A fault that touched any other turn, where items are moved by a confirmed copy and then an ack: the copy may be there,
  and the item too. On a declared classic queue a returned item is also copied before it is run, to count the return; so
  there a fault on anybody who serves the queue, between two turns, may have come between that copy and its ack.
- A fault that touched a publisher that sends again what was not confirmed.
- A silence that held up the delivery to the very worker that was done: others have been given the item meanwhile.

What touches what is in touches.py. And no fault excuses more than those had in hand then that it met.

An item that is dead-lettered has had its attempts: as many workers that began on it and were not done, or else a fault
that met a runner which had an item, and whose worker had not begun.
"""

import dataclasses

import plan
import stages
import statuses
import touches
from budget import Budget
from journal import by_item

# How old an item is that a look for a drained queue cannot have missed.
SEEN = 5.0
# What a worker may still write after its runner's end; it takes that long to be killed.
OUTLIVING = 1.0
# As often an item has come back before a runner puts a copy of it in its place.
COPIED_AT = 9
NEVER = float("inf")


@dataclasses.dataclass
class Record:
    """A whole fault run."""

    publications: list
    runs: list
    turns: list
    faults: list
    left: list = dataclasses.field(default_factory=list)  # items found in a queue, or its retry queue, in the end
    dead: list = dataclasses.field(default_factory=list)  # in the dead-letter queue that `declare` made
    owner_dead: list = dataclasses.field(default_factory=list)  # where the queue's owner has its dead letters go
    kept: list = dataclasses.field(default_factory=list)  # in the queue of a situation
    limits: dict = dataclasses.field(default_factory=dict)  # of items: how often its owner lets one come back
    unseen: list = dataclasses.field(default_factory=list)  # queues with messages that nobody can get
    hung: list = dataclasses.field(default_factory=list)  # runs that had to be ended
    declared: set = dataclasses.field(default_factory=set)  # queues where failed items are moved by copies
    recounts: set = dataclasses.field(default_factory=set)  # queues where returned items are too

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
    """Whether its queue was deleted when it may have been in it."""
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
    """Tokens for what a turn may leave behind: the item, or its copy, once more."""
    run = record.run_of(turn)
    is_done = turn.outcome == "done"
    copies = is_done or run.queue in record.declared or number >= COPIED_AT
    return [
        (turn.run, turn.pid, turn.start, index) for index, fault in enumerate(record.faults)
        if copies and (
            touches.cuts(fault, turn, run) or is_done and touches.kills(fault, turn, run)
            or touches.blocks(fault, turn, run, record.faults))
    ]


def recount_excuses(item, start, end, queue, record):
    """For the copy that counts a return, or that no worker had: of a runner that the journal does not know."""
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
        ("late", turn.run, turn.pid, turn.start, index) for index, fault in enumerate(record.faults)
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
    """The turns that were done with an item, and the messages left of it, for which there was none any more."""
    budget, found = new_budget(record, touches.in_hand), []
    messages = [*record.left, *record.dead, *record.owner_dead, *record.kept]
    for item in {**record.turns_by_item, **dict.fromkeys(messages)}:
        tokens, is_first = publishing_excuses(item, record), True
        former_end, queue = record.published.get(item, 0.0), record.queue_of.get(item)
        for number, turn in enumerate(record.turns_by_item.get(item, [])):
            tokens += recount_excuses(item, former_end, turn.start, queue, record)
            if turn.outcome == "done":
                late = late_excuses(turn, record)
                if not is_first and not budget.excuse((turn.run, turn.pid, turn.start), tokens + late):
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
    """Items that were dead-lettered without their attempts."""
    budget, found = new_budget(record, touches.unstarted), []
    for item in dict.fromkeys(record.dead):
        queue, start = record.queue_of.get(item), record.published.get(item, 0.0)
        tried = sum(turn.outcome != "done" for turn in record.turns_by_item.get(item, []))
        tokens = [
            (item, index) for index, fault in enumerate(record.faults)
            if fault.kind in touches.LOSSES and touches.overlap(fault, start, NEVER)
            and any(run.queue == queue for run in touches.affected(fault, record.runs))
        ]
        missing = range(tried, stages.MAX_ATTEMPTS)
        if not all([budget.excuse((item, number), tokens) for number in missing]):
            found.append(item)
    return found


def limits_bypassed(record):
    """Items that their queue's owner wanted dead-lettered by now. The broker counts a copy from 0 again: of what no worker had, and
    of what came back ten times while nobody could know that the queue has an owner's limit."""
    def was_copied(item):
        runs = [run for run in record.runs if run.queue == record.queue_of.get(item)]
        return any(
            run.status in (70, 74, 143) or any(statuses.may_show(fault, run, plan.NO_CONFIGURE) for fault in record.faults)
            for run in runs)

    def tried(item):
        return sum(turn.outcome != "done" for turn in record.turns_by_item.get(item, []))

    return [item for item, limit in record.limits.items() if tried(item) > limit + 2 and item not in record.owner_dead and not was_copied(item)]


# What runners said


def false_successes(record):
    """Runs of a number of items that ended with 0 although a worker of theirs was not done."""
    return [
        run for run in record.runs
        if run.status == 0 and run.limit is not None
        and any(turn.outcome != "done" for turn in record.turns_by_run[run.name])
    ]


def says_drained(run, turns):
    """Whether it took, by its turns, fewer items than it might, and that was all there was."""
    return run.status == 0 and (run.limit is None or len(turns) < run.limit)


def leaves_at(item, record):
    """When it was first done; or, of one that is dead-lettered, when its last worker ended."""
    turns = record.turns_by_item.get(item, [])
    done = [turn.end for turn in turns if turn.outcome == "done"]
    if done:
        return min(done)
    if item in record.left or item in record.kept:
        return NEVER
    return max((turn.end or turn.start for turn in turns), default=0.0)


def false_drains(record):
    """Runs that said by 0 that the queue is drained, while an item was in it that nobody was through with."""
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
    """Workers that went on after their runner's end."""
    ends = {run.name: run.end for run in record.runs if run.end is not None}
    return [
        turn for turn in record.turns
        if turn.run in ends and max(turn.start, turn.end or 0.0) > ends[turn.run] + OUTLIVING
    ]
