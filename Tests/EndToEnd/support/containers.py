"""The containers of a pod, each a local process with its descendants."""

import os
import signal
import subprocess
import threading

CANNOT_START = 128
RESTART_PAUSE = 0.1  # A kubelet begins with 10 s.


class Running:
    """A container that runs. It ends with its first process."""

    def __init__(self, words, log, **options):
        """`words` are the command. `log` gets the output."""
        self._lock, self._has_ended = threading.Lock(), False
        self._process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **options)

    def signal(self, number):
        with self._lock:
            if not self._has_ended:
                os.kill(self._process.pid, number)

    def wait(self):
        """Waits for the end. Returns the exit status."""
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:  # Its process id is not reused before that.
            os.killpg(self._process.pid, signal.SIGKILL)
            status = self._process.wait()
            self._has_ended = True
        return 128 - status if status < 0 else status


class Sidecar:
    """A native sidecar: an init container that runs beside the pod's containers. It is started again whenever it ends, until
    it is stopped. https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/"""

    def __init__(self, container, launch, execute):
        """`launch(container)` starts it, and returns None if it cannot be started. `execute(container, words)` runs a command
        in it."""
        self.name, self.status = container["name"], None  # The status is that of its last end.
        self._container, self._launch, self._execute = container, launch, execute
        self._lock, self._running, self._stopping = threading.Lock(), None, threading.Event()
        self._launched = threading.Event()
        self._thread = threading.Thread(target=self._keep_running, daemon=True)

    def start(self, is_given_up):
        """Starts it, and waits until its startup probe has succeeded, if it has one. Returns False if `is_given_up` before."""
        self._thread.start()
        probe = self._container.get("startupProbe", {})
        started = self._launched.is_set
        if "exec" in probe:
            def started():
                return self._execute(self._container, probe["exec"]["command"]).returncode == 0
        elif probe:
            raise NotImplementedError(f"a probe like {probe}")
        while not is_given_up():
            if started():
                return True
            self._stopping.wait(min(probe.get("periodSeconds", 10), RESTART_PAUSE))
        return False

    def stop(self, grace):
        """Ends it, as a kubelet does after the other containers have ended."""
        self._end(signal.SIGTERM)
        self._thread.join(grace)
        self.kill()
        self._thread.join()

    def kill(self):
        self._end(signal.SIGKILL)

    def _end(self, number):
        with self._lock:
            self._stopping.set()
            if self._running:
                self._running.signal(number)

    def _keep_running(self):
        while True:
            with self._lock:
                if self._stopping.is_set():
                    return
                self._running = self._launch(self._container)
            if self._running:
                self._launched.set()
            self.status = self._running.wait() if self._running else CANNOT_START
            self._stopping.wait(RESTART_PAUSE)
