"""Many runners and many items. Every item is done once, and no delivery count is raised without a run."""

import collections
import shutil
import signal
import subprocess
import threading

import pytest

from support.processes import holds_for, wait_until

ITEMS = 200
LOOPS = 4

# Logs which run had which item, and how it ended: 0 or 1, at random.
WORKER = """
body=$(cat)
outcome=$(( $(od -An -N1 -tu1 /dev/urandom) % 2 ))
echo "$RUN $body $outcome" >>{log}
exit $outcome
"""


class Loops:
    """Parallel loops, each of which runs command(run) over and over."""

    def __init__(self, bench, log, loops=LOOPS, items=ITEMS):
        self.bench, self.log, self.loops, self.items = bench, log, loops, items
        self.statuses = {}  # The exit status of each run.
        self.troubles = []  # What was said by the runs that ended neither with 0 nor with the worker's 1.
        self.over = threading.Event()
        self.processes = set()

    def records(self):
        """The (run, item, outcome) of each worker."""
        text = self.log.read_text() if self.log.exists() else ""
        return [line.split() for line in text.splitlines()]

    def _loop(self, number, command):
        for turn in range(10 * self.items):
            if self.over.is_set():
                return
            run = f"{number}.{turn}"
            environment = self.bench.environment(RUN=run)
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            self.processes.add(process)
            said = process.communicate()[1]
            self.processes.discard(process)
            status = self.statuses[run] = process.returncode
            if status not in (0, 1):
                self.troubles.append((status, said))
            if status == 0 and not any(record[0] == run for record in self.records()):
                return  # The run reports that nothing was left to do.

    def run(self, command, done, timeout=300):
        """Runs until all loops have found nothing left to do, or until done()."""
        threads = [
            threading.Thread(target=self._loop, args=(number, command), daemon=True) for number in range(self.loops)
        ]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: done() or not any(thread.is_alive() for thread in threads), timeout, "the end of it")
        finally:
            self.over.set()
            for thread in threads:
                while thread.is_alive():  # The loop may be about to start one more process.
                    for process in list(self.processes):
                        process.terminate()
                    thread.join(0.1)

    def false_successes(self):
        """The runs that exited 0 although their worker did not."""
        return [run for run, _, outcome in self.records() if self.statuses.get(run) == 0 and outcome != "0"]

    def successes(self):
        """The runs that had an item and exited 0."""
        had = {run for run, _, _ in self.records()}
        return [run for run, status in self.statuses.items() if status == 0 and run in had]


def prepare(bench, kind):
    queue = bench.queue(kind, *[b"%d" % n for n in range(ITEMS)])
    log = bench.path("log")
    return queue, Loops(bench, log), bench.script(WORKER.format(log=log))


@pytest.mark.slow
@pytest.mark.limit(400)
def test_200_items_and_workers_that_fail_at_random(bench, kind, figures):
    queue, loops, worker = prepare(bench, kind)
    command = [
        bench.binary, "run", "--url-file", str(bench.url_file), "-q", queue.name, "-n", "1", "--when-empty", "exit",
        "--", *worker,
    ]
    loops.run(command, done=lambda: False)
    figures.append(
        f"amqp-job, {kind} queue, {ITEMS} items: {len(loops.successes())} runs with an item exited with 0, "
        f"{len(loops.false_successes())} of them falsely"
    )
    done = [item for _, item, outcome in loops.records() if outcome == "0"]
    assert sorted(done, key=int) == [str(n) for n in range(ITEMS)], "an item was done twice, or never"
    assert loops.troubles == []
    assert len(loops.successes()) == ITEMS
    assert not loops.false_successes()
    failures = [outcome for _, _, outcome in loops.records() if outcome != "0"]
    assert collections.Counter(loops.statuses.values()) == {0: ITEMS + LOOPS, 1: len(failures)}
    queue.assert_empty()


