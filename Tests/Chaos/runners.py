"""Loops that start one runner after the other, as a Job's controller does with pods."""

import os
import select
import signal
import subprocess
import threading
import time

from journal import Run

MARKER = "CHAOS_MARKER"
LINES = 40
COMMON = ["--heartbeat", "2s", "--grace", "2s", "--max-attempts", "100", "--retry-delay", "1s", "--verbose"]

# What the loops' runners are started with, loop by loop and then from the beginning; and how many items they may take.
MODES = [
    (["-n", "1", "--when-empty", "exit"], 1),
    (["-n", "5", "-j", "2", "--when-empty", "exit", "--spool-above", "32KiB"], 5),
    (["--drain", "-j", "2", "--spool-above", "32KiB"], None),
    (["-n", "1", "--when-empty", "exit", "--on-disconnect", "finish", "--finish-window", "10s"], 1),
    (["-n", "1", "--when-empty", "exit"], 1),
    (["-n", "1", "--when-empty", "exit"], 1),
    (["-n", "5", "-j", "2", "--when-empty", "exit", "--spool-above", "32KiB"], 5),
    (["--drain", "-j", "2"], None),
]


def amqp_job(binary, queue, slot):
    """The words to start a runner of that loop with, its worker's apart, and how many items it may take."""
    words, limit = MODES[slot % len(MODES)]
    return [binary, "run", "-q", queue, *COMMON, *words, "--"], limit


def amqp_consume(url, queue):
    return ["amqp-consume", "--url", url, "--heartbeat", "2", "-q", queue, "-c", "1", "-p", "1"], 1


class Runner:
    """A process that can be sent a signal at any time, by a descriptor that names it and no later one."""

    def __init__(self, run, words, environment, log):
        self.run = run
        self.process = subprocess.Popen(
            words, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        self.descriptor = os.pidfd_open(self.process.pid)

    def send(self, number):
        """Whether it was still there."""
        if select.select([self.descriptor], [], [], 0)[0]:
            return False
        signal.pidfd_send_signal(self.descriptor, number)
        return True

    def wait(self):
        status = self.process.wait()
        self.run.end, self.run.status = time.monotonic(), status


class Loop(threading.Thread):
    """Goes on until all has been published and one of its runners has found the queue drained after that."""

    def __init__(self, slot, command, limit, environment, log, says_drained):
        super().__init__(daemon=True)
        self.slot, self.command, self.limit = slot, command, limit
        self.environment, self.log = environment, log
        self.says_drained = says_drained
        self.runs = []
        self.runner = None
        self.lock = threading.Lock()
        self.is_all_published = False
        self.is_over = False

    def run(self):
        while not self.is_over:
            may_be_last = self.is_all_published
            run = Run(f"{self.slot}.{len(self.runs)}", self.slot, self.limit, time.monotonic())
            environment = {**self.environment, "CHAOS_RUN": run.name}
            with open(self.log, "ab") as log:
                log.write(f"-- {run.start:.3f} run {run.name}\n".encode())
                log.flush()
                runner = Runner(run, self.command, environment, log)
            with self.lock:
                self.runner = runner
                self.runs.append(run)
            runner.wait()
            with self.lock:
                self.runner = None
                os.close(runner.descriptor)
            with open(self.log, "ab") as log:
                log.write(f"-- {run.end:.3f} status {run.status}\n".encode())
            if may_be_last and self.says_drained(run):
                return
            if run.status != 0:
                time.sleep(0.05)  # whatever it is, it is not to be asked for without a pause

    def send(self, number):
        """To the runner that there is; returns its run, or None."""
        with self.lock:
            if self.runner is not None and self.runner.send(number):
                return self.runner.run
        return None

    def last_lines(self):
        """Of what its runners said."""
        return self.log.read_text(errors="replace").splitlines()[-LINES:]
