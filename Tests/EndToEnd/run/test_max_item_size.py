"""--max-item-size, and announced bodies that never arrive."""

import os
import signal

import pika.frame
import pytest

from support.dead_letters import dead
from support.processes import wait_until

LARGE = os.urandom(1 << 16) * 48  # This is 3 MiB.


def open_files(pid):
    found = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            path = f"/proc/{pid}/fd/{number}"
            found.append((os.readlink(path), os.stat(path)))
        except OSError:
            pass
    return found


@pytest.mark.parametrize("spool_above", ["1KiB", "16MiB"])
def test_a_larger_one_is_dead_lettered_and_the_others_go_on(bench, spool_above):
    queue = bench.work_queue("quorum", LARGE, b"one")
    result = bench.run(
        "-q", queue.name, "--drain", "--max-item-size", "1MiB", "--spool-above", spool_above, worker=["wc", "-c"],
        timeout=60)
    assert (result.status, result.stdout.split()) == (1, [b"3"]), result
    assert any("--max-item-size" in line for line in result.lines), result
    queue.assert_empty()
    assert b"too large" in dead(bench, "list", queue.name).stdout
    assert queue.dead.take()[2] == LARGE


def test_on_a_plain_queue_it_goes_to_the_tail(bench):
    queue = bench.queue("quorum", LARGE, b"one")
    result = bench.run(
        "-q", queue.name, "-n", "2", "--max-item-size", "1MiB", "--spool-above", "1KiB", worker=["wc", "-c"])
    assert (result.status, result.stdout.split()) == (1, [b"3"]), result
    assert [body for *_, body in queue.take_all()] == [LARGE]


def test_an_announcement_takes_no_room(bench):
    """The announced size is not reserved on the disk before the body has arrived."""
    room = os.statvfs(bench.directory)
    size = room.f_bavail * room.f_frsize // 2
    if size < 1 << 30:
        pytest.skip("the disk has too little room to be taken")

    def announce(session, channel, consumer):
        frames = session.delivery(channel, consumer, b"", announced=size)
        session.raw(b"".join(frames) + pika.frame.Body(channel, b"x" * 100_000).marshal())

    peer = bench.peer(announce)
    runner = bench.start("-q", "queue", "--spool-dir", bench.directory, url=peer.url, worker=["cat"])

    def spooled():
        return [status for path, status in open_files(runner.pid) if path.startswith(str(bench.directory) + "/")
                and status.st_size and "runner-" not in path and "url" not in path]

    files = wait_until(spooled, what="the file for the body")
    assert all(status.st_blocks * 512 < 100 << 20 for status in files), files
    runner.send(signal.SIGTERM)
    assert runner.finish().status == 143
