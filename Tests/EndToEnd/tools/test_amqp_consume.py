"""amqp-job under the name amqp-consume. It does what Debian's program does, except where that loses an item or reports
a false status."""

import dataclasses
import pathlib
import re
import shutil
import signal

import pika.exceptions
import pytest

from support.debian_tools import are_installed, compare, kind, options, unused
from support.processes import CAN_ISOLATE, PROMPT, Runner, wait_until

pytestmark = are_installed


@dataclasses.dataclass
class Row:
    """One call of both programs. `{queue}` and `{exchange}` become new names for each call, and `{fails}` becomes a
    script."""

    arguments: list
    worker: list = dataclasses.field(default_factory=lambda: ["cat"])
    items: tuple = ()  # In the queue beforehand. Without them there is no queue.
    # (routing key, body), published once the items are taken: to the exchange, or to the queue if there is no key.
    sends: tuple = ()
    unbound: str = None  # A key that routes nothing into the queue, used after the first of `sends`.
    # What ours does where it differs from the original. stderr is a regular expression.
    differs: dict = dataclasses.field(default_factory=dict)
    why: str = None  # Why it differs.

    def __str__(self):
        return " ".join([*self.arguments, *self.worker])


REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
LARGE = b"x" * 300_000
# The original takes an option among the arguments of the command for its own.
FAILS = ["sh", "{fails}"]

ROWS = [
    Row(["-q", "{queue}", "-c", "1"], items=(b"apple", b"banana")),
    Row(["--queue={queue}", "--count=2"], items=(b"apple", b"banana", b"cherry")),
    Row(["-q", "{queue}", "-c1", "--"], items=(b"apple",)),
    Row(["-q", "{queue}", "-c", "0"], items=(b"apple",)),
    Row(["-q", "{queue}", "-c", "2", "-p", "1"], items=(b"apple", b"banana", b"cherry")),
    Row(["-q", "{queue}", "-c", "1", "--prefetch-count", "7"], items=(b"apple", b"banana")),
    Row(["-A", "-q", "{queue}", "-c", "1"], items=(b"apple",)),
    Row(["--no-ack", "-q", "{queue}", "-c", "1"], items=(b"apple",)),
    # Queues of its own
    Row(["-c", "1"], sends=((None, b"apple"),)),
    Row(["-x", "-c", "1"], sends=((None, b"apple"),)),
    Row(["-c", "0"]),
    Row(["-d", "-q", "{queue}", "-c", "1"], sends=((None, b"apple"),)),
    Row(["--declare", "-q", "{queue}", "-c", "0"]),
    Row(["--exclusive", "-q", "{queue}", "-c", "1"], sends=((None, b"apple"),)),
    Row(["-e", "{exchange}", "-r", "a", "-c", "1"], sends=(("a", b"1"),)),
    Row(
        ["--exchange={exchange}", "--routing-key=a,b", "-q", "{queue}", "-x", "-c", "2"],
        sends=(("a", b"1"), ("b", b"2")), unbound="a,b",
    ),
    Row(["-e", "{exchange}", "-r", "", "-c", "0"]),
    Row(
        ["-e", "{exchange}", "-c", "1"], sends=(("", b"1"),),
        differs={"status": 0, "stdout": b"1", "sent": 1},
        why="the original is killed by SIGSEGV; its manual says that the key is the empty one",
    ),
    # Refused
    Row(["-q", "{queue}", "-c", "1"]),
    Row(["-q", "", "-c", "1"]),
    Row(["-d", "-q", "{queue}", "-c", "1"], items=(b"apple",)),
    Row(["-e", "{queue}", "-r", "a", "-c", "1"]),
    Row(["-r", "a", "-c", "1"]),
    Row(["-c", "x", "-q", "{queue}"]),
    Row(["-c", "99999999999", "-q", "{queue}"]),
    Row(["--nothing", "-q", "{queue}"]),
    Row(["-q", "{queue}", "-c", "1"], [], items=(b"apple",)),
    Row(["-q"], []),
    Row(["--help"], []),
    Row(["--usage"], []),
    # The promises
    Row(
        ["-q", "{queue}", "-c", "1"], FAILS, items=(b"apple",),
        differs={"status": 3, "stderr": "amqp-consume: .*exited with 3.*"}, why="a failed worker is no success",
    ),
    Row(
        ["-q", "{queue}", "-c", "1", "-A"], FAILS, items=(b"apple",),
        differs={"status": 3, "left": [b"apple"], "stderr": "amqp-consume: .*exited with 3.*"},
        why="an item that is not done stays",
    ),
    Row(
        ["-q", "{queue}", "-c", "1"], ["no-such-command"], items=(b"apple",), differs={"status": 127},
        why="no item is taken for a command that is not there; the status is a shell's",
    ),
    Row(
        ["-q", "{queue}", "-c", "1"], ["true"], items=(LARGE,), differs={"status": 0, "left": []},
        why="the original is killed by SIGPIPE, each time anew",
    ),
    Row(
        ["-q", "{queue}", "-c", "1"], ["sh", "-c", "cat"], items=(b"apple",),
        differs={"status": 0, "stdout": b"apple", "left": [], "stderr": ""},
        why="the options of the command are its own",
    ),
]


