"""Collects information about a runner that seems to hang, before it is killed."""

import os
import pathlib
import signal
import subprocess
import sys
import time

from support import processes

LOG_LINES = 60
# On this signal a runner logs its state. Other programs are stopped by it.
ASK = signal.SIGTTIN


def text(pid, name):
    return processes.read_proc(pid, name).decode(errors="replace").strip()


def of_process(pid):
    lines = [f"wchan: {text(pid, 'wchan')}", f"stack: {text(pid, 'stack')}", text(pid, "status")]
    for entry in sorted(pathlib.Path(f"/proc/{pid}/fd").glob("*"), key=lambda path: int(path.name)):
        try:
            lines.append(f"fd {entry.name}: {os.readlink(entry)}")
        except OSError:
            pass
    return lines


def sockets(pid):
    """Returns the lines of /proc/net/tcp about the process's sockets, with their states and the sizes of their buffers."""
    own = {os.readlink(entry)[8:-1] for entry in pathlib.Path(f"/proc/{pid}/fd").glob("*")
           if os.readlink(entry).startswith("socket:[")}
    head, *lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()
    return [head, *(line for line in lines if line.split()[9] in own)]


def of_broker(broker):
    lines = []
    for words in (
        ["list_queues", "name", "type", "messages_ready", "messages_unacknowledged", "messages", "consumers", "state"],
        ["list_consumers"],
        ["list_connections", "peer_port", "user", "state", "channels", "send_pend", "recv_cnt"],
        ["list_channels", "pid", "user", "consumer_count", "messages_unacknowledged", "prefetch_count"],
    ):
        try:
            lines += [f"-- {' '.join(words)}", broker.ctl("--quiet", *words)]
        except (AssertionError, subprocess.SubprocessError) as error:
            lines.append(f"no answer: {error}")
    return lines


def children(pid):
    return [int(word) for word in text(pid, f"task/{pid}/children").split()]


def dump(runner, broker, path):
    """Writes all information to the file and to standard error."""
    pid = runner.process.pid
    if processes.handles(pid, ASK):
        runner.send(ASK)
        time.sleep(0.5)
    lines = [f"the state of {runner.run}, process {pid}, at {time.monotonic():.3f}"]
    try:
        lines += [*of_process(pid), *sockets(pid)]
        for child in children(pid):
            lines += [f"its child {child}: {text(child, 'cmdline')!r}", *of_process(child)]
    except OSError as error:
        lines.append(f"it ended in the meantime: {error}")
    lines += of_broker(broker)
    lines += ["-- the last lines of its log", *runner.log.read_text(errors="replace").splitlines()[-LOG_LINES:]]
    path.write_text("\n".join(lines) + "\n")
    print("", *lines, sep="\n", file=sys.stderr)
