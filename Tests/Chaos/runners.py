"""Loops that start one runner after another, as the Job controller does with pods."""

import dataclasses
import os
import select
import signal
import subprocess
import threading
import time

import plan
from journal import Run

MARKER = "CHAOS_MARKER"
CONNECT_TIMEOUT = 20.0
COMMON = ["--heartbeat", "2s", "--connect-timeout", f"{CONNECT_TIMEOUT:.0f}s", "--grace", "2s", "--verbose"]
# As root, runners and workers run as another user, because process limits do not apply to root.
NOBODY = 65534 if os.geteuid() == 0 else None


@dataclasses.dataclass(frozen=True)
class Mode:
    words: tuple
    limit: int | None  # the maximum number of items; None means no limit
    workers: int = 1
    batch: int = 1  # the maximum number of items of a worker

    @property
    def words_of_batch(self):
        return ["--batch", str(self.batch), "--batch-wait", "200ms", "--feed", "dir"] if self.batch > 1 else []


MODES = {
    "one": Mode(("-n", "1", "--when-empty", "exit"), 1),
    "several": Mode(("-n", "5", "-j", "2", "--when-empty", "exit"), 5, 2),
    "drain": Mode(("--drain", "-j", "2"), None, 2),
    "finish": Mode(("-n", "1", "--when-empty", "exit", "--on-disconnect", "finish", "--finish-window", "10s"), 1),
    "batches": Mode(("-n", "6", "-j", "2", "--when-empty", "exit"), 6, 2, batch=3),
    "drain-batches": Mode(("--drain",), None, batch=5),
}
WEIGHTS = {"one": 4, "several": 2, "drain": 2, "finish": 1, "batches": 1, "drain-batches": 1}
BATCHES = [name for name, mode in MODES.items() if mode.batch > 1]


def mode(seed, run, names):
    """Returns the mode of a run, and its options."""
    generator = plan.generator(seed, "run", run)
    found = MODES[generator.choices(names, [WEIGHTS[name] for name in names])[0]]
    storing = ["--spool-above", "32KiB"] if generator.random() < 0.6 else []
    feed = ["--feed", "file"] if generator.random() < 0.25 and found.batch == 1 else []
    return found, [*found.words, *found.words_of_batch, *storing, *feed]


def without_feed(words):
    """The options without --feed: a step gets its item on standard input."""
    return [word for index, word in enumerate(words) if "--feed" not in words[max(0, index - 1):index + 1]]


def environment(marker, run, **more):
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", MARKER: marker, "CHAOS_RUN": run, **more}


class Runner:
    """A process that can be signalled at any time. The pidfd never refers to another process with the same id."""

    def __init__(self, run, words, environment, log):
        self.run = run
        with open(log, "ab") as file:
            file.write(f"-- {run.start:.3f} run {run.name}\n".encode())
            file.flush()
            self.process = subprocess.Popen(
                words, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
                user=NOBODY, group=NOBODY, extra_groups=None if NOBODY is None else [],
            )
        self.log = log
        self.descriptor = os.pidfd_open(self.process.pid)

    def send(self, number):
        """Sends a signal. Returns whether the process was still running."""
        if select.select([self.descriptor], [], [], 0)[0]:
            return False
        signal.pidfd_send_signal(self.descriptor, number)
        return True

    def wait(self, seconds=None):
        """Waits for the end of the process. Returns whether it has ended."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self.run.end, self.run.status = time.monotonic(), status
        os.close(self.descriptor)
        with open(self.log, "ab") as file:
            file.write(f"-- {self.run.end:.3f} status {status}\n".encode())
        return True


def said(directory, run):
    """Returns the lines that the run has logged."""
    for log in sorted(directory.glob("*.log")):
        _, header, rest = log.read_text(errors="replace").partition(f" run {run.name}\n")
        if header:
            return rest.partition("\n-- ")[0].splitlines()
    return []


class Loop(threading.Thread):
    """Runs until all items are published and a runner has found the queue drained after that.

    `command(run name)` returns the Mode, the command line and the environment of a run, `steps(run name)` its started steps,
    if it has any.
    """

    def __init__(self, slot, queue, command, log, says_drained, steps=lambda name: None):
        super().__init__(daemon=True)
        self.slot, self.queue, self.command, self.log = slot, queue, command, log
        self.says_drained, self.make_steps = says_drained, steps
        self.steps, self.complaints = None, []
        self.runs = []
        self.runner = None
        self.lock = threading.Lock()
        self.wrapper = []  # the beginning of the command line, such as prlimit
        self.is_all_published = False
        self.is_over = False

    def run(self):
        while not self.is_over:
            may_be_last = self.is_all_published
            name = f"{self.slot}.{len(self.runs)}"
            mode, words, environment = self.command(name)
            steps = self.make_steps(name)
            with self.lock:
                self.steps = steps
                run = Run(
                    name, self.slot, mode.limit, time.monotonic(), parallelism=mode.workers * mode.batch, batch=mode.batch,
                    queue=self.queue)
                self.runner = runner = Runner(run, [*self.wrapper, *words], environment, self.log)
                self.runs.append(run)
            select.select([runner.descriptor], [], [])
            with self.lock:
                self.runner = None
                runner.wait()
                self.steps = None
            if steps is not None:
                self.complaints += [f"{line}, of run {name}" for line in steps.finish(run.status == 0)]
            if may_be_last and self.says_drained(run):
                return
            if run.status != 0:
                time.sleep(0.05)  # a failing command must not be restarted in a busy loop

    def send(self, number):
        """Sends a signal to the current runner. Returns its run, or None if there is none."""
        with self.lock:
            if self.runner is not None and self.runner.send(number):
                return self.runner.run
        return None

    def kill_step(self, whom):
        """Kills a step of the current run, which is returned; None if there is none."""
        with self.lock:
            if self.runner is not None and self.steps is not None and self.steps.kill(whom):
                return self.runner.run
        return None
