"""Each system call of a run fails once, as if there were no more files, descriptors or processes. In every case the
item is done, or goes back as one that nobody ran, and one line says why."""

import collections
import os
import re
import shutil

import pytest

pytestmark = [pytest.mark.any_broker, pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")]

# Calls on the broker's socket are left out, because their failures are lost connections.
ERRORS = {
    "openat": "EMFILE EIO ENOSPC", "pipe2": "EMFILE ENFILE", "socket": "EMFILE", "fcntl": "EMFILE", "vfork": "EAGAIN ENOMEM",
    "clone": "EAGAIN", "socketpair": "EMFILE", "signalfd4": "EMFILE", "write": "ENOSPC EDQUOT EIO", "fallocate": "ENOSPC EDQUOT",
    "fstatfs": "EIO", "linkat": "EIO", "lseek": "EIO", "readlink": "EIO", "poll": "ENOMEM", "sendmsg": "EAGAIN",
}
CALL = re.compile(r"(\w+)\(")


def strace(log, *options):
    return ["strace", "--quiet=all", "--signal=none", "-o", log, "-e", f"trace={','.join(ERRORS)},rt_sigaction", *options]


def plan(trace):
    """(call, its number among the calls of that name, error) for each call that the runner makes in its own code."""
    seen, is_ours, found = collections.Counter(), False, []
    for match, line in ((CALL.match(line), line) for line in trace.read_text().splitlines()):
        if match is None:
            continue
        name = match[1]
        seen[name] += 1
        is_ours = is_ours or "SIGPIPE, {sa_handler=SIG_IGN" in line  # The runner does this first.
        if is_ours and name in ERRORS:
            found += [(name, seen[name], error) for error in ERRORS[name].split()]
    return found


@pytest.mark.slow
@pytest.mark.limit(600)
@pytest.mark.parametrize("size, options", [
    (1000, ()), (1_200_000, ()), (1000, ("--feed", "file")),
], ids=["small", "large", "file"])
def test_each_system_call_fails_once(bench, size, options, figures):
    spool = bench.path("spool")
    spool.mkdir()
    queue = bench.queue("quorum")
    body = os.urandom(size)
    words = ["-q", queue.name, "--spool-dir", spool, "--connect-timeout", "10s", *options]
    worker = ["sh", "-c", "exec cat ${WORK_ITEM_FILE:-} >/dev/null"]
    others = {"url": None, "env": {"BROKER_URL": bench.broker.url}, "worker": worker}
    trace = bench.path("trace")

    queue.put(body)
    assert bench.run(*words, **others, prefix=strace(trace)).status == 0
    faults, statuses = plan(trace), collections.Counter()
    assert {name for name, _, _ in faults} >= {"openat", "pipe2", "vfork", "poll"}, faults
    for name, number, error in faults:
        queue.put(body)
        fault = f"inject={name}:error={error}:when={number}"
        result = bench.run(*words, **others, prefix=strace("/dev/null", "-e", fault))
        statuses[result.status] += 1
        if result.status == 0:
            queue.assert_empty()
            continue
        assert result.status in (69, 70, 74), (fault, result)
        assert len(result.lines) == 1 and result.lines[0].startswith("amqp-job: "), (fault, result)
        queue.assert_back()
        _, properties, back = queue.take()
        headers = properties.headers or {}
        assert back == body, fault
        assert not headers.get("x-delivery-count") and not headers.get("x-amqp-job-attempts"), (fault, result, headers)
        assert list(spool.iterdir()) == [], fault
    figures.append(f"{len(faults)} faults of system calls, an item of {size} bytes {' '.join(options)}: {dict(statuses)}")
