"""Which faults explain how a run ended. No I/O, no clock."""

import plan
import touches

# For this time after a fault, in seconds, it may affect runs that begin then. RabbitMQ caches permissions for a while, and a
# broker that has just started must first find the leaders of its queues.
AFTERWARDS = 3.0
# The time in seconds in which a runner ends after TERM, including the grace and the settling.
SLOW_END = 8.0

BROKER = {plan.BROKER_STOPPED, plan.BROKER_KILLED, plan.ALARM}
SPOOL = {plan.SPOOL_GONE, plan.SPOOL_FULL}
PROCESSES = {plan.NO_PROCESSES, plan.NO_DESCRIPTORS}
PERMISSIONS = {plan.NO_CONFIGURE, plan.NO_WRITE}
# No fault explains a status that is not listed here.
EXPLAINED_BY = {
    1: {plan.STEP_KILLED},
    2: {plan.NO_DESCRIPTORS},  # from the worker's shell, which needs descriptor 10
    64: {plan.SPOOL_GONE},  # if the runner starts during the fault
    66: {plan.DELETED},
    69: touches.SILENCES | {plan.BROKER_KILLED, plan.NO_DESCRIPTORS, plan.STEP_KILLED},
    70: PROCESSES,
    74: SPOOL | {plan.NO_DESCRIPTORS},
    75: touches.CONNECTIONS,
    76: {plan.DELETED},
    77: PERMISSIONS,
    137: {plan.WORKER_KILLED, plan.RUNNER_TERMINATED},
    143: {plan.RUNNER_TERMINATED, plan.WORKER_TERMINATED},
    -9: {plan.RUNNER_KILLED},
    -15: {plan.RUNNER_TERMINATED},
}
# These faults hit a single process, which they name.
OF_ONE = {plan.RUNNER_KILLED, plan.RUNNER_TERMINATED, plan.WORKER_KILLED, plan.WORKER_TERMINATED, plan.STEP_KILLED}


def explains(fault, run):
    """Whether the fault can cause the run's status, hit that run, and happened close enough in time."""
    if fault.kind not in EXPLAINED_BY.get(run.status, ()):
        return False
    if fault.kind in OF_ONE:
        return fault.run == run.name
    if not touches.hits(fault, run):
        return False
    start, end = touches.span(fault) or (fault.start, fault.start)
    if touches.span(fault) is None and run.status == 75:
        return False  # the fault was too short to break a connection
    return start <= run.end and run.start <= end + AFTERWARDS


def may_show(fault, run, kind):
    """Whether the fault is of that kind, which hits all runs, and may have affected this run."""
    return fault.kind == kind and fault.start <= (run.end or fault.start) and run.start <= fault.end + AFTERWARDS


def unexplained(record):
    """Returns the runs whose exit status no fault explains."""
    killed = {run.name for run in record.hung}
    return [
        run for run in record.runs
        if run.status not in (None, 0) and run.status not in run.expected and run.name not in killed
        and not any(explains(fault, run) for fault in record.faults) and not has_failed(run, record)
    ]


def has_failed(run, record):
    """Whether the status is 1 for a good reason: a worker failed, or earlier runners had used up an item's attempts."""
    if run.status != 1:
        return False
    return any(turn.outcome != "done" for turn in record.turns_by_run[run.name]) or any(
        record.queue_of.get(item) == run.queue for item in record.dead
    )
