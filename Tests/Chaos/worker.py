"""The worker of a fault run. It does what the ids of its items say, and records the times in a journal.

    worker.py JOURNAL CLAIMS

A line of the journal has a time of the monotonic clock, an event, the run, the process id and the item. The first event is
`start`. After the event `done`, only SIGKILL can prevent the process from exiting with 0, because it ignores TERM by then.
In the directory CLAIMS, workers that have to fail count their failures. A worker of a batch takes as long as the slowest of
its items, and fails with any of them.
"""

import dataclasses
import os
import signal
import sys
import time
import zlib

journal = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
claims = sys.argv[2]
pid = os.readlink("/proc/self")  # as those outside of a container see it
SLOW_PART, SLOW_PAUSE = 16384, 0.01
# With steps, some items take this much longer, in seconds, so that a worker that outlives its runner is noticed.
LONG = 2.5


@dataclasses.dataclass
class Item:
    id: str
    file: int  # the descriptor from which its body is read
    head: bytes = b""  # what was read of it

    def __post_init__(self):
        words = self.id.split(".") if self.id.count(".") == 5 else "000000"
        self.number, self.milliseconds, self.reading, self.failures, self.on_term, self.remains = words

    def is_whole(self):
        """Reads the rest. Returns whether the item is complete and undamaged."""
        if self.reading == "nothing":
            return True
        head, rest, digest = self.head or read_line(self.file), 0, 0
        while part := os.read(self.file, SLOW_PART):
            rest += len(part)
            digest = zlib.crc32(part, digest)
            time.sleep(SLOW_PAUSE if self.reading == "slowly" else 0)
        return [self.id, str(rest), str(digest)] == head.decode(errors="replace").split()

    def fails(self):
        """Whether this process has to fail. The first processes for an item do."""
        for number in range(int(self.failures)):
            try:
                os.close(os.open(f"{claims}/{self.id}.{number}", os.O_CREAT | os.O_EXCL))
                return True
            except FileExistsError:
                pass
        return False


def note(event):
    lines = [f"{time.monotonic():.6f} {event} {os.environ['CHAOS_RUN']} {pid} {item.id}\n" for item in items]
    os.write(journal, "".join(lines).encode())


def read_line(file):
    line = b""
    while not line.endswith(b"\n") and (octet := os.read(file, 1)):
        line += octet
    return line


def from_its_body(file):
    """The item whose id is known by its body only."""
    head = read_line(file)
    return Item(head.decode(errors="replace").partition(" ")[0] or "none", file, head)


def given_items():
    if directory := os.environ.get("WORK_ITEM_DIR"):
        names = sorted(name for name in os.listdir(directory) if name.isdigit())
        return [from_its_body(os.open(f"{directory}/{name}", os.O_RDONLY)) for name in names]
    if "WORK_ITEM_ID" not in os.environ:  # amqp-consume passes only the body
        return [from_its_body(0)]
    return [Item(os.environ["WORK_ITEM_ID"], 0)]


def take_file(path):
    """Makes the item's file the standard input. The file may have disappeared with its directory."""
    try:
        os.dup2(os.open(path, os.O_RDONLY), 0)
    except OSError:
        note("start")
        note("failed")
        os._exit(1)


def pause(item):
    return int(item.milliseconds) / 1000 + (LONG if "CHAOS_LONG" in os.environ and item.number.endswith("5") else 0)


items = given_items()
if any(item.on_term == "finishes" for item in items):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "WORK_ITEM_FILE" in os.environ:
    take_file(os.environ["WORK_ITEM_FILE"])
note("start")
if not all([item.is_whole() for item in items]):
    note("damaged")
    os._exit(1)
time.sleep(max(pause(item) for item in items))
if any(item.remains == "child" for item in items):
    os.spawnv(os.P_NOWAIT, "/bin/sleep", ["sleep", "600"])
if any([item.fails() for item in items]):
    note("failed")
    os._exit(1)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
note("done")
os._exit(0)
