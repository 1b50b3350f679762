"""A publisher that is killed at random moments. SOURCE_NAMES, SOURCE_KILLS and SOURCE_SEED make it longer, and repeat one."""

import collections
import os
import random
import signal
import time

import pytest

from support.item_source import HTTPSource
from support.processes import is_alive, wait_until

from test_source_faults import BATCH, MEMORY, peak

NAMES = int(os.environ.get("SOURCE_NAMES", "5000"))
KILLS = int(os.environ.get("SOURCE_KILLS", "5"))
SEED = int(os.environ.get("SOURCE_SEED", "0")) or random.randrange(1 << 32)
LIMIT = 120 + KILLS * 10 + NAMES // 50


class Peaks:
    """The most memory that any process of a publisher took."""

    def __init__(self, publishers):
        self.publishers, self.publisher, self.command = publishers, 0, 0

    def look(self, publisher):
        active = self.publishers.active(publisher)
        try:
            self.publisher = max(self.publisher, peak(publisher.pid))
            self.command = max(self.command, peak(active) if active else 0)
        except TypeError:
            pass  # It has just ended.
        return active


@pytest.mark.slow
@pytest.mark.limit(LIMIT)
def test_no_kill_loses_a_name(publishers, bench, figures):
    source = HTTPSource(*(f"item-{number}" for number in range(NAMES)))
    bench.closers.append(source.close)
    chance, peaks = random.Random(SEED), Peaks(publishers)
    began = time.monotonic()
    kills = 0
    while kills < KILLS:
        publisher = publishers.start(source.url, every="1s")
        # The moments are spread over the whole work, and over what comes before and after it.
        target = int(NAMES * (kills + chance.random()) / KILLS)
        wait_until(lambda: "the ledger" in publisher.stderr, LIMIT, "a ledger that is read")  # noqa: B023
        if chance.random() < 0.8:
            wait_until(lambda: peaks.look(publisher) and publishers.queue.depth() >= target, LIMIT, f"{target} items")  # noqa: B023
        time.sleep(chance.uniform(0, 0.3))
        active = peaks.look(publisher)
        publisher.send(signal.SIGKILL)
        publisher.finish()
        wait_until(lambda: not active or not is_alive(active), what="the end of the command")  # noqa: B023
        kills += 1
    publisher = publishers.start(source.url, every="1s")
    wait_until(lambda: "items published" in publisher.stderr or publishers.queue.depth() >= NAMES, LIMIT, "the rest")
    source.wait_for_polls(2, LIMIT)
    peaks.look(publisher)
    publishers.end(publisher)
    assert publishers.once(source.url, timeout=LIMIT).status == 0
    counts = publishers.counts()
    repeated = sum(counts.values()) - len(counts)
    figures.append(
        f"source, seed {SEED}: {NAMES} names, {kills} kills, {repeated} repeated, {time.monotonic() - began:.0f} s, VmHWM "
        f"{peaks.command / (1 << 20):.1f} MiB, of the candidate {peaks.publisher / (1 << 20):.1f} MiB")
    assert set(counts) == {f"item-{number}" for number in range(NAMES)}
    assert max(counts.values()) <= 1 + kills and repeated <= kills * BATCH
    assert collections.Counter(counts.values())[1] >= NAMES - kills * BATCH
    assert max(peaks.command, peaks.publisher) < MEMORY
