"""The worker of most tests. It performs the steps in its arguments, one after the other, and logs what it sees.

    worker.py LOG STEP...

LOG gets one JSON object per line. The first one is logged before any step, and shows the process as it was started.
The steps are:

    trap:TERM             from now on, log this signal and go on
    trap:TERM:5           from now on, log this signal and exit 5
    ignore:TERM           ignore this signal
    wait-for:TERM         wait until this signal has come
    read                  read standard input to its end
    read:N                read N bytes of standard input
    slowly                read standard input to its end, with pauses
    close-stdin           close standard input
    hold                  wait until the test says `go`
    sleep:S               wait S seconds
    leave-group           join the process group of the parent
    outlive-parent        give up the signal that comes when the parent dies
    child:NAME:STEP+STEP  start another worker, which logs to LOG.NAME
    echo:TEXT             write TEXT to standard output
    exit:N                exit N
    die:KILL              die by this signal

After the last step the worker exits 0.
"""

import ctypes
import hashlib
import json
import os
import signal
import sys
import time

log_path, steps = sys.argv[1], sys.argv[2:]
seen_signals = []


def note(event, **fields):
    line = json.dumps({"event": event, "pid": os.getpid(), **fields}) + "\n"
    descriptor = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.write(descriptor, line.encode())
    os.close(descriptor)


def number(name):
    return getattr(signal, "SIG" + name)


def trap(name, status):
    def handler(_number, _frame):
        seen_signals.append(name)
        note("signal", name=name)
        if status is not None:
            os._exit(status)

    signal.signal(number(name), handler)


def read_all(pause):
    digest, length = hashlib.sha256(), 0
    reported = 0
    note("reading")
    while True:
        data = os.read(0, 65536)
        if not data:
            break
        digest.update(data)
        length += len(data)
        if length - reported >= 1 << 20:
            reported = length
            note("progress", length=length)
        if pause:
            time.sleep(pause)
    note("end-of-input", length=length, sha256=digest.hexdigest())


# The names include the descriptor of os.listdir itself, which is closed again by now.
descriptors = [int(name) for name in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + name)]
note(
    "start",
    parent=os.getppid(),
    group=os.getpgid(0),
    arguments=sys.argv[2:],
    directory=os.getcwd(),
    descriptors=descriptors,
    environment={
        os.fsdecode(name): os.fsdecode(value) for name, value in os.environb.items()
    },
)

for step in steps:
    verb, _, rest = step.partition(":")
    if verb == "trap":
        name, _, status = rest.partition(":")
        trap(name, int(status) if status else None)
    elif verb == "ignore":
        signal.signal(number(rest), signal.SIG_IGN)
    elif verb == "read" and not rest:
        read_all(0)
    elif verb == "read":
        wanted, got = int(rest), 0
        while got < wanted:
            data = os.read(0, min(65536, wanted - got))
            if not data:
                break
            got += len(data)
        note("read", length=got)
    elif verb == "slowly":
        read_all(0.01)
    elif verb == "close-stdin":
        os.close(0)
        note("closed-stdin")
    elif verb == "hold":
        note("holding")
        while not os.path.exists(log_path + ".go"):
            time.sleep(0.01)
        note("went-on")
    elif verb == "wait-for":
        note("holding")
        while rest not in seen_signals:
            time.sleep(0.01)
    elif verb == "child":
        name, _, child_steps = rest.partition(":")
        command = [sys.executable, "-IS", __file__, f"{log_path}.{name}", *child_steps.split("+")]
        note("child", child=os.spawnv(os.P_NOWAIT, command[0], command))
    elif verb == "leave-group":
        os.setpgid(0, os.getpgid(os.getppid()))
        note("left-group", group=os.getpgid(0))
    elif verb == "outlive-parent":
        ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)  # PR_SET_PDEATHSIG
    elif verb == "sleep":
        time.sleep(float(rest))
    elif verb == "echo":
        os.write(1, rest.encode() + b"\n")
    elif verb == "exit":
        os._exit(int(rest))
    elif verb == "die":
        if rest != "KILL":
            signal.signal(number(rest), signal.SIG_DFL)
        os.kill(os.getpid(), number(rest))
    else:
        note("unknown-step", step=step)
        os._exit(99)