@pytest.mark.skipif(not shutil.which("amqp-consume"), reason="amqp-tools are not installed")
@pytest.mark.slow
@pytest.mark.any_broker
@pytest.mark.limit(400)
def test_the_same_with_amqp_consume(bench, figures):
    """What amqp-consume does with the same items. It waits when nothing is left, so the test ends it."""
    queue, loops, worker = prepare(bench, "classic")
    host, port = bench.broker.address
    command = [
        "amqp-consume", f"--server={host}", f"--port={port}", "-q", queue.name, "-c", "1", "-p", "1", *worker,
    ]

    def done():
        return len({item for _, item, outcome in loops.records() if outcome == "0"}) == ITEMS

    loops.run(command, done)
    really = {item for _, item, outcome in loops.records() if outcome == "0"}
    figures.append(
        f"amqp-consume, classic queue, {ITEMS} items: {len(loops.successes())} runs with an item exited with 0, "
        f"{len(loops.false_successes())} of them falsely"
    )
    assert len(really) == ITEMS
    assert len(loops.false_successes()) > 0, "amqp-consume tells the truth: the comparison in the README has to be changed"
    assert len(loops.successes()) > ITEMS


# Counts of deliveries


def items_dead_lettered(bench, command):
    """How many of 300 items a delivery limit of 3 dead-letters, while eight loops take them one by one and no worker
    fails."""
    dead = bench.queue("classic")
    queue = bench.queue(
        "quorum", *[b"%d" % n for n in range(300)],
        **{"x-delivery-limit": 3, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead.name},
    )
    log = bench.path("log")
    worker = bench.script(f'echo "$RUN $(cat) 0" >>{log}')
    loops = Loops(bench, log, loops=8, items=300)

    def over():
        return len({item for _, item, _ in loops.records()}) + dead.depth() >= 300

    loops.run(command(queue) + worker, done=over, timeout=300)
    # An item that was run just as the loops ended may be dead-lettered, too.
    wait_until(over, what="all 300 items")
    return dead.depth()


@pytest.mark.slow
@pytest.mark.limit(400)
def test_no_item_is_dead_lettered_that_was_not_run(bench, figures):
    def ours(queue):
        return [bench.binary, "run", "--url-file", str(bench.url_file), "-q", queue.name, "--when-empty", "exit", "--"]

    count = items_dead_lettered(bench, ours)
    figures.append(f"amqp-job, delivery limit 3, 8 loops: {count} of 300 items dead-lettered unrun")
    assert count == 0


@pytest.mark.skipif(not shutil.which("amqp-consume"), reason="amqp-tools are not installed")
@pytest.mark.slow
@pytest.mark.limit(400)
def test_the_same_limit_with_amqp_consume(bench, figures):
    host, port = bench.broker.address

    def theirs(queue):
        return ["amqp-consume", f"--server={host}", f"--port={port}", "-q", queue.name, "-c", "1", "-p", "1"]

    count = items_dead_lettered(bench, theirs)
    figures.append(f"amqp-consume, delivery limit 3, 8 loops: {count} of 300 items dead-lettered unrun")
    assert count > 0, "amqp-consume touches nothing that it does not run: the comparison in the README has to be changed"


def raised(properties):
    return (properties.headers or {}).get("x-delivery-count", 0)


