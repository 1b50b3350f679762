"""Which faults touched what. No I/O, no clock.

A turn of a worker is touched by what hit that very turn between its start and the ack of its end, and nothing else:

- SIGKILL to its runner, or to its worker.
- TERM to its runner, but only if the worker was not done soon afterwards: a second TERM, or the end of the grace,
  kills. Else it exits with 0 and has to be acked. TERM to the worker is no excuse: one that is done ignores it by then.
- The end of its connection: closed by the broker, reset, or half-open. A stalled connection or a stopped broker only
  where that takes longer than a heartbeat; then until two heartbeats after its end.
- SIGKILL to the broker, up to two seconds after the ack: RabbitMQ has taken acks by then that are not on its disk.

A run of a number of items that ended with 0 has said that all its acks were taken. So of all this only the broker's
SIGKILL excuses a worker that was done in such a run. All the other faults (permissions, alarms, directories, processes)
touch no turn: they give nobody a reason to do an item twice.
"""

import plan

HEARTBEAT = 2.0
# How long an item may be with a runner before its worker has written `start`.
BEFORE = 1.0
# How long it may take from a worker's end to the broker's taking of the ack, were nothing else in the way.
SETTLING = 2.0
# How long an ack is in danger when the broker dies.
AT_RISK = 2.0
# A worker that is done so soon after a TERM was not killed over it.
NOT_YET_KILLED = 0.9
# How long a runner that is told to end waits for a copy to be confirmed.
GIVES_UP = 5.0

SILENCES = {plan.STALLED, plan.BROKER_STOPPED, plan.HALF_OPEN}
CONNECTIONS = SILENCES | {plan.RESET, plan.CLOSED, plan.ALL_CLOSED, plan.BROKER_KILLED}
# What costs a runner an item that it has.
LOSSES = CONNECTIONS | {plan.RUNNER_KILLED}


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


def hits(fault, run):
    """Whether it is one of those that the fault was for."""
    if fault.run is not None:
        return fault.run == run.name
    return fault.slot in (None, run.slot) and fault.queue in (None, run.queue)


def settles_at(turn, run):
    """When its ack, or whatever it came to, was taken at the latest."""
    run_end = float("inf") if run.end is None else run.end
    return min(run_end, (turn.start + 10 if turn.end is None else turn.end) + SETTLING)


def vouches(run, turn):
    """Whether the run has said that the ack was taken."""
    return run.status == 0 and run.limit is not None and turn.outcome == "done"


def cuts(fault, turn, run):
    """Whether the fault kept the runner from telling the broker, or the broker from remembering."""
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
    if fault.kind == plan.RUNNER_TERMINATED and turn.end is not None:
        return fault.run == turn.run and turn.start - BEFORE <= fault.end and fault.start + NOT_YET_KILLED < turn.end
    return False


def blocks(fault, turn, run, faults):
    """Whether the runner, told to end, may have given up a copy that the broker took only when it was over its alarm."""
    if fault.kind != plan.ALARM or turn.outcome == "done":
        return False
    end = settles_at(turn, run) + GIVES_UP
    return overlap(fault, turn.start, end) and any(
        other.kind == plan.RUNNER_TERMINATED and other.run == run.name for other in faults
    )


def is_late(fault, turn, run):
    """Whether the fault held the delivery up on its way: the item may have been given to others meanwhile."""
    return (
        fault.kind in SILENCES and hits(fault, run) and not vouches(run, turn)
        and overlap(fault, turn.start - BEFORE, turn.start)
    )


def affected(fault, runs):
    """The runs that it met."""
    return [run for run in runs if hits(fault, run) and run.start <= fault.end and fault.start <= (run.end or float("inf"))]


def doubles_unrun(fault, queue, record):
    """Whether a runner that could start no worker may have put an item back as a copy, without being rid of the item itself."""
    if fault.kind not in LOSSES:
        return False
    since = fault.start - (AT_RISK + SETTLING if fault.kind == plan.BROKER_KILLED else 0.0)
    return any(
        run.queue == queue and run.status in (70, 74) and hits(fault, run) and run.start <= fault.end and since <= run.end
        for run in record.runs)


def in_hand(fault, record):
    """How many items those it met can have had then: for each loop as many as the widest of its runs has workers, and the
    items of calls of a publisher. When the broker is killed, those too whose ack is not on its disk."""
    if fault.pid is not None:
        return 1
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
    """How many items those it met can have had of which no worker has written `start`."""
    count = 0
    for run in affected(fault, record.runs):
        going_on = sum(
            turn.start <= fault.start <= (turn.end or float("inf")) for turn in record.turns_by_run[run.name])
        count += max(0, run.parallelism - going_on)
    return count
