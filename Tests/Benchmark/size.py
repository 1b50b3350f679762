"""Measures the size of amqp-job in an image, and the time that the start of a process takes."""

import gzip
import lzma
import pathlib
import shutil
import subprocess

from measure import milliseconds, ratio, seconds_of_short_process, side_by_side

HEAD = ("size, and time of a process that has little to do", "`amqp-job`")
LABELS = (
    "the file; with gzip -9; with xz -9",
    "`amqp-job --version`, as a ratio to `/bin/true`",
    "`amqp-job check`, the same",
    "`amqp-consume --help`, the same",
)
NOTE = ""
STARTS = 300


def measure(setup):
    content = pathlib.Path(setup.binary).read_bytes()
    sizes = len(content), len(gzip.compress(content, 9)), len(lzma.compress(content, preset=9))
    alive = setup.directory / "alive"
    with setup.queue() as queue, subprocess.Popen(
        [setup.binary, "run", "-q", queue, "--liveness-file", alive, "-v", "--", "cat"],
        env=setup.environment, stderr=subprocess.PIPE,
    ) as runner:
        try:
            runner.stderr.readline()
            true, *others = side_by_side(setup.count(STARTS), *(
                lambda words=words: seconds_of_short_process(words) for words in (
                    ["/bin/true"], [setup.binary, "--version"], [setup.binary, "check", "--liveness-file", alive],
                    [shutil.which("amqp-consume"), "--help"],
                )
            ))
        finally:
            runner.kill()
    return [("; ".join(f"{size / 1e6:.1f} MB" for size in sizes),), *(
        (f"{ratio(times, true)} ({milliseconds(times)})",) for times in others
    )]
