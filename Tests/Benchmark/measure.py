"""Measures actions side by side, and formats medians and ratios as text."""

import os
import statistics
import subprocess
import time

SILENCE = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]


def side_by_side(rounds, *actions):
    """Returns the results of each action. In each round all actions run once, one after another. A first round warms up and
    does not count."""
    return list(zip(*[[action() for action in actions] for _ in range(rounds + 1)][1:]))


def figure(number):
    """Formats a number with two significant digits."""
    return f"{float(f'{number:.2g}'):g}"


def ratio(ones, others):
    """Returns the median of the ratios of results from the same round."""
    return figure(statistics.median(one / other for one, other in zip(ones, others, strict=True)))


def seconds(words, environment):
    """Returns the time from the start of a process to its end."""
    start = time.perf_counter()
    subprocess.run(words, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def seconds_of_short_process(words):
    """Returns the same for a process that takes less time than the overhead of subprocess."""
    start = time.perf_counter()
    _, status = os.waitpid(os.posix_spawn(words[0], words, os.environ, file_actions=SILENCE), 0)
    assert status == 0, words
    return time.perf_counter() - start


def milliseconds(times):
    return f"{figure(statistics.median(times) * 1e3)} ms"


def difference(ones, others):
    """Returns the median of the differences of times from the same round."""
    return milliseconds([one - other for one, other in zip(ones, others, strict=True)])


def megabytes(kilobytes):
    """Formats a size in units of 1024 bytes, which the kernel calls kB."""
    return f"{kilobytes * 1024 / 1e6:.1f} MB"
