"""Steps as containers of a pod: each has namespaces and a root of its own, without a shell. They share only the directory of
the sockets."""

import hashlib
import os
import pathlib
import shutil
import signal

import pytest

from support.processes import CAN_ISOLATE, is_alive, read_proc, wait_until

pytestmark = [
    pytest.mark.any_broker, pytest.mark.skipif(not CAN_ISOLATE, reason="needs root, and namespaces of its own")]

MOST_MEMORY = 32 << 20
# Each root has a /proc, which Swift's runtime needs, and a /tmp for the output of steps.
ROOT = """
mkdir -p "$root/proc" "$root/run/amqp-job" "$root/tmp"
mount -t tmpfs none "$root/tmp"
mount -t proc none "$root/proc"
mount --bind "$sockets" "$root/run/amqp-job"
exec "$@"
"""


class Container:
    """A root with the binary, the worker `pass`, and nothing else."""

    def __init__(self, bench, steps, name):
        self.bench, self.name = bench, name
        self.root = bench.path(f"root-{name}")
        self.root.mkdir()
        bench.directory.chmod(0o755)
        shutil.copy(bench.binary, self.root / "amqp-job")
        shutil.copy(pass_program(bench), self.root / "pass")
        lines = f"root={self.root}; sockets={steps.directory}{ROOT}"
        unshare = [shutil.which("unshare"), "--mount", "--pid", "--fork", "--kill-child"]
        self.prefix = [*unshare, "/bin/sh", "-ec", lines, "sh", shutil.which("chroot"), str(self.root)]

    def start(self, *arguments, **options):
        env = {"HOME": None, "LANG": None, **options.pop("env", {})}
        self.runner = self.bench.start(*arguments, url=None, prefix=self.prefix, binary="/amqp-job", env=env, **options)
        return self.runner

    def step(self, *words):
        return self.start("--socket", f"/run/amqp-job/{self.name}.sock", command="step", worker=["/pass", *words])

    def kill(self):
        """Kills all processes of the container, as the system does when the first one is killed."""
        self.runner.send(signal.SIGKILL)

    @property
    def first(self):
        """The process id, out here, of the first process of the container."""
        pid = self.runner.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
        return int(wait_until(lambda: children.read_text().split(), what="a container's first process")[0])

    @property
    def worker(self):
        """The process id, out here, of the worker that runs in the container."""
        children = pathlib.Path(f"/proc/{self.first}/task/{self.first}/children")

        def found():
            return [int(pid) for pid in children.read_text().split() if read_proc(pid, "cmdline").startswith(b"/pass")]

        return wait_until(found, what="a worker")[0]


def pass_program(bench):
    """A static program that copies its input to its output, or waits if it has an argument."""
    path = bench.path("pass")
    if not path.exists():
        source = bench.file("pass.c", PASS)
        assert os.system(f"cc -O1 -static -o {path} {source}") == 0
    return path


PASS = r"""
#include <unistd.h>
static char bytes[65536];
int main(int argument_count, char **words) {
  if (argument_count > 1) pause();
  for (;;) {
    ssize_t count = read(0, bytes, sizeof bytes);
    if (count <= 0) return count < 0;
    for (ssize_t done = 0, part; done < count; done += part)
      if ((part = write(1, bytes + done, count - done)) < 0) return 1;
  }
}
"""


@pytest.fixture
def containers(bench, steps):
    if not shutil.which("cc"):
        pytest.skip("needs a C compiler, for a worker that needs no file")
    return lambda *names: [Container(bench, steps, name) for name in names]


def url(bench):
    return f"amqp://guest:guest@127.0.0.1:{bench.broker.address[1]}"


@pytest.mark.parametrize("count", [2, 3])
def test_items_pass_containers_that_share_only_the_sockets(bench, containers, queue, count):
    queue.put(*[b"%d" % number for number in range(50)])
    *others, runner = containers(*[f"s{number}" for number in range(count)], "runner")
    for each in others:
        each.step()
    words = [word for number in range(count) for word in ("--step", f"s{number}")]
    ended = runner.start("-q", queue.name, "-n", "50", "-j", "3", *words, worker=["/pass"], env={"BROKER_URL": url(bench)})
    result = ended.finish()
    assert (result.status, result.stderr.count("\n")) == (0, 1), result
    assert len(result.stdout) == len(b"".join(b"%d" % number for number in range(50)))
    assert [each.runner.finish().status for each in others] == [0] * count
    queue.assert_empty()
    assert sorted(os.listdir(others[0].root)) == ["amqp-job", "pass", "proc", "run", "tmp"]


def test_the_end_of_a_runner_s_container_ends_the_worker_in_another(bench, containers, queue):
    """All processes of a container end with the first one, as after an OOM kill."""
    queue.put(b"a")
    blur, runner = containers("blur", "runner")
    step = blur.step("hold")
    runner.start("-q", queue.name, "--step", "blur", env={"BROKER_URL": url(bench)})
    worker = blur.worker
    runner.kill()
    wait_until(lambda: not is_alive(worker), what="the end of the worker")
    queue.assert_back()
    assert step.runs()
    os.kill(blur.first, signal.SIGTERM)
    assert step.finish().status == 0


def test_the_end_of_a_step_s_container_is_a_failed_attempt(bench, containers, queue):
    queue.put(b"a")
    blur, runner = containers("blur", "runner")
    blur.step("hold")
    words = ["-q", queue.name, "--max-attempts", "1", "--step", "blur"]
    ended = runner.start(*words, env={"BROKER_URL": url(bench)})
    worker = blur.worker
    blur.kill()
    ended.finish().assert_error(1, "step 'blur' was lost", "dead-lettered")
    assert not is_alive(worker)


def peak_memory(pid):
    (line,) = [line for line in read_proc(pid, "status").splitlines() if line.startswith(b"VmHWM")]
    return int(line.split()[1]) << 10


@pytest.mark.slow
@pytest.mark.limit(600)
def test_a_large_item_through_three_steps_costs_little_memory(bench, steps, queue, figures):
    """RabbitMQ takes at most 512 MiB, and by default 128 MiB or less. The first step makes 1 GB of it."""
    queue.put(os.urandom(1 << 20) * 100)
    size = 1_000_000_000
    first = steps.start("grow", ["sh", "-c", f"head -c {size} /dev/zero"])
    second = steps.start("copy", ["cat"])
    worker = bench.worker("read", "hold")
    third = steps.start("read", worker)
    options = ["--spool-dir", str(bench.directory)]
    runner = bench.start("-q", queue.name, *options, *steps.options("grow", "copy", "read"))
    worker.wait_for("holding", timeout=400)
    (end,) = worker.events("end-of-input")
    digest = hashlib.sha256()
    for _ in range(1000):
        digest.update(bytes(1_000_000))
    assert (end["length"], end["sha256"]) == (size, digest.hexdigest())
    peaks = [peak_memory(each.pid) for each in (runner, first, second, third)]
    figures.append("1 GB through three steps, peak memory of the runner and of each step, in MiB: "
                   + ", ".join(f"{peak / (1 << 20):.1f}" for peak in peaks))
    assert max(peaks) < MOST_MEMORY, peaks
    worker.go()
    assert runner.finish().status == 0
