"""What amqp-job costs an image and a pod, beside amqp-consume: footprint.py BINARY URL

Sizes in bytes; medians of the times from start to end of processes that have little to do, in turn; and what idle
consumers hold in memory.
"""

import gzip
import lzma
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

STARTS = 300
SILENCE = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]

binary, url = sys.argv[1:]
environment = {**os.environ, "BROKER_URL": url}
content = pathlib.Path(binary).read_bytes()
print(f"size {len(content)}, with xz -9 {len(lzma.compress(content, preset=9))}, with gzip -9 {len(gzip.compress(content, 9))}")


def milliseconds(words):
    start = time.perf_counter()
    os.waitpid(os.posix_spawn(words[0], words, os.environ, file_actions=SILENCE), 0)  # subprocess would cost more than they
    return (time.perf_counter() - start) * 1e3


def resident(pid):
    """In kB."""
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


with tempfile.TemporaryDirectory() as directory:
    alive = pathlib.Path(directory, "alive")
    queue = f"footprint-{os.getpid()}"
    subprocess.run([binary, "declare", queue, "--plain"], env=environment, check=True)
    runner = subprocess.Popen([binary, "run", "-q", queue, "--liveness-file", alive, "--", "cat"], env=environment)
    consumer = subprocess.Popen(["amqp-consume", "-u", url, "-q", queue, "cat"])
    while subprocess.run(
        [binary, "check", "--liveness-file", alive, "--ready"], stderr=subprocess.DEVNULL, check=False
    ).returncode:
        time.sleep(0.1)
    commands = [
        ["/bin/true"], [binary, "--version"], [binary, "check", "--liveness-file", alive], [binary, "run", "-q", queue],
        [shutil.which("amqp-consume"), "--help"],
    ]
    rounds = [[milliseconds(words) for words in commands] for _ in range(STARTS)]
    for index, words in enumerate(commands):
        ratio = statistics.median(times[index] / times[0] for times in rounds)
        median = statistics.median(times[index] for times in rounds)
        print(f"{' '.join(map(str, [pathlib.Path(words[0]).name, *words[1:2]])):22} {median:6.2f} ms   {ratio:.2f} of /bin/true")
    children = pathlib.Path(f"/proc/{runner.pid}/task/{runner.pid}/children").read_text().split()
    print(
        f"idle: amqp-job {resident(runner.pid)} kB, its guardian {sum(map(resident, children))} kB,"
        f" amqp-consume {resident(consumer.pid)} kB"
    )
    for process in runner, consumer:
        process.kill()
        process.wait()
    subprocess.run([binary, "declare", queue, "--plain", "--delete"], env=environment, check=True)
