"""The queues that the loops of runners serve."""

import dataclasses
import subprocess
import threading

# Small enough that some items become dead letters.
MAX_ATTEMPTS = 4
# The delay of a retry, and how it may grow: 500 ms, 1 s, 2 s.
DELAY = ["--retry-delay", "1s"]
GROWING_DELAY = ["--retry-delay", "500ms", "--retry-backoff", "2", "--retry-max", "2s"]
KINDS = ["plain-quorum", "declared-quorum", "plain-classic", "declared-classic"]


@dataclasses.dataclass
class Stage:
    """A queue of one of the kinds, with its retry queues and its dead-letter queue."""

    kind: str
    binary: str
    url: str  # of the broker, without a proxy
    has_backoff: bool = False  # whether the delay of its retries grows

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
        retry = [".retry", *([".retry.2", ".retry.3"] if self.has_backoff else [])] if self.is_declared else []
        return [self.queue + end for end in ("", *retry)]

    @property
    def attempts(self):
        """The options of its runners about retries."""
        if not self.is_declared:
            return []
        return ["--max-attempts", str(MAX_ATTEMPTS), *(GROWING_DELAY if self.has_backoff else DELAY)]

    @property
    def dead_queue(self):
        return self.queue + ".dead" if self.is_declared else None

    @property
    def marks_queue(self):
        return self.queue + ".marks"

    def declare(self):
        words = [self.binary, "declare", "--url", self.url, "--quiet", "--type", self.kind.partition("-")[2]]
        family = (GROWING_DELAY if self.has_backoff else []) if self.is_declared else ["--plain"]
        done = subprocess.run([*words, *family, self.queue], stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"declare {self.queue}: {done.stderr}")
