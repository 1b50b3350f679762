"""The rules: what must not happen in a fault run, judged from what did. No I/O, no clock.

An item is one message at first: it has one *life*. A worker that is `done` with it uses a life up. So a second `done`
needs a second life, and only a fault gives one:

- A fault that *touched* the turn of a worker that was done: its ack may not have been taken, and the item is back.
- A fault that touched any other turn, where items are moved by a confirmed copy and then an ack (retries): the copy may
  be there, and the item too. On a classic queue a returned item is also copied before it is run, to count the return;
  so there a fault on anybody between two turns may have come between that copy and its ack.

A turn is touched by what hit that very turn between its start and the ack of its end, and nothing else:

- SIGKILL to its runner, or to its worker.
- TERM to its runner, but only if the worker was not done soon afterwards: a second TERM, or the end of the grace,
  kills. Else it exits with 0 and has to be acked. TERM to the worker is no excuse: one that is done ignores it by then.
- The end of its connection: closed by the broker, reset, or half-open. A stalled connection or a stopped broker only
  where that takes longer than a heartbeat; then until two heartbeats after its end.
- SIGKILL to the broker, up to two seconds after the ack: RabbitMQ has taken acks by then that are not on its disk.

A worker may also begin on an item that has been given to others meanwhile, since its delivery was held up by a silence.
Such a turn needs no life.

A run of a number of items that ended with 0 has said that all its acks were taken. So of all this only the broker's
SIGKILL excuses a worker that was done in such a run.
"""

import dataclasses

import plan
from journal import by_item

HEARTBEAT = 2.0
# How long an item may be with a runner before its worker has written `start`.
BEFORE = 1.0
# How long it may take from a worker's end to the broker's taking of the ack, were nothing else in the way.
SETTLING = 2.0
# How long an ack is in danger when the broker dies.
AT_RISK = 2.0
# A worker that is done so soon after a TERM was not killed over it.
NOT_YET_KILLED = 0.9
# How old an item is that a look for a drained queue cannot have missed.
SEEN = 5.0
# What a worker may still write after its runner's end; it takes that long to be killed.
OUTLIVING = 1.0

SILENCES = {plan.STALLED, plan.BROKER_STOPPED, plan.HALF_OPEN}
# Statuses that no fault explains: usage, queue, internal, login, declaration, command.
BROKEN = {64, 65, 66, 70, 73, 74, 77, 78, 126, 127}


@dataclasses.dataclass
class Record:
    """A whole fault run."""

    published: dict  # when each item was confirmed
    uncertain: set  # items of which the publisher never learned whether they are in the queue
    runs: list
    turns: list
    faults: list
    left: list = dataclasses.field(default_factory=list)  # items found in the queue or its retry queue in the end
    dead: list = dataclasses.field(default_factory=list)  # in the dead-letter queue
    hung: list = dataclasses.field(default_factory=list)  # runs that had to be ended
    copies: bool = True  # failed items are moved by copies
    recounts: bool = False  # returned items too

    def __post_init__(self):
        self.run_by_name = {run.name: run for run in self.runs}
        self.turns_by_item = by_item(self.turns)
        self.turns_by_run = {run.name: [] for run in self.runs}
        for turn in self.turns:
            self.turns_by_run[turn.run].append(turn)


def lost(record):
    kept = {turn.item for turn in record.turns if turn.outcome == "done"}.union(record.left, record.dead)
    return [item for item in record.published if item not in kept]


def span(fault):
    """While what the fault did may show; None for one that does nothing."""
    if fault.kind == plan.HALF_OPEN:
        return fault.start, fault.end + 3 * HEARTBEAT
    if fault.kind in SILENCES:
        return None if fault.end - fault.start < HEARTBEAT else (fault.start, fault.end + 2 * HEARTBEAT)
    return fault.start, fault.end


def overlap(fault, start, end):
    found = span(fault)
    return found is not None and found[0] <= end and start <= found[1]