@pytest.fixture
def link(links):
    """The binary under the name amqp-consume."""
    return str(links / "amqp-consume")


def start(bench, program, *arguments, worker=(), address=None, **environment):
    host, port = address or bench.broker.address
    words = [program, f"--server={host}", f"--port={port}", *arguments, *getattr(worker, "command", worker)]
    runner = Runner(words, bench.environment(**environment), bench.directory, bench.name_queue().name)
    bench.runners.append(runner)
    return runner


ANNOUNCEMENT = re.compile(r"Server provided queue name: (amq\.gen-\S+)\n")


def own_queue(runner):
    """The name that the broker gave its queue. None if the program ends without one."""
    wait_until(lambda: ANNOUNCEMENT.search(runner.stderr) or not runner.runs())
    found = ANNOUNCEMENT.search(runner.stderr)
    return found and found[1]


def send(bench, runner, exchange, key, body):
    """Publishes as soon as the key is bound to a queue. Returns False if the program ends before that."""
    while runner.runs():
        try:
            bench.client.channel.basic_publish(exchange, key, body, mandatory=True)
            return True
        except pika.exceptions.UnroutableError:
            pass
    return False


def observed(bench, program, row):
    """The result of a call."""
    queue = bench.queue("classic", *row.items) if row.items else bench.name_queue("classic")
    exchange = queue.name + "-x"
    bench.client.channel.exchange_declare(exchange, "direct")
    fails = bench.file(queue.name, "cat >/dev/null; exit 3\n")  # SIGPIPE kills the original if an item is not read.

    def filled(words):
        return [word.format(queue=queue.name, exchange=exchange, fails=fails) for word in words]

    runner = start(bench, program, *filled(row.arguments), worker=filled(row.worker))
    seen = {"kind": None, "sent": 0}
    if row.sends:
        name = queue.name if "{queue}" in row.arguments else own_queue(runner)
        if name is not None:
            seen["kind"] = wait_until(lambda: kind(bench, name) or not runner.runs())
        for number, (key, body) in enumerate(row.sends):
            seen["sent"] += send(bench, runner, *(("", name) if key is None else (exchange, key)), body)
            if row.unbound and number == 0:
                with pytest.raises(pika.exceptions.UnroutableError):
                    bench.client.channel.basic_publish(exchange, row.unbound, b"?", mandatory=True)
    result = runner.finish()
    bench.client.channel.exchange_delete(exchange)
    seen.update(status=result.status, stdout=result.stdout)
    seen["stderr"] = ANNOUNCEMENT.sub("Server provided queue name: X\n", result.stderr).replace(queue.name, "Q")
    seen["left"] = [body for _, _, body in queue.take_all()] if queue.exists() else None
    return seen


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_is_amqp_consume(bench, link, row):
    theirs, ours = observed(bench, "amqp-consume", row), observed(bench, link, row)
    compare("amqp-consume", row, theirs, ours, ["kind", "sent", "status", "stdout", "left"])


def test_each_option_is_compared():
    own, _ = options("amqp-consume")
    assert len(own) == 8 and unused(own, ROWS) == []


# What the original does not promise


