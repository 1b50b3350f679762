"""The queues that the loops of runners serve."""

import dataclasses
import subprocess
import threading

# Small enough that some items become dead letters.
MAX_ATTEMPTS = 4
KINDS = ["plain-quorum", "declared-quorum", "plain-classic", "declared-classic"]


@dataclasses.dataclass
class Stage:
    """A queue of one of the kinds, with its retry queue and its dead-letter queue."""

    kind: str
    binary: str
    url: str  # of the broker, without a proxy

    def __post_init__(self):
        self.queue = f"fault-run-{self.kind}"
        # Prevents publishing while the queue is deleted, because pika then waits for a confirmation forever.
        self.lock = threading.Lock()

    @property
    def is_declared(self):
        return self.kind.startswith("declared")

    @property
    def is_classic(self):
        return self.kind.endswith("classic")

    @property
    def queues(self):
        return [self.queue, self.queue + ".retry"] if self.is_declared else [self.queue]

    @property
    def dead_queue(self):
        return self.queue + ".dead" if self.is_declared else None

    @property
    def marks_queue(self):
        return self.queue + ".marks"

    def declare(self):
        words = [self.binary, "declare", "--url", self.url, "--quiet", "--type", self.kind.partition("-")[2]]
        done = subprocess.run(
            [*words, *([] if self.is_declared else ["--plain"]), self.queue], stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"declare {self.queue}: {done.stderr}")
