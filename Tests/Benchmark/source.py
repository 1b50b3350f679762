"""Measures publishers that follow a source of many names."""

import subprocess
import time
from statistics import median

from measure import megabytes, milliseconds, ratio, side_by_side

NAMES = 100_000
ROUNDS = 3
KINDS = ("quorum", "classic")

HEAD = ("a source of 100,000 names, by `amqp-job publish --from command:...`", *(f"{kind} queue" for kind in KINDS))
LABELS = (
    "items published in a second at the first look, as a ratio to `amqp-publish -l`",
    "time of a look that finds nothing new, as a ratio to the first one",
    "peak memory",
)
NOTE = "Each name is an item of its own, confirmed, and recorded in the ledger. A look includes the start of its process."


def amqp_publish(setup, kind, names):
    with setup.queue(kind, left=names[1], max_lost=names[1] // 100 + 1) as queue, names[0].open() as lines:
        start = time.perf_counter()
        setup.call("amqp-publish", "-u", setup.url, "-r", queue, "-l", stdin=lines)
        return time.perf_counter() - start


def looks(setup, kind, names):
    """Returns the times of a look at the names and of another one, and the peak memory in kB."""
    with setup.queue(kind, left=names[1]) as queue:
        def look(source):
            words = [setup.binary, "publish", "-q", queue, "--once", "--lease", "3s", "--from", f"command:{source}"]
            start = time.perf_counter()
            peak = subprocess.run(
                [setup.compiled("peak"), *words], env=setup.environment, check=True, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL).stdout
            return time.perf_counter() - start, int(peak)

        # The first leader of an election waits for a lease.
        look("true")
        (first, peak), (second, _) = look(f"cat {names[0]}"), look(f"cat {names[0]}")
        for part in ("source", "source.election"):
            setup.call("amqp-delete-queue", "-u", setup.url, "-q", f"{queue}.{part}")
        return first, second, peak


def measure(setup):
    names = setup.directory / "names", setup.count(NAMES)
    names[0].write_text("".join(f"name-{number}\n" for number in range(names[1])))
    columns = []
    for kind in KINDS:
        theirs, ours = side_by_side(
            setup.count(ROUNDS), lambda: amqp_publish(setup, kind, names), lambda: looks(setup, kind, names))  # noqa: B023
        first, second = ([times[index] for times in ours] for index in (0, 1))
        columns.append((
            f"{ratio(theirs, first)} ({names[1] / median(first):,.0f}/s)", f"{ratio(second, first)} ({milliseconds(second)})",
            megabytes(max(peak for _, _, peak in ours)),
        ))
    return list(zip(*columns))
