"""What the runners' host can be short of: the directory for large items, processes, descriptors."""

import contextlib
import os
import re
import subprocess
import time

from support import processes
import runners

MEGABYTE = 1 << 20


def fill(file):
    """Until there is no room for another octet."""
    size = MEGABYTE
    while size > 0:
        try:
            file.write(bytes(size))
        except OSError:
            size //= 2


class Spool:
    """The directory for large items, on a small file system of its own where that can be had.

    It is mounted for this process and its children only (scripts/chaos starts them with mounts of their own), so it ends
    with them.
    """

    def __init__(self, directory):
        self.disk = directory / "disk"
        self.disk.mkdir()
        self.is_mounted = os.environ.get("CHAOS_MAY_MOUNT") == "yes" and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256m", "fault-run", self.disk], check=False).returncode == 0
        self.path = self.disk / "spool"
        self.path.mkdir()
        self.path.chmod(0o1777)

    @contextlib.contextmanager
    def gone(self):
        away = self.disk / "away"
        self.path.rename(away)
        try:
            yield
        finally:
            away.rename(self.path)

    @contextlib.contextmanager
    def full(self):
        """Where it is no file system of its own, a file is in its place."""
        if self.is_mounted:
            filler = self.disk / "filler"
            with open(filler, "wb", buffering=0) as file:
                fill(file)
            try:
                yield
            finally:
                filler.unlink()
        else:
            with self.gone():
                self.path.touch()
                yield
                self.path.unlink()

    def close(self):
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", self.disk], check=False)


PROCESSES, DESCRIPTORS = ("nproc", "Max processes"), ("nofile", "Max open files")


def set_limit(pid, which, soft):
    """Another soft limit; whether it was still there. By a program of its user's, since root may not be allowed to."""
    words = ["prlimit", "--pid", str(pid), f"--{which[0]}={soft}:"]
    return subprocess.run(
        words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, user=runners.NOBODY,
        group=runners.NOBODY, extra_groups=None if runners.NOBODY is None else []).returncode == 0


def soft_limit(pid, which):
    """As /proc has it, or None where the process has ended."""
    found = re.search(which[1] + r" +(\S+)", processes.read_proc(pid, "limits").decode())
    return found and found[1]


class Short:
    """A host whose runners cannot have more of something for a while."""

    def __init__(self, loops):
        self.loops = loops

    @contextlib.contextmanager
    def of_processes(self):
        """Neither those that there are nor those that are started meanwhile."""
        usual = soft_limit(os.getpid(), PROCESSES)
        self._wrap(["prlimit", "--nproc=1:"])
        try:
            self._set(PROCESSES, lambda runner: 1)
            yield
        finally:
            self._wrap([])
            self._set(PROCESSES, lambda runner: usual)

    @contextlib.contextmanager
    def of_descriptors(self):
        """Those that there are: they keep what they have."""
        usual = soft_limit(os.getpid(), DESCRIPTORS)
        self._set(DESCRIPTORS, lambda runner: highest_descriptor(runner) + 1)
        try:
            yield
        finally:
            self._set(DESCRIPTORS, lambda runner: usual)

    def _wrap(self, wrapper):
        for loop in self.loops:
            loop.wrapper = wrapper

    def _set(self, which, soft):
        for loop in self.loops:
            with loop.lock:
                if loop.runner is not None:
                    set_limit(loop.runner.process.pid, which, soft(loop.runner))


def highest_descriptor(runner):
    try:
        return max((int(name) for name in os.listdir(f"/proc/{runner.process.pid}/fd")), default=2)
    except OSError:  # it has ended
        return 2