def test_counts_are_raised_by_runs_alone(bench):
    """There are ten items, a delivery limit of 2, and forty runs. Each run succeeds on its own item only. Whatever is
    left, an item was given back as many times as its count says, and none was dropped before its third run."""
    dead = bench.queue("classic")
    queue = bench.queue(
        "quorum", *[b"%d" % n for n in range(10)],
        **{"x-delivery-limit": 2, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead.name},
    )
    log = bench.path("log")
    worker = bench.script(
        f'body=$(cat); echo "$body $WORK_ITEM_ATTEMPT" >>{log}; [ "$body" = "$OWN" ]'
    )
    done, runs = set(), collections.Counter()
    for number in range(40):
        if queue.depth() == 0:
            break
        before = len(log.read_text().splitlines()) if log.exists() else 0
        own = str(number % 10)
        result = bench.run("-q", queue.name, "-n", "1", "--when-empty", "exit", worker=worker, env={"OWN": own})
        lines = log.read_text().splitlines()[before:]
        assert len(lines) == 1, lines
        item, attempt = lines[0].split()
        runs[item] += 1
        assert int(attempt) == runs[item], f"item {item}: run {runs[item]} is told to be attempt {attempt}"
        assert result.status == (0 if item == own else 1), result
        if item == own:
            done.add(item)
    assert sum(runs.values()) >= 10
    left = {}
    for redelivered, properties, body in queue.take_all():
        left[body.decode()] = raised(properties)
    for item, count in left.items():
        assert count == runs[item], f"item {item} was run {runs[item]} times and has a count of {count}"
    dropped = {body.decode() for _, _, body in dead.take_all()}
    for item in dropped:
        assert runs[item] == 3, f"item {item} was dropped after {runs[item]} runs"
    assert done | set(left) | dropped == {str(n) for n in range(10)}


def test_what_was_not_run_is_not_touched(bench):
    """Parallel runs succeed. Each takes one item, and none holds a second one."""
    queue = bench.queue("quorum", *[b"%d" % n for n in range(30)])
    worker = bench.script('[ "$WORK_ITEM_ATTEMPT $WORK_ITEM_REDELIVERED" = "1 false" ]')
    for _ in range(5):
        together = [bench.start("-q", queue.name, worker=worker) for _ in range(4)]
        assert [runner.finish().status for runner in together] == [0] * 4
    queue.assert_untouched(10)


def test_term_while_running_touches_no_other_item(bench):
    queue = bench.queue("quorum", *[b"%d" % n for n in range(5)])
    worker = bench.worker("trap:TERM:0", "hold")
    runner = bench.start("-q", queue.name, "-n", "5", worker=worker)
    worker.wait_for("holding")
    runner.send(signal.SIGTERM)
    assert runner.finish().status == 143
    queue.assert_untouched(4)


# Two runners and one item


def two(bench, kind, *steps):
    queue = bench.queue(kind, b"apple")
    first_worker, second_worker = bench.worker(*steps), bench.worker("read")
    first = bench.start("-q", queue.name, "--when-empty", "exit", worker=first_worker)
    first_worker.wait_for("holding")
    second = bench.start("-q", queue.name, "--when-empty", "exit", worker=second_worker)
    queue.wait_for_consumer(2)
    return queue, first, first_worker, second, second_worker


def test_two_runners_and_one_item(bench, kind):
    """The second runner stays as long as the first may still give the item back. Then they end together."""
    queue, first, first_worker, second, second_worker = two(bench, kind, "hold")
    holds_for(second.runs, 4.5, "the second runner")  # An empty queue would keep it for less time than this.
    first_worker.go()
    assert first.finish().status == 0
    assert second.finish().status == 0
    assert not second_worker.has("start")
    queue.assert_empty()


@pytest.mark.parametrize("end", ["fails", "is killed"])
def test_the_second_runner_takes_what_the_first_one_gives_back(bench, kind, end):
    queue, first, first_worker, second, second_worker = two(bench, kind, "hold", "exit:3")
    if end == "fails":
        first_worker.go()
        assert first.finish().status == 3
    else:
        first.send(signal.SIGKILL)
        first.finish()
    assert second.finish().status == 0
    assert second_worker.runs == 1
    queue.assert_empty()


def test_last_runners_of_a_job_end_together(bench):
    """No runner makes the others wait just by probing."""
    queue = bench.queue("quorum")
    runners = [bench.start("-q", queue.name, "--when-empty", "exit", worker=["true"]) for _ in range(4)]
    assert [runner.finish(60).status for runner in runners] == [0] * 4
