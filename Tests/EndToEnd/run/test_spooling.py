"""Items that cannot be stored. None is taken if that is known before. Otherwise each goes back unchanged, however often
that happens."""

import hashlib
import os
import subprocess

import pytest

from support.processes import CAN_ISOLATE, holds_for, wait_until
from support.users import user

pytestmark = pytest.mark.any_broker

SIZE = 3_000_000
needs_mounts = pytest.mark.skipif(not CAN_ISOLATE, reason="needs a mount of its own")


@pytest.fixture
def spool(bench):
    path = bench.path("spool")
    path.mkdir()
    return path


def on_tmpfs(spool, options, command='exec "$@"'):
    """A command prefix that makes the directory a file system of its own, with these options."""
    return ["unshare", "--mount", "sh", "-ec", f"mount -t tmpfs -o {options} none {spool}; {command}", "sh"]


def items(kind):
    """A body, and the options because of which it has to be stored."""
    return {"large": (os.urandom(SIZE), ()), "named": (os.urandom(900_000), ("--feed", "file"))}[kind]


def attempt_and_digest(bench, queue, *options):
    """The attempt and the digest that the item's next run shows. The run has to succeed."""
    script = 'echo "$WORK_ITEM_ATTEMPT"; cat ${WORK_ITEM_FILE:-} | sha256sum'
    result = bench.run("-q", queue.name, *options, worker=["sh", "-c", script])
    assert result.status == 0, result
    attempt, digest = result.stdout.split()[:2]
    return int(attempt), digest.decode()


# Before anything is taken


@pytest.mark.parametrize("feed", ["large", "named"])
@pytest.mark.parametrize("setting", ["--spool-dir", "TMPDIR"])
def test_no_directory(bench, feed, setting):
    _, options = items(feed)
    queue = bench.queue("quorum", b"apple")
    where = {"env": {"TMPDIR": "/no/such"}} if setting == "TMPDIR" else {}
    options = options if where else (*options, "--spool-dir", "/no/such")
    bench.run("-q", queue.name, *options, worker=["true"], **where).assert_error(
        74 if where else 64, "/no/such", "no such file", setting, queue.name, "nothing was taken"
    )
    queue.assert_untouched()


def test_no_directory_but_a_file(bench):
    queue = bench.queue("quorum", b"apple")
    place = bench.file("file", "")
    bench.run("-q", queue.name, "--spool-dir", place, worker=["true"]).assert_error(64, place, "not a directory")
    queue.assert_untouched()


@pytest.mark.parametrize("options", [{"env": {"TMPDIR": "/proc"}}, {}], ids=["TMPDIR", "--spool-dir"])
def test_a_directory_in_which_nobody_can_make_a_file(bench, options):
    queue = bench.queue("quorum", b"apple")
    words = () if options else ("--spool-dir", "/proc")
    result = bench.run("-q", queue.name, *words, worker=["true"], **options)
    result.assert_error(74, "in /proc: its file system takes no new files", "nothing was taken")
    queue.assert_untouched()


@needs_mounts
@pytest.mark.parametrize("options, reason", [
    ("ro", "read-only"), ("size=64k", "no space"), ("nr_inodes=1", "no space"),
], ids=["read-only", "small", "without inodes"])
def test_a_file_system_that_takes_nothing(bench, spool, options, reason):
    queue = bench.queue("quorum", b"apple")
    result = bench.run("-q", queue.name, "--spool-dir", spool, worker=["true"], prefix=on_tmpfs(spool, options))
    result.assert_error(74, spool, reason, "nothing was taken")
    queue.assert_untouched()


@needs_mounts
def test_a_file_system_that_is_full(bench, spool):
    queue = bench.queue("quorum", b"apple")
    fill = f'dd if=/dev/zero of={spool}/filler bs=64k 2>{bench.path("dd")} || true; exec "$@"'
    prefix = on_tmpfs(spool, "size=2m", fill)
    result = bench.run("-q", queue.name, worker=["true"], prefix=prefix, env={"TMPDIR": str(spool)})
    result.assert_error(74, spool, "no space", "nothing was taken")
    queue.assert_untouched()


