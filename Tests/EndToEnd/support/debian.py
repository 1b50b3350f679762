"""A bare Debian 12, of which each test has a copy of its own, and what scripts/package makes for it."""

import fcntl
import os
import pathlib
import shutil
import subprocess

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
PACKAGE = REPOSITORY / "scripts/package"
STATE = pathlib.Path(os.environ.get("AMQP_JOB_STATE") or f"{os.environ.get('TMPDIR', '/tmp')}/amqp-job-{os.getuid()}")
BASE = STATE.resolve() / "roots/packages-bookworm"
MAKE = """
cd "$2"
source scripts/lib/common.sh
source scripts/lib/roots.sh
make_root "$1" bookworm bash-completion man-db
"""
# Mounts of its own, which end with the command; the network is that of the tests.
ENTER = """
mount -t proc proc "$1/proc"
root=$1
shift
exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 MANPAGER=cat "$@"
"""


def stripped(binary, folder):
    """The release program as a package has it. None unless scripts/build made it, with the linker's map."""
    program = folder / "amqp-job"
    if not pathlib.Path(f"{binary}.map").exists():
        return None
    subprocess.run(["strip", "-o", program, binary], check=True)
    shutil.copy(f"{binary}.map", f"{program}.map")
    return program


def pack(program, folder, **options):
    return subprocess.run(
        [PACKAGE, "--binary", program, "--output", folder], capture_output=True, text=True, check=True, **options)


def once(folder, make):
    """Makes the folder once, also where several processes run tests. Returns it."""
    with open(f"{folder}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            part = folder.with_suffix(".partial")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            make(part)
            part.rename(folder)
    return folder


def make_base():
    """Takes a minute or two the first time. Returns the reason if it cannot be made here, as without a network."""
    made = subprocess.run(["bash", "-ec", MAKE, "bash", BASE, REPOSITORY], capture_output=True, text=True, check=False)
    return made.stderr.strip().rpartition("\n")[2] if made.returncode else None


class Root:
    """A copy of that Debian; what is done in it stays in it."""

    def __init__(self, path):
        self.path = path
        subprocess.run(["cp", "-a", "--reflink=auto", BASE, path], check=True)

    def run(self, *words, check=True):
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", ENTER, "sh", self.path, *words]
        return subprocess.run(words, capture_output=True, text=True, check=check, stdin=subprocess.DEVNULL)

    def shell(self, script, *words):
        """What the script writes to its standard output."""
        return self.run("bash", "-ec", script, "bash", *words).stdout

    def files(self, pattern):
        return sorted(str(path.relative_to(self.path)) for path in (self.path / "usr").rglob(pattern))
