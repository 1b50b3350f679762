"""Which faults explain how a run ended. No I/O, no clock."""

import plan
import touches

# So long a fault may show in runs that begin after it: RabbitMQ keeps what it has found out about permissions for a while,
# and a broker that was started has to find its queues' leaders.
AFTERWARDS = 3.0
# A runner ends only some time after it was told to; its settling is bounded by that, and by the grace.
SLOW_END = 8.0

BROKER = {plan.BROKER_STOPPED, plan.BROKER_KILLED, plan.ALARM}
SPOOL = {plan.SPOOL_GONE, plan.SPOOL_FULL}
PROCESSES = {plan.NO_PROCESSES, plan.NO_DESCRIPTORS}
PERMISSIONS = {plan.NO_CONFIGURE, plan.NO_WRITE}
# A status that is not here is explained by none.
EXPLAINED_BY = {
    2: {plan.NO_DESCRIPTORS},  # of a worker's shell, which wants a tenth one
    64: {plan.SPOOL_GONE},  # of a runner that starts then
    66: {plan.DELETED},
    69: touches.SILENCES | {plan.BROKER_KILLED, plan.NO_DESCRIPTORS},
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
# These are for one process, and named.
OF_ONE = {plan.RUNNER_KILLED, plan.RUNNER_TERMINATED, plan.WORKER_KILLED, plan.WORKER_TERMINATED}


def explains(fault, run):
    """Whether the fault was of the right kind for the run's status, for that run, and near enough."""
    if fault.kind not in EXPLAINED_BY.get(run.status, ()):
        return False
    if fault.kind in OF_ONE:
        return fault.run == run.name
    if not touches.hits(fault, run):
        return False
    start, end = touches.span(fault) or (fault.start, fault.start)
    if touches.span(fault) is None and run.status == 75:
        return False  # it was too short to cost a connection
    return start <= run.end and run.start <= end + AFTERWARDS


def may_show(fault, run, kind):
    """Whether the run may have met that kind of fault, which is for all."""
    return fault.kind == kind and fault.start <= (run.end or fault.start) and run.start <= fault.end + AFTERWARDS


def unexplained(record):
    """Runs that ended in a way that no fault explains."""
    killed = {run.name for run in record.hung}
    return [
        run for run in record.runs
        if run.status not in (None, 0) and run.status not in run.expected and run.name not in killed
        and not any(explains(fault, run) for fault in record.faults) and not has_failed(run, record)
    ]


def has_failed(run, record):
    """1 is for a worker that was not done; or an item that had its attempts, by runners that were lost."""
    if run.status != 1:
        return False
    return any(turn.outcome != "done" for turn in record.turns_by_run[run.name]) or any(
        record.queue_of.get(item) == run.queue for item in record.dead
    )