@needs_mounts
def test_a_file_system_with_less_room_than_the_smallest_item_that_is_spooled(bench, spool):
    queue = bench.queue("quorum", b"apple")
    options = ["--spool-dir", spool, "--spool-above", "8MiB"]
    prefix = on_tmpfs(spool, "size=4m")
    bench.run("-q", queue.name, *options, worker=["true"], prefix=prefix).assert_error(74, spool, "no space")
    queue.assert_untouched()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_a_directory_of_somebody_else(bench, spool):
    queue = bench.queue("quorum", b"apple")
    for path in bench.directory, spool:
        path.chmod(0o755)
    bench.url_file.chmod(0o644)
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    result = bench.run("-q", queue.name, "--spool-dir", spool, worker=["true"], prefix=prefix)
    result.assert_error(74, spool, "denied", "nothing was taken")
    queue.assert_untouched()


def test_no_directory_is_needed_where_every_item_is_kept_in_memory(bench):
    """RabbitMQ accepts no larger item."""
    queue = bench.queue("quorum", os.urandom(SIZE))
    options = ["--spool-dir", "/no/such", "--spool-above", "512MiB"]
    assert bench.run("-q", queue.name, *options, worker=["true"]).status == 0


def test_no_file_is_left(bench, spool):
    queue = bench.queue("quorum", b"apple")
    result = bench.run("-q", queue.name, "--spool-dir", spool, worker=["ls", spool])
    assert (result.status, result.stdout) == (0, b""), result


# Once an item has been taken


def fill(runner, spool):
    """Leaves no room at all on the runner's file system."""
    with open(f"/proc/{runner.pid}/root{spool}/filler", "wb", buffering=0) as filler:
        with pytest.raises(OSError, match="No space"):
            while True:
                filler.write(bytes(4096))


@needs_mounts
@pytest.mark.parametrize("feed", ["large", "named"])
@pytest.mark.parametrize("declared", [False, True], ids=["plain", "declared"])
def test_an_item_is_not_used_up(bench, spool, kind, declared, feed):
    """Plain quorum queues of RabbitMQ 4 drop an item at its 21st return, and declared queues allow three attempts."""
    body, options = items(feed)
    queue = bench.work_queue(kind, body) if declared else bench.queue(kind, body)
    way = bench.proxy()
    for _ in range(22 if kind == "quorum" else 4):
        way.freeze()
        accepted = way.accepted
        runner = bench.start(
            "-q", queue.name, *options, "--spool-dir", spool, worker=["true"], url=way.url,
            prefix=on_tmpfs(spool, "size=2m"))
        wait_until(lambda: way.accepted > accepted, what="a runner that found room")
        fill(runner, spool)
        way.thaw()
        runner.finish().assert_error(74, queue.name, "no space", "goes back as it was", "--spool-dir")
        queue.assert_back()
    assert attempt_and_digest(bench, queue, *options) == (1, hashlib.sha256(body).hexdigest())
    queue.assert_empty()
    if declared:
        queue.dead.assert_empty()
        queue.retry.assert_empty()


@needs_mounts
def test_the_copy_equals_the_item(bench, spool):
    """The copy has the item's properties and attempts, and is at the tail of the queue."""
    queue = bench.work_queue("quorum")
    body = os.urandom(SIZE)
    queue.put(body, message_id="id", headers={"own": "kept", "x-amqp-job-attempts": 1}, content_type="text/plain")
    queue.put(b"small")
    result = bench.run("-q", queue.name, "--spool-dir", spool, worker=["true"], prefix=on_tmpfs(spool, "size=1m"))
    assert result.status == 74, result
    queue.assert_back(2)
    assert queue.take()[2] == b"small"
    _, properties, copied = queue.take()
    assert copied == body
    assert (properties.message_id, properties.content_type, properties.delivery_mode) == ("id", "text/plain", 2)
    assert properties.headers["own"] == "kept" and properties.headers["x-amqp-job-attempts"] == 1


