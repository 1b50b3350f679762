"""Decides which faults affected which turns. It has no I/O and no clock.

A turn is the work of one worker on one item. A fault touches a turn only if it hit that turn between its start and its ack:

- SIGKILL to the runner, to the worker, or to the step in which it runs.
- TERM to the runner, unless the worker was done soon afterwards. A second TERM, or the end of the grace, kills the worker;
  otherwise the worker exits with 0 and its item must be acked. TERM to the worker touches nothing, because a worker that is
  done ignores it.
- The end of the connection: it was closed by the broker, reset, or half-open. A stalled connection or a stopped broker
  touches a turn only if it lasts longer than a heartbeat, and then until two heartbeats after its end.
- SIGKILL to the broker, up to two seconds after the ack, because RabbitMQ may have accepted acks without writing them to
  the disk.

A run with a fixed number of items that exits with 0 states that all its acks were accepted. For a worker that was done in
such a run, only SIGKILL to the broker is an excuse. All other faults (permissions, alarms, directories, processes) touch no
turn, because they are no reason to do an item twice.
"""

import plan

HEARTBEAT = 2.0
# All times are in seconds.
# The maximum time between the delivery of an item and its worker's `start`.
BEFORE = 1.0
# The maximum time from a worker's end until the broker accepts the ack, without a fault.
SETTLING = 2.0
# The time before the broker's death in which accepted acks may be lost.
AT_RISK = 2.0
# A worker that is done at most this time after a TERM was not killed because of it.
NOT_YET_KILLED = 0.9
# The time that a runner waits for the confirmation of a copy after TERM.
GIVES_UP = 5.0

SILENCES = {plan.STALLED, plan.BROKER_STOPPED, plan.HALF_OPEN}
CONNECTIONS = SILENCES | {plan.RESET, plan.CLOSED, plan.ALL_CLOSED, plan.BROKER_KILLED}
# The faults that make a runner lose an item that it has.
LOSSES = CONNECTIONS | {plan.RUNNER_KILLED}
# The faults that end an attempt whose worker may not have started.
UNSTARTING = LOSSES | {plan.STEP_KILLED}


def span(fault):
    """Returns the time span in which the fault has an effect; None if it has none."""
    if fault.kind == plan.HALF_OPEN:
        return fault.start, fault.end + 3 * HEARTBEAT
    if fault.kind in SILENCES:
        return None if fault.end - fault.start < HEARTBEAT else (fault.start, fault.end + 2 * HEARTBEAT)
    return fault.start, fault.end


def overlap(fault, start, end):
    found = span(fault)
    return found is not None and found[0] <= end and start <= found[1]


def hits(fault, run):
    """Whether the run is one of those that the fault hit."""
    if fault.run is not None:
        return fault.run == run.name
    return fault.slot in (None, run.slot) and fault.queue in (None, run.queue)


def settles_at(turn, run):
    """Returns the latest time at which the broker accepted the ack, or whatever settled the item."""
    run_end = float("inf") if run.end is None else run.end
    return min(run_end, (turn.start + 10 if turn.end is None else turn.end) + SETTLING)


def vouches(run, turn):
    """Whether the run's exit status states that the ack was accepted."""
    return run.status == 0 and run.limit is not None and turn.outcome == "done"


def cuts(fault, turn, run):
    """Whether the fault may have kept the ack from reaching the broker, or may have made the broker forget it."""
    if fault.kind not in LOSSES or not hits(fault, run) or vouches(run, turn) and fault.kind != plan.BROKER_KILLED:
        return False
    end = settles_at(turn, run) + (AT_RISK if fault.kind == plan.BROKER_KILLED else 0.0)
    return overlap(fault, max(run.start, turn.start - BEFORE), end)


def kills(fault, turn, run):
    """Whether the fault may have killed the worker after it was done."""
    if vouches(run, turn):
        return False
    if fault.kind == plan.WORKER_KILLED:
        return (fault.run, fault.pid) == (turn.run, turn.pid)
    if fault.kind == plan.STEP_KILLED:
        return fault.run == turn.run and overlap(fault, turn.start - BEFORE, settles_at(turn, run))
    if fault.kind == plan.RUNNER_TERMINATED and turn.end is not None:
        return fault.run == turn.run and turn.start - BEFORE <= fault.end and fault.start + NOT_YET_KILLED < turn.end
    return False


def blocks(fault, turn, run, faults):
    """Whether a runner that got TERM may have given up a copy that the broker accepted only after its alarm."""
    if fault.kind != plan.ALARM or turn.outcome == "done":
        return False
    end = settles_at(turn, run) + GIVES_UP
    return overlap(fault, turn.start, end) and any(
        other.kind == plan.RUNNER_TERMINATED and other.run == run.name for other in faults
    )


def is_late(fault, turn, run):
    """Whether the fault delayed the delivery. The item may have been delivered to others in the meantime."""
    return (
        fault.kind in SILENCES and hits(fault, run) and not vouches(run, turn)
        and overlap(fault, turn.start - BEFORE, turn.start)
    )


def affected(fault, runs):
    """Returns the runs that the fault hit."""
    return [run for run in runs if hits(fault, run) and run.start <= fault.end and fault.start <= (run.end or float("inf"))]


def doubles_unrun(fault, queue, record):
    """Whether a runner that could not start a worker may have put back a copy of an item without settling the item itself."""
    if fault.kind not in LOSSES:
        return False
    since = fault.start - (AT_RISK + SETTLING if fault.kind == plan.BROKER_KILLED else 0.0)
    return any(
        run.queue == queue and run.status in (70, 74) and hits(fault, run) and run.start <= fault.end and since <= run.end
        for run in record.runs)


def in_hand(fault, record):
    """Returns the maximum number of items that the runs which the fault hit can have had at that time. For each loop this is
    the highest number of workers of its runs. Items of a publisher's calls are added, and, if the broker was killed, items
    whose ack may not be on the disk."""
    if fault.pid is not None:
        return max((run.batch for run in record.runs if run.name == fault.run), default=1)
    widest = {}
    for run in affected(fault, record.runs):
        widest[run.slot] = max(widest.get(run.slot, 0), run.parallelism)
    count = sum(widest.values())
    count += sum(
        publication.is_repeatable and fault.run is None and fault.slot in (None, publication.slot)
        and overlap(fault, publication.start, publication.end) for publication in record.publications
    )
    if fault.kind == plan.BROKER_KILLED:
        count += sum(
            turn.end is not None and fault.start - AT_RISK - SETTLING <= turn.end <= fault.start for turn in record.turns
        )
        count += sum(
            run.parallelism for run in record.runs
            if run.status in (70, 74) and fault.start - AT_RISK - SETTLING <= run.end <= fault.start
        )
    return count


def unstarted(fault, record):
    """Returns the maximum number of items that the runs which the fault hit can have had without a worker's `start`."""
    count = 0
    for run in affected(fault, record.runs):
        going_on = sum(
            turn.start <= fault.start <= (turn.end or float("inf")) for turn in record.turns_by_run[run.name])
        count += max(0, run.parallelism - going_on)
    return count