def settles_at(turn, run):
    """When its ack, or whatever it came to, was taken at the latest."""
    run_end = float("inf") if run.end is None else run.end
    return min(run_end, (turn.start + 10 if turn.end is None else turn.end) + SETTLING)


def vouches(run, turn):
    """Whether the run has said that the ack was taken."""
    return run.status == 0 and run.limit is not None and turn.outcome == "done"


def cuts(fault, turn, run):
    """Whether the fault kept the runner from telling the broker, or the broker from remembering."""
    if vouches(run, turn) and fault.kind != plan.BROKER_KILLED:
        return False
    start, end = max(run.start, turn.start - BEFORE), settles_at(turn, run)
    if fault.kind == plan.RUNNER_KILLED:
        return fault.run == turn.run and overlap(fault, start, end)
    if fault.kind == plan.BROKER_KILLED:
        return overlap(fault, start, end + AT_RISK)
    if fault.run is not None or fault.pid is not None:
        return False
    return fault.slot in (None, run.slot) and overlap(fault, start, end)


def kills(fault, turn, run):
    """Whether the fault may have killed the worker after it was done."""
    if vouches(run, turn):
        return False
    if fault.kind == plan.WORKER_KILLED:
        return (fault.run, fault.pid) == (turn.run, turn.pid)
    if fault.kind == plan.RUNNER_TERMINATED and turn.end is not None:
        return fault.run == turn.run and turn.start - BEFORE <= fault.end and fault.start + NOT_YET_KILLED < turn.end
    return False


def is_late(turn, run, faults):
    """Whether the delivery was held up on its way."""
    return not vouches(run, turn) and any(
        fault.kind in SILENCES and fault.slot in (None, run.slot) and overlap(fault, turn.start - BEFORE, turn.start)
        for fault in faults
    )


def unexcused(item, record):
    """The turns that were done with the item, but had no life of it."""
    lives, found, former_end = 1, [], record.published.get(item, 0.0)
    for turn in record.turns_by_item[item]:
        run = record.run_by_name[turn.run]
        if record.recounts and any(
            fault.kind not in (plan.WORKER_KILLED, plan.WORKER_TERMINATED)
            and overlap(fault, former_end, turn.start) for fault in record.faults
        ):
            lives += 1
        former_end = max(former_end, turn.end or turn.start)
        is_done = turn.outcome == "done"
        had_life = lives > 0
        if is_done and had_life:
            lives -= 1
        elif is_done and not is_late(turn, run, record.faults):
            found.append(turn)
        is_cut = any(cuts(fault, turn, run) for fault in record.faults)
        if is_done and had_life and (is_cut or any(kills(fault, turn, run) for fault in record.faults)):
            lives += 1
        elif not is_done and record.copies and is_cut:
            lives += 1
    return found


def done_twice(record):
    return [turn for item in record.turns_by_item for turn in unexcused(item, record)]


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


def false_drains(record):
    """Runs that said by 0 that the queue is drained, while an item that was in it had never been done."""
    first_done = dict.fromkeys(record.left, float("inf"))
    for turn in record.turns:
        if turn.outcome == "done":
            first_done[turn.item] = min(turn.end, first_done.get(turn.item, float("inf")))
    return [
        run for run in record.runs
        if says_drained(run, record.turns_by_run[run.name]) and any(
            confirmed + SEEN < run.end < first_done.get(item, 0.0) for item, confirmed in record.published.items()
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


def broken(record):
    """Runs that ended in a way that no fault explains."""
    sent = {(fault.run, fault.kind) for fault in record.faults}
    sent |= {(run.name, plan.RUNNER_KILLED) for run in record.hung}
    return [
        run for run in record.runs
        if run.status in BROKEN or run.status is not None and run.status < 0
        and (run.name, {-9: plan.RUNNER_KILLED, -15: plan.RUNNER_TERMINATED}.get(run.status)) not in sent
    ]
