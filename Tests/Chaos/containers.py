"""The step containers of a run. As in a pod, each has namespaces of its own where that is possible, and all of them share a
directory with the runner. The last step is the worker; the others hand the item on.
"""

import os
import pathlib
import signal
import subprocess
import threading
import time

import runners
from support import processes

# The maximum time in seconds that a step may take to end after its runner.
ENDING = 20.0
NAMESPACES = ["unshare", "--mount", "--pid", "--fork"] if os.environ.get("CHAOS_MAY_MOUNT") == "yes" else []


class Containers:
    """Makes the steps of each run, if runs have steps."""

    def __init__(self, binary, directory, count, worker, marker):
        self.binary, self.directory, self.count, self.worker, self.marker = binary, directory, count, worker, marker

    def _sockets(self, run):
        return self.directory / "sockets" / run

    def ending(self, words, run):
        """The end of a runner's command line: its own options, and then its steps, or the worker. None is a run without steps."""
        if run is None or not self.count:
            return [*words, "--", str(self.worker)]
        names = [f"s{number}" for number in range(self.count)]
        steps = ["--step-dir", str(self._sockets(run)), *(word for name in names for word in ("--step", name))]
        return [*runners.without_feed(words), *steps]

    def start(self, run):
        """The started steps; None if there are none."""
        if not self.count:
            return None
        environment = runners.environment(self.marker, run, CHAOS_LONG="yes")
        return Steps(self.binary, self._sockets(run), self.count, self.worker, environment, self.directory / "steps")


class Steps:
    """The steps of one run."""

    def __init__(self, binary, directory, count, worker, environment, log):
        directory.mkdir(parents=True)
        directory.parent.chmod(0o755)
        if runners.NOBODY is not None:
            os.chown(directory, runners.NOBODY, runners.NOBODY)
        commands = [["cat"]] * (count - 1) + [[str(worker)]]
        self.steps = [
            Step([binary, "step", "--socket", f"{directory}/s{number}.sock", "--grace", "2s", "--", *command], environment, log)
            for number, command in enumerate(commands)]

    def kill(self, whom):
        """Kills one of the steps with everything in it. Returns whether there was one to kill."""
        return self.steps[int(whom * len(self.steps))].kill()

    def finish(self, is_success):
        """Waits for the end of all steps. A runner that has succeeded has ended them; others may not have met them all.
        Returns a line for each step that does not end as it must."""
        return [line for step in self.steps if (line := step.finish(is_success))]


class Step(threading.Thread):
    """One container, which is started again when it was killed."""

    def __init__(self, words, environment, log):
        super().__init__(daemon=True)
        self.words, self.environment, self.log = words, environment, log
        self.lock = threading.Lock()
        self.descriptor = None  # of its first process
        self.pid = None
        self.was_killed = self.was_ever_killed = self.is_over = False
        self.start()

    def run(self):
        while True:
            self.was_killed = False
            process = self._launch()
            self.status = process.wait()
            with self.lock:
                os.close(self.descriptor)
                self.descriptor = None
                if self.is_over or not self.was_killed:
                    return

    def _launch(self):
        user = runners.NOBODY
        become = [] if user is None or not NAMESPACES else ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        with open(self.log, "ab") as file:
            process = subprocess.Popen(
                [*NAMESPACES, *become, *self.words], env=self.environment, stdin=subprocess.DEVNULL, stdout=file,
                stderr=file, start_new_session=True, user=None if become else user, group=None if become else user,
                extra_groups=None if become or user is None else [])
        with self.lock:
            self.pid = self._first(process.pid) if NAMESPACES else process.pid
            self.descriptor = os.pidfd_open(self.pid)
        return process

    @staticmethod
    def _first(pid):
        """The first process of the namespace that this one has made."""
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
        while not (found := children.read_text().split()):
            time.sleep(0.001)
        return int(found[0])

    def _send(self, number):
        with self.lock:
            if self.descriptor is None:
                return False
            try:
                signal.pidfd_send_signal(self.descriptor, number)
            except ProcessLookupError:
                return False
            self.was_killed |= number == signal.SIGKILL
            self.was_ever_killed |= self.was_killed
            return True

    def kill(self):
        return self._send(signal.SIGKILL)

    def finish(self, is_success):
        with self.lock:
            self.is_over = True
        # One that was started again may have met no runner.
        if not is_success or self.was_ever_killed:
            self._end()
        self.join(ENDING)
        if self.is_alive():
            self.kill()
            self.join()
            return f"{self.words}: it did not end"
        return None if self.status == 0 or self.was_killed else f"{self.words}: it ended with {self.status}"

    def _end(self):
        """Asks it to end, as soon as it cares for that."""
        while self.is_alive() and not self._cares():
            self.join(0.01)
        self._send(signal.SIGTERM)

    def _cares(self):
        # Before it is amqp-job, it is unshare, which blocks TERM for a moment.
        words = processes.read_proc(self.pid, "cmdline") if self.pid else b""
        return words.startswith(os.fsencode(self.words[0])) and processes.handles(self.pid, signal.SIGTERM)
