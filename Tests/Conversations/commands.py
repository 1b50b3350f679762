"""The commands of the conversations. Each function returns a command line, and a check of its exit status, its standard output
and its standard error. The check returns what is wrong, or None."""

import json

COMMON = ["--connect-timeout", "2s", "--heartbeat", "2s"]


def worker(lane, generator):
    code = generator.choice([0, 0, 0, 0, 3])
    return ["--", "sh", "-c", f"cat >/dev/null; [ {code} != 0 ] || echo done >>{lane.journal}; exit {code}"]


def run(lane, name, items, generator, words=None, wanted=1):
    words = words or generator.choice([["-n", "1"], ["-n", "1", "--when-empty", "exit"], ["-n", "1", "--on-disconnect", "finish"]])
    may_be_empty = "exit" in words
    words = [*words, "--grace", "1s", "--max-item-size", "1MiB", "--spool-above", "1KiB"]
    if name == lane.family:
        words += ["--retry-delay", "1h"]

    def check(status, out, err):
        done = lane.done()
        # Every item that left the queues must have been done. There may also be copies of items that were not settled.
        left = lane.settled_count(name, items - done)
        if left < items - done:
            return f"{items - done - left} of {items} items are lost"
        if status == 0 and not may_be_empty and done < wanted:
            return f"its exit status 0 is false: {done} of {wanted} items were done"
        if status == 0 and may_be_empty and done < min(items, wanted):
            return f"its exit status 0 is false: {done} items were done, of {items} in the queue and {wanted} wanted"
        # Each lost connection may leave one copy for each worker, but copies must not accumulate beyond that.
        if left > items + min(3 * lane.connections, 12):
            return f"{items} items have become {left}"
        return None

    return ["run", "-q", name, *COMMON, *words, *worker(lane, generator)], check


def run_many(lane, name, items, generator):
    if generator.random() < 0.5:
        words, check = run(lane, name, items, generator, ["-n", "3", "-j", "2", "--when-empty", "exit"], 3)
    else:
        words, check = run(lane, name, items, generator, ["--drain", "-j", "3", "--drain-timeout", "4s"], 0)
    return words, check


def publish(lane, name, items, generator):
    bodies = [f"new-{number}" for number in range(generator.choice([1, 3, 20]))]

    def check(status, out, err):
        if status == 0 and lane.settled_count(name, items + len(bodies)) < items + len(bodies):
            return f"its exit status 0 is false: the queues have {lane.counts(name)}, not {items} and {len(bodies)}"
        return None

    return ["publish", "-q", name, *COMMON, *bodies], check


def status(lane, name, items, generator):
    words = generator.choice([[], ["--json"], ["--drained"]])

    def check(code, out, err):
        if code == 0 and "--json" in words:
            try:
                [json.loads(line) for line in out.splitlines()]
            except ValueError:
                return "its output is not JSON"
        return None

    return ["status", name, *COMMON, *words], check


def dead_list(lane, name, items, generator):
    return ["dead", "list", name, *COMMON, *generator.choice([[], ["--json"]])], keeps(lane, name, items)


def dead_show(lane, name, items, generator):
    keep = keeps(lane, name, items)

    def check(status, out, err):
        # AMQP has no checksums, so a flipped bit in the body cannot be detected. The length must be right.
        if status == 0 and len(out) != len(b"item-1"):
            return f"its exit status 0 is false: it showed {out!r}"
        return keep(status, out, err)

    return ["dead", "show", name, *COMMON, "--id", "id-1"], check


def dead_replay(lane, name, items, generator):
    words = generator.choice([[], [], ["--id", "id-1"], ["--where", "n=1"], ["--id", "id-1", "--dry-run"]])
    return ["dead", "replay", name, *COMMON, *words], keeps(lane, name, items)


def dead_purge(lane, name, items, generator):
    """Only one item may be purged, or two if a flipped bit gives another item the same id."""
    words = generator.choice([["--id", "id-1"], ["--id", "id-1", "--dry-run"], ["--reason", "killed"]])
    meant = 2 if words == ["--id", "id-1"] else 0
    return ["dead", "purge", name, *COMMON, *words], keeps(lane, name, items - meant)


def keeps(lane, name, items):
    def check(status, out, err):
        left = lane.settled_count(name, items)
        return None if left >= items else f"{items - left} of {items} items are lost"
    return check


def declare(lane, name, items, generator):
    kind = ["--type", "classic" if lane.family.endswith(tuple("13579")) else "quorum"] if name == lane.family \
        else ["--plain", "--type", "classic"]
    return ["declare", name, *COMMON, *kind], keeps(lane, name, items)


# These commands wait for items or confirmations without a time limit.
UNLIMITED = [run, run_many, publish]
# Commands that occur repeatedly are chosen more often.
COMMANDS = [
    run, run, run, run_many, run_many, publish, publish, status, dead_list, dead_show, dead_replay, dead_replay, dead_purge,
    declare,
]
# These commands need items in the dead-letter queue.
DEAD = [dead_list, dead_show, dead_replay, dead_purge]
