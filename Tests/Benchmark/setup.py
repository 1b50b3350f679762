"""The setup of the benchmarks: the binary, the private broker, and the numbers of items and rounds."""

import contextlib
import dataclasses
import itertools
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
BROKER = str(HERE.parents[1] / "scripts" / "broker")
numbers = itertools.count(1)


@dataclasses.dataclass(frozen=True)
class Setup:
    binary: str
    broker: str
    url: str
    directory: pathlib.Path
    quick: bool

    @property
    def environment(self):
        return {**os.environ, "BROKER_URL": self.url}

    def count(self, full):
        """Returns the number of items or rounds, which is smaller in a quick run."""
        return max(full // 20, 1) if self.quick else full

    def call(self, *words, **options):
        """Runs a command, and returns its standard output."""
        return subprocess.run(words, env=self.environment, check=True, stdout=subprocess.PIPE, **options).stdout

    def compiled(self, name):
        """Compiles a C program of this folder, and returns its path."""
        program = self.directory / name
        if not program.exists():
            self.call("cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, HERE / f"{name}.c")
        return str(program)

    def lines(self, size, count):
        """Returns the path of a file with `count` lines of `size` bytes."""
        path = self.directory / f"{count}x{size}"
        if not path.exists():
            line = b"x" * size + b"\n"
            with path.open("wb") as file:
                file.writelines(line for _ in range(count))
        return path

    @contextlib.contextmanager
    def queue(self, kind="classic", left=0, max_lost=0):
        """Makes a queue, and deletes it at the end. It must then have `left` items. If some of them were not confirmed, up to
        `max_lost` of them may be missing."""
        name = f"bench-{next(numbers)}"
        self.call(self.binary, "declare", name, "--plain", "--type", kind)
        yield name
        deadline = time.monotonic() + 10
        while self.depth(name) < left and max_lost and time.monotonic() < deadline:
            time.sleep(0.1)
        found = int(self.call("amqp-delete-queue", "-u", self.url, "-q", name))
        assert left - max_lost <= found <= left, f"{found} items in {name}, not {left}"
        if found < left:
            print(f"{left - found} of {left} items that were not confirmed are lost", file=sys.stderr)

    def depth(self, name):
        return json.loads(self.call(self.binary, "status", name, "--json"))["ready"]

    def status(self):
        """Returns the broker's status from rabbitmqctl."""
        return self.call(BROKER, "ctl", "--name", self.broker, "status", "--formatter", "json")
