"""What the runners' host can be short of: the directory for large items, processes, descriptors."""

import contextlib
import os
import resource
import subprocess
import time

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
            ["mount", "-t", "tmpfs", "-o", "size=32m", "fault-run", self.disk], check=False).returncode == 0
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


class Short:
    """A loop whose runners cannot have more of something for a while."""

    def __init__(self, loop):
        self.loop = loop

    def of_processes(self, seconds):
        """Of the one that there is and of those that are started meanwhile."""
        self.loop.wrapper = ["prlimit", "--nproc=1:"]
        try:
            self._set(resource.RLIMIT_NPROC, lambda runner: 1)
            time.sleep(seconds)
        finally:
            self.loop.wrapper = []
            self._set(resource.RLIMIT_NPROC, lambda runner: resource.prlimit(runner.process.pid, resource.RLIMIT_NPROC)[1])
        return True

    def of_descriptors(self, seconds):
        """Of the one that there is: it keeps what it has."""
        with self.loop.lock:
            runner = self.loop.runner
        former = self._set(resource.RLIMIT_NOFILE, lambda runner: self._most(runner) + 1)
        if former is None:
            return False
        time.sleep(seconds)
        with self.loop.lock:
            if self.loop.runner is runner:
                runner.set_limit(resource.RLIMIT_NOFILE, former)
        return True

    def _most(self, runner):
        return max((int(name) for name in os.listdir(f"/proc/{runner.process.pid}/fd")), default=2)

    def _set(self, which, soft):
        with self.loop.lock:
            runner = self.loop.runner
            try:
                return None if runner is None else runner.set_limit(which, soft(runner))
            except OSError:  # it has ended
                return None
