"""Runs a command in namespaces of its own, in an environment that a test cannot have without changing the machine's.

    isolate.py termination-log FILE COMMAND...        has a /dev/termination-log, which is copied to FILE in the end
    isolate.py silent-resolver DIRECTORY COMMAND...   has a name server that never answers
    isolate.py service-account DIRECTORY COMMAND...   has the files of DIRECTORY where a pod has its service account's

It needs root.
"""

import ctypes
import fcntl
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        sys.exit(f"isolate.py: {what}: {os.strerror(ctypes.get_errno())}")


def mount(source, target, kind, flags):
    check(libc.mount(source.encode(), target.encode(), kind.encode() if kind else None, flags, None), "mount")


def private(flags):
    check(libc.unshare(flags), "unshare")
    mount("none", "/", "", MS_REC | MS_PRIVATE)


mode, place, command = sys.argv[1], sys.argv[2], sys.argv[3:]
if mode == "termination-log":
    private(CLONE_NEWNS)
    devices = {name: os.stat("/dev/" + name).st_rdev for name in ("null", "zero", "random", "urandom", "tty")}
    mount("none", "/dev", "tmpfs", 0)
    os.umask(0)
    for name, number in devices.items():
        os.mknod("/dev/" + name, 0o020666, number)
    pathlib.Path("/dev/termination-log").touch()
    status = subprocess.call(command)
    shutil.copyfile("/dev/termination-log", place)
    sys.exit(status)
elif mode == "silent-resolver":
    private(CLONE_NEWNS | CLONE_NEWNET)
    with socket.socket() as any_socket:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    server.set_inheritable(True)  # The command inherits the socket, and nobody answers on it.
    settings = pathlib.Path(place, "resolv.conf")
    settings.write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:5\n")
    mount(str(settings), os.path.realpath("/etc/resolv.conf"), "", MS_BIND)
    names = pathlib.Path(place, "nsswitch.conf")
    names.write_text("hosts: files dns\n")
    mount(str(names), "/etc/nsswitch.conf", "", MS_BIND)
    os.execv(command[0], command)
elif mode == "service-account":
    private(CLONE_NEWNS)
    mount("none", "/run", "tmpfs", 0)  # Debian's /var/run is a link to it.
    account = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
    account.mkdir(parents=True)
    mount(place, str(account.resolve()), "", MS_BIND)
    os.execv(command[0], command)
else:
    sys.exit(f"isolate.py: {mode}?")