@needs_mounts
def test_several_at_once(bench, spool):
    bodies = [os.urandom(SIZE) for _ in range(6)]
    queue = bench.queue("quorum", *bodies)
    options = ["-n", "6", "-j", "6", "--spool-dir", spool]
    result = bench.run("-q", queue.name, *options, worker=["true"], prefix=on_tmpfs(spool, "size=1m"))
    assert result.status == 74, result
    queue.assert_back(6)
    assert sorted(body for _, _, body in queue.take_all()) == sorted(bodies)


@needs_mounts
def test_an_item_that_fits_is_run_before_one_that_does_not(bench, spool):
    queue = bench.queue("quorum", b"small", os.urandom(SIZE))
    options = ["-n", "2", "--spool-dir", spool]
    result = bench.run("-q", queue.name, *options, worker=["wc", "-c"], prefix=on_tmpfs(spool, "size=1m"))
    assert (result.status, result.stdout) == (74, b"5\n"), result
    queue.assert_back()


@needs_mounts
@pytest.mark.slow
def test_a_very_large_item_passes_through_in_little_memory(bench, spool):
    body = os.urandom(1 << 20) * 100
    queue = bench.queue("classic", body)
    peak = bench.path("peak")
    prefix = ["/usr/bin/time", "--format=%M", "--output", peak, *on_tmpfs(spool, "size=2m")]
    result = bench.run("-q", queue.name, "--spool-dir", spool, worker=["true"], prefix=prefix, timeout=60)
    assert result.status == 74, result
    queue.assert_back()
    assert hashlib.sha256(queue.take()[2]).digest() == hashlib.sha256(body).digest()
    assert int(peak.read_text().split()[-1]) << 10 < 32 << 20


@needs_mounts
def test_a_broker_that_is_short_of_memory_for_a_while(spare, spare_broker):
    """The broker accepts no copies. Meanwhile the runner takes nothing from it, for longer than two heartbeats."""
    spool = spare.path("spool")
    spool.mkdir()
    body = os.urandom(1 << 20) * 20
    queue = spare.queue("classic", body)
    with spare_broker.short_of_memory():
        options = ["--heartbeat", "1", "--spool-dir", spool]
        runner = spare.start("-q", queue.name, *options, worker=["true"], prefix=on_tmpfs(spool, "size=2m"))
        wait_until(lambda: "takes no copies for now" in runner.stderr, what="a broker that takes no copies")
        holds_for(runner.runs, 5.0, "the wait of the runner")
    result = runner.finish()
    assert result.status == 74 and "no copy" not in result.stderr, result
    queue.assert_back()
    redelivered, _, copied = queue.take()
    assert copied == body and not redelivered


@needs_mounts
def test_no_permission_for_a_copy(bench, spool):
    """The item itself goes back, and a message names the missing permission."""
    queue = bench.queue("classic", os.urandom(SIZE))
    with user(bench, configure=".*", read=".*") as reader:
        result = reader.run("-q", queue.name, "--spool-dir", spool, worker=["true"], prefix=on_tmpfs(spool, "size=1m"))
    assert result.status == 74, result
    assert any("amq.default" in line and "goes back as it is" in line for line in result.lines), result
    queue.assert_back()


@needs_mounts
def test_amqp_consume_looks_at_no_directory_before(bench, links):
    """The original needs no directory. Still, an item that cannot be stored is not used up."""
    queue = bench.queue("quorum", b"small")
    host, port = bench.broker.address
    words = [links / "amqp-consume", f"--server={host}", f"--port={port}", "-q", queue.name, "-c", "1", "true"]
    def consume():
        return subprocess.run(
            words, env=bench.environment(TMPDIR="/no/such"), capture_output=True, text=True, timeout=60, check=False)

    assert consume().returncode == 0
    body = os.urandom(SIZE)
    queue.put(body)
    for _ in range(25):
        done = consume()
        assert done.returncode == 74 and "no such file" in done.stderr.lower(), done
        queue.assert_back()
    assert attempt_and_digest(bench, queue) == (1, hashlib.sha256(body).hexdigest())
