"""The worker of a fault run. It does what the id of its item says, and records the times in a journal.

    worker.py JOURNAL CLAIMS

A line of the journal has a time of the monotonic clock, an event, the run, the process id and the item. The first event is
`start`. After the event `done`, only SIGKILL can prevent the process from exiting with 0, because it ignores TERM by then.
In the directory CLAIMS, workers that have to fail count their failures.
"""

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


def note(event):
    line = f"{time.monotonic():.6f} {event} {os.environ['CHAOS_RUN']} {pid} {item}\n"
    os.write(journal, line.encode())


def read_line():
    line = b""
    while not line.endswith(b"\n") and (octet := os.read(0, 1)):
        line += octet
    return line


def read_rest(pause):
    """Reads the rest of the item. Returns whether the item is complete and undamaged."""
    rest, digest = 0, 0
    while part := os.read(0, SLOW_PART):
        rest += len(part)
        digest = zlib.crc32(part, digest)
        time.sleep(pause)
    return [item, str(rest), str(digest)] == head.decode(errors="replace").split()


def fails(times):
    """Whether this process has to fail. The first `times` processes for an item do."""
    for number in range(times):
        try:
            os.close(os.open(f"{claims}/{item}.{number}", os.O_CREAT | os.O_EXCL))
            return True
        except FileExistsError:
            pass
    return False


def take_file(path):
    """Makes the item's file the standard input. The file may have disappeared with its directory."""
    try:
        os.dup2(os.open(path, os.O_RDONLY), 0)
    except OSError:
        note("start")
        note("failed")
        os._exit(1)


item = os.environ.get("WORK_ITEM_ID")
head = b""
if item is None:  # amqp-consume passes only the body
    head = read_line()
    item = head.decode(errors="replace").partition(" ")[0] or "none"
number, milliseconds, reading, failures, on_term, remains = item.split(".") if item.count(".") == 5 else "000000"
if on_term == "finishes":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "WORK_ITEM_FILE" in os.environ:
    take_file(os.environ["WORK_ITEM_FILE"])
note("start")
if reading != "nothing":
    head = head or read_line()
    if not read_rest(SLOW_PAUSE if reading == "slowly" else 0):
        note("damaged")
        os._exit(1)
time.sleep(int(milliseconds) / 1000 + (LONG if "CHAOS_LONG" in os.environ and number.endswith("5") else 0))
if remains == "child":
    os.spawnv(os.P_NOWAIT, "/bin/sleep", ["sleep", "600"])
if fails(int(failures)):
    note("failed")
    os._exit(1)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
note("done")
os._exit(0)
