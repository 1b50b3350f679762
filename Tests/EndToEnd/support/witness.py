"""The command of a leader. It records, by the monotonic clock, when it started and when it was last seen alive.

    witness.py DIRECTORY [STEP...]

A step is one of:

    ignore:TERM    ignore this signal
    leave-group    join the process group of the parent
    exit:N         exit N at once
"""

import os
import pathlib
import signal
import struct
import sys
import time

directory, steps = pathlib.Path(sys.argv[1]), sys.argv[2:]
started = time.monotonic()
name = f"{os.environ.get('LEADER_EPOCH', '0')}-{os.getpid()}"
record = os.open(directory / name, os.O_CREAT | os.O_WRONLY)


def see():
    os.pwrite(record, struct.pack("dd", started, time.monotonic()), 0)


see()
for step in steps:
    verb, _, rest = step.partition(":")
    if verb == "ignore":
        signal.signal(getattr(signal, "SIG" + rest), signal.SIG_IGN)
    elif verb == "leave-group":
        os.setpgid(0, os.getpgid(os.getppid()))
    elif verb == "exit":
        os._exit(int(rest))
while True:
    time.sleep(0.005)
    see()
