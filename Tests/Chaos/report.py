"""The result of a fault run, and the history of each item that violates a rule."""

import collections
import signal
import sys

import journal
import statuses
import touches
import verdict

# In a run that takes at least this many seconds, every kind of fault must occur.
ALL_KINDS = 120.0
# The maximum numbers of violations that are shown for each rule, of turns for each violation, and of log lines for each run.
STORIES, TURNS, LINES = 5, 10, 12
# The faults that are shown with a run are those that happened at most this many seconds before or after it.
NEAR = 3.0


def name_of(status):
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


class Report:
    """`said(run)` returns the lines that a run has logged."""

    def __init__(self, options, record, situations, remaining, version, seconds, said, complaints):
        self.options, self.record, self.version, self.seconds, self.said = options, record, version, seconds, said
        self.situations = situations
        self.kinds = collections.Counter(fault.kind for fault in record.faults)
        late = [f"{turn.item} of run {turn.run}" for turn in verdict.outliving(record)]
        # Each list must be empty. Its entries are shown.
        self.checks = {
            "items lost": verdict.lost(record),
            "items left in a queue": record.left,
            "queues with messages that cannot be got": record.unseen,
            "items done or left more than once without a fault that excuses it": verdict.copies_in_excess(record),
            "false successes": verdict.false_successes(record),
            "items damaged": verdict.damaged(record),
            "worker processes left over": remaining + late,
        }
        if options.consumer == "amqp-job":  # amqp-consume reports no drained queue, and waits forever
            self.checks["queues falsely reported as drained"] = verdict.false_drains(record)
            self.checks["items dead-lettered without their attempts"] = verdict.dead_unrun(record)
            self.checks["items kept from their owner's dead-letter queue"] = verdict.limits_bypassed(record)
            self.checks["runners that hung"] = record.hung
            self.checks["exit statuses that no fault explains"] = statuses.unexplained(record)
        if options.steps:
            self.checks["steps that did not end with 0"] = complaints
        if options.seconds >= ALL_KINDS:
            self.checks["kinds of faults that never occurred"] = [
                kind for kind in options.faults if not self.kinds[kind]]

    def lines(self):
        record, options = self.record, self.options
        done = [turn for turn in record.turns if turn.outcome == "done"]
        found = {
            "seed": options.seed, "consumer": options.consumer, "steps": options.steps, "queues": ", ".join(options.queues),
            "rabbitmq": self.version, "items": len(record.published),
            "items that may not have been published": len(record.publications) - len(record.published),
            "faults": len(record.faults), **{f"faults, {kind}": self.kinds[kind] for kind in options.faults},
            **{f"situations, {kind}": count for kind, count in self.situations.items()}, "runs": len(record.runs),
        }
        ends = collections.Counter(run.status for run in record.runs)
        found |= {f"runs, {name_of(status)}": ends[status] for status in sorted(ends)}
        return found | {
            "workers": len(record.turns), "workers that were done": len(done),
            "done twice": len(done) - len({turn.item for turn in done}), "dead-lettered": len(record.dead),
            **{name: len(found) for name, found in self.checks.items()}, "seconds": f"{self.seconds:.1f}",
        }

    def show(self):
        """Prints the report, and returns the exit status."""
        for name, value in self.lines().items():
            print(f"{name}: {value}")
        failed = [name for name, found in self.checks.items() if found]
        sys.stdout.flush()
        for name in failed:
            self.tell(name, self.checks[name])
        print(f"{len(self.checks) - len(failed)} passed, {len(failed)} failed", flush=True)
        return 1 if failed else 0

    def tell(self, name, found):
        for each in found[:STORIES]:
            print(f"\n{name}: {each}", file=sys.stderr)
            item = getattr(each, "item", each)
            if isinstance(each, journal.Run):
                self.tell_run(each)
            turns = self.record.turns_by_item.get(item, []) if isinstance(item, str) else []
            for turn in turns[:TURNS]:
                self.tell_turn(turn)
            if len(turns) > TURNS:
                print(f"  {len(turns) - TURNS} more turns", file=sys.stderr)
        if len(found) > STORIES:
            print(f"\n{name}: {len(found) - STORIES} more", file=sys.stderr)

    def tell_turn(self, turn):
        run = self.record.run_by_name[turn.run]
        print(f"  {turn}\n    {run}", file=sys.stderr)
        for fault in self.record.faults:
            if touches.cuts(fault, turn, run) or touches.kills(fault, turn, run):
                print(f"    touched by {fault}", file=sys.stderr)
        self.tell_run(run)

    def tell_run(self, run):
        for line in self.said(run)[-LINES:]:
            print(f"    it logged: {line}", file=sys.stderr)
        for fault in self.record.faults:
            if fault.start - NEAR <= (run.end or fault.start) and run.start <= fault.end + NEAR and touches.hits(fault, run):
                print(f"    at about that time: {fault}", file=sys.stderr)
