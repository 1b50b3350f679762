"""Shortages on the runners' host: room for large items, processes and descriptors."""

import contextlib
import os
import re
import subprocess
import time

from support import processes
import runners

MEGABYTE = 1 << 20


def fill(file):
    """Writes to the file until the disk is full."""
    size = MEGABYTE
    while size > 0:
        try:
            file.write(bytes(size))
        except OSError:
            size //= 2


class Spool:
    """The directory for large items. If possible it is on its own small file system.

    scripts/chaos starts this process in a mount namespace, so the file system disappears with it.
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
        """Fills the file system. If the directory is not on its own file system, a file takes its place instead."""
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
    """Sets a soft limit of a process. Returns whether the process still existed. The limit is set as the user of the process,
    because root may lack the permission."""
    words = ["prlimit", "--pid", str(pid), f"--{which[0]}={soft}:"]
    return subprocess.run(
        words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, user=runners.NOBODY,
        group=runners.NOBODY, extra_groups=None if runners.NOBODY is None else []).returncode == 0


def soft_limit(pid, which):
    """Returns a soft limit of a process from /proc, or None if the process has ended."""
    found = re.search(which[1] + r" +(\S+)", processes.read_proc(pid, "limits").decode())
    return found and found[1]


class Short:
    """Makes resources of the runners short for some time."""

    def __init__(self, loops):
        self.loops = loops

    @contextlib.contextmanager
    def of_processes(self):
        """Prevents new processes for all runners, including those that are started during the fault."""
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
        """Prevents new descriptors for the existing runners, which keep the ones that they have."""
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
    except OSError:  # the process has ended
        return 2