def test_serves_for_ever_and_tries_again_what_failed(bench, link):
    queue = bench.queue("classic", b"apple", b"banana")
    once = bench.path("once")
    worker = bench.script(f"mkdir {once} 2>/dev/null && exit 3; cat; echo\n")
    runner = start(bench, link, "-q", queue.name, worker=worker)
    wait_until(lambda: runner.stdout == b"apple\nbanana\n")
    wait_until(lambda: queue.consumers() == 1 and queue.depth() == 0)
    runner.send(signal.SIGTERM)
    result = runner.finish(PROMPT)
    assert result.status == 143 and "exited with 3" in result.lines[0], result
    queue.assert_empty()


@pytest.mark.parametrize("count", [[], ["-c", "1"]])
def test_the_worker_is_told_to_end_and_its_item_goes_back(bench, link, count):
    queue = bench.queue("classic", b"apple")
    worker = bench.worker("trap:TERM:5", "wait-for:TERM")
    runner = start(bench, link, "-q", queue.name, *count, worker=worker)
    worker.wait_for("holding")
    runner.send(signal.SIGTERM)
    assert runner.finish().status == 143
    assert worker.events("signal")
    queue.assert_back(1)


def test_the_environment_is_the_workers(bench, link):
    """Ours asks the broker nothing, and withholds nothing."""
    queue = bench.queue("classic", b"apple")
    worker = bench.worker("read")
    settings = {"AMQP_URL": "amqp://nobody@127.0.0.1:1", "BROKER_URL": "x", "QUEUE": "y", "AMQP_JOB_COUNT": "7"}
    result = start(bench, link, "-q", queue.name, "-c", "1", worker=worker, **settings).finish()
    assert (result.status, result.stderr) == (0, ""), result
    assert settings.items() <= worker.environment.items()
    assert worker.environment["WORK_ITEM_QUEUE"] == queue.name


def test_a_queue_of_its_own_goes_with_the_connection(bench, link):
    proxy = bench.proxy()
    runner = start(bench, link, worker=["true"], address=("127.0.0.1", proxy.port))
    name = own_queue(runner)
    wait_until(lambda: bench.client.channel.queue_declare(name, passive=True).method.consumer_count == 1)
    proxy.cut()
    result = runner.finish(PROMPT)
    assert result.status == 75 and name in result.lines[-1], result


def test_a_broker_out_of_reach_is_an_error_at_once(bench, link):
    proxy = bench.proxy(listen=False)
    result = start(bench, link, "-q", "q", worker=["true"], address=("127.0.0.1", proxy.port)).finish(PROMPT)
    assert result.status == 1 and len(result.lines) == 1, result


def test_a_queue_that_deletes_itself_is_kept_in_a_pause(bench, link):
    """After several failures in a row nothing is taken for a while. Without the consumer the queue would be deleted."""
    queue = bench.name_queue("classic")
    tries = bench.path("tries")
    worker = bench.script(f'echo >>{tries}; [ "$(wc -l <{tries})" -gt 2 ] && cat\n')
    runner = start(bench, link, "-d", "-q", queue.name, "-c", "3", worker=worker)
    assert send(bench, runner, "", queue.name, b"apple")
    result = runner.finish()
    assert (result.status, result.stdout) == (1, b"apple"), result
    assert not queue.exists()


@pytest.mark.skipif(not CAN_ISOLATE, reason="needs root, and mounts of its own")
def test_the_tutorials_command(bench, binary):
    """The command is that of https://kubernetes.io/docs/tasks/job/, in an image with the same paths."""
    queue = bench.queue("classic", b"apple", b"banana")
    root = bench.path("root")
    for name in ("app", "proc", "usr"):
        (root / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    shutil.copy(REPOSITORY / "k8s" / "tutorial" / "worker.py", root / "app")
    enter = f"""
        mount --bind /usr {root}/usr
        mount --bind {binary} {root}/usr/bin/amqp-consume
        mount -t proc none {root}/proc
        exec chroot {root} /bin/sh -c '/usr/bin/amqp-consume --url=$BROKER_URL -q $QUEUE -c 1 /app/worker.py'
    """
    environment = bench.environment(BROKER_URL=bench.broker.url, QUEUE=queue.name)
    runner = Runner(["unshare", "--mount", "sh", "-ec", enter], environment, bench.directory, "tutorial")
    bench.runners.append(runner)
    result = runner.finish()
    assert (result.status, result.stdout, result.stderr) == (0, b"Processing apple\n", ""), result
    queue.assert_untouched(1)
