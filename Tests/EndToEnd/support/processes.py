"""The processes that tests start and watch, and waiting for what they do."""

import json
import os
import pathlib
import re
import subprocess
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"
MARKER = "END_TO_END_MARKER"

# Both limits are generous, because the machine may be busy with other things.
# PROMPT is for what the contract promises within a second. It is shorter than --grace and --connect-timeout are by default:
# a runner that waits for one of these does not pass.
PROMPT = 10.0
# PATIENCE is for everything else that has to happen in the end. It is shorter than the default of --connect-timeout.
PATIENCE = 40.0


def _can_isolate():
    """Whether this process may make namespaces. It needs root, and a container may forbid it."""
    if os.geteuid() != 0:
        return False
    words = ["unshare", "--mount", "--net", "--pid", "--fork", "true"]
    return subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0


CAN_ISOLATE = _can_isolate()


def wait_until(predicate, timeout=PATIENCE, what="the awaited condition"):
    """Waits until predicate() is true, and returns its value. Fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what} did not come about within {timeout} s")
        time.sleep(0.01)


def holds_for(predicate, seconds, what="the condition"):
    """Asserts that predicate() stays true. There is no event to wait for when something must not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert predicate(), f"{what} did not last for {seconds} s"
        time.sleep(0.02)


def read_proc(pid, name):
    try:
        return pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def processes_with(marker):
    """The processes that have the marker in their environment or arguments. Zombies are left out."""
    wanted = marker.encode()
    return [
        int(entry)
        for entry in os.listdir("/proc")
        if entry.isdigit()
        and int(entry) != os.getpid()
        and (wanted in read_proc(entry, "environ") or wanted in read_proc(entry, "cmdline"))
    ]


def is_alive(pid):
    state = re.search(rb"^State:\s+(\S)", read_proc(pid, "status"), re.MULTILINE)
    return state is not None and state[1] not in b"ZX"


def handles(pid, number):
    """Whether the process handles the signal itself: by a handler, or by blocking it for a signalfd."""
    status = read_proc(pid, "status").decode()
    masks = re.findall(r"^Sig(?:Cgt|Blk):\s+([0-9a-f]+)", status, re.MULTILINE)
    return any(int(mask, 16) & (1 << (number - 1)) for mask in masks)


def is_pending(pid, number):
    """Whether the signal was sent to the process and is still pending."""
    pending = re.findall(rb"(?:SigPnd|ShdPnd):\s+([0-9a-f]+)", read_proc(pid, "status"))
    return any(int(mask, 16) >> (number - 1) & 1 for mask in pending)


def connecting_to(port):
    """Whether a socket on this machine waits for the answer to its SYN from this loopback port."""
    wanted = f"0100007F:{port:04X} 02"
    return any(wanted in line for line in pathlib.Path("/proc/net/tcp").read_text().splitlines())


class Result:
    """How a runner ended."""

    def __init__(self, status, stdout, stderr, seconds):
        self.status, self.stdout, self.stderr, self.seconds = status, stdout, stderr, seconds
        self.lines = stderr.splitlines()

    def __repr__(self):
        return f"Result(status={self.status}, seconds={self.seconds:.2f}, stderr={self.stderr!r})"

    def assert_error(self, status, *words):
        """Asserts this status, and that standard error is one line that contains all the words."""
        assert self.status == status, self
        assert len(self.lines) == 1, self
        assert self.lines[0].startswith("amqp-job: "), self
        for word in words:
            assert str(word).lower() in self.lines[0].lower(), f"no {word!r} in {self}"
        assert len(self.lines[0]) < 1000, self


class Runner:
    """A process of amqp-job that a test started."""

    def __init__(self, command, environment, directory, number, **options):
        self.stdout_path = directory / f"runner-{number}.stdout"
        self.stderr_path = directory / f"runner-{number}.stderr"
        options.setdefault("stdin", subprocess.DEVNULL)
        with open(self.stdout_path, "wb") as stdout, open(self.stderr_path, "wb") as stderr:
            options.setdefault("stdout", stdout)
            options.setdefault("stderr", stderr)
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                command, env=environment, start_new_session=True, **options
            )
        self.pid = self.process.pid
        self.ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        self.process.wait()
        self.seconds = time.monotonic() - self.started
        self.ended.set()

    def send(self, number):
        self.process.send_signal(number)

    def runs(self):
        return not self.ended.is_set()

    @property
    def stdout(self):
        return self.stdout_path.read_bytes()

    @property
    def stderr(self):
        return self.stderr_path.read_text(errors="surrogateescape")

    def handles(self, number):
        wait_until(lambda: handles(self.pid, number), what="the runner's care for the signal")

    def finish(self, timeout=PATIENCE):
        """Waits for the process to end."""
        if not self.ended.wait(timeout):
            raise AssertionError(f"the runner still runs after {timeout} s; stderr: {self.stderr!r}")
        return Result(self.process.returncode, self.stdout, self.stderr, self.seconds)


class Worker:
    """A command that runs worker.py, and the events that it logs. Several processes may run it, one after the other."""

    def __init__(self, log, *steps):
        self.log = log
        self.command = [PYTHON, "-IS", str(HERE / "worker.py"), str(log), *steps]

    def events(self, name=None):
        text = self.log.read_text() if self.log.exists() else ""
        found = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
        return [event for event in found if name is None or event["event"] == name]

    def has(self, name):
        return bool(self.events(name))

    def wait_for(self, name, count=1, timeout=PATIENCE):
        """Waits for this event, and returns the latest one of its name."""
        return wait_until(
            lambda: len(self.events(name)) >= count and self.events(name)[-1],
            timeout,
            f"event {name!r} number {count} of a worker",
        )

    def go(self):
        """Lets the worker go on after `hold`."""
        pathlib.Path(f"{self.log}.go").touch()

    def child(self, name):
        return Worker(pathlib.Path(f"{self.log}.{name}"))

    @property
    def start(self):
        return self.wait_for("start")

    @property
    def environment(self):
        return self.start["environment"]

    @property
    def runs(self):
        """How many processes ran it."""
        return len(self.events("start"))
