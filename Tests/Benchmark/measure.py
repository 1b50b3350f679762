"""Neighbours in time, their medians and ratios, and figures as text."""

import os
import statistics
import subprocess
import time

SILENCE = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]


def side_by_side(rounds, *actions):
    """The results of each action. All take turns in each round; a first one, which does not count, warms up."""
    return list(zip(*[[action() for action in actions] for _ in range(rounds + 1)][1:]))


def figure(number):
    """With two digits that mean something."""
    return f"{float(f'{number:.2g}'):g}"


def ratio(ones, others):
    """The median of the ratios of neighbours."""
    return figure(statistics.median(one / other for one, other in zip(ones, others, strict=True)))


def seconds(words, environment):
    """From the start of a process to its end."""
    start = time.perf_counter()
    subprocess.run(words, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def seconds_of_a_short_one(words):
    """The same for one that takes less time than subprocess does."""
    start = time.perf_counter()
    _, status = os.waitpid(os.posix_spawn(words[0], words, os.environ, file_actions=SILENCE), 0)
    assert status == 0, words
    return time.perf_counter() - start


def milliseconds(times):
    return f"{figure(statistics.median(times) * 1e3)} ms"


def megabytes(kilobytes):
    """Of the kernel's 1024 bytes."""
    return f"{kilobytes * 1024 / 1e6:.1f} MB"
