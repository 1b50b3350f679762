"""Runs amqp-job against a real broker through a proxy that changes what the broker sends.

conversations.py BINARY BROKER-NAME [OPTION...], called by scripts/fuzz --conversations

No conversation may crash, hang, lose an item or show a password, and none may end with a false exit status 0. The script
prints each conversation that does, with the number that reproduces it.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "EndToEnd"))

import pika.exceptions  # noqa: E402

from support import amqp  # noqa: E402
from support import brokers  # noqa: E402
from mutator import Proxy  # noqa: E402

USER, PASSWORD = "fuzz", "Geheim-4711-nobody-sees"
# A command may wait forever for bytes that were removed. It gets TERM after the first time, and must end within the second.
# Both are in seconds.
PATIENCE, TERM_LIMIT = 6.0, 20.0
# A few commands get no TERM. They must end by their own time limit of a minute.
OWN_LIMIT = 90.0
COMMON = ["--connect-timeout", "2s", "--heartbeat", "2s"]
SIGNALS = {128 + number for number in (signal.SIGILL, signal.SIGABRT, signal.SIGBUS, signal.SIGSEGV, signal.SIGTRAP)}


class Violation(Exception):
    """Something that must not happen."""


class Lane:
    """Runs one conversation after another, on its own queues."""

    def __init__(self, options, broker, directory, number):
        self.binary, self.broker = options.binary, broker
        self.seed = options.seed
        self.directory = directory / str(number)
        self.directory.mkdir()
        self.client = amqp.Client(broker.url)
        self.family, self.plain = f"fuzz-{number}", f"fuzz-plain-{number}"
        kind = "classic" if number % 2 else "quorum"
        subprocess.run(
            [self.binary, "declare", self.family, "--type", kind, "--url", broker.url], check=True,
            stderr=subprocess.DEVNULL)
        self.client.channel.queue_declare(self.plain, durable=True)
        self.connections = 0  # the number of connections in the last conversation
        self.before = self.latest = None  # the commands of the two latest conversations, for a report

    def queues(self, name):
        return [name, f"{name}.retry", f"{name}.dead"] if name == self.family else [name]

    def counts(self, name):
        channel = self.client.channel
        return [channel.queue_declare(each, passive=True).method.message_count for each in self.queues(name)]

    def reset(self, name, items, is_dead):
        channel = self.client.channel
        for each in [*self.queues(name), f"{self.family}.marks"]:
            channel.queue_purge(each)
        target = f"{name}.dead" if is_dead else name
        for number in range(items):
            channel.basic_publish("", target, b"item-%d" % number, pika.BasicProperties(
                delivery_mode=2, message_id=f"id-{number}", content_type="text/plain", headers={"n": number, "t": ["x", {}]}))

    def converse(self, index):
        """Runs one conversation. Returns the name of its command, and its exit status."""
        generator = random.Random(f"{self.seed}/{index}")
        name = generator.choice([self.family, self.family, self.plain])
        items = generator.choice([0, 1, 1, 2, 3, 5])
        command = generator.choice(COMMANDS)
        self.reset(name, items, is_dead=command in (dead_list, dead_show, dead_replay, dead_purge) and name == self.family)
        proxy = Proxy(self.broker.address, f"{self.seed}/{index}")
        self.journal = self.directory / "journal"
        self.journal.write_bytes(b"")
        words, check = command(self, name, items, generator)
        self.before, self.latest = self.latest, ' '.join(words)
        environment = {
            "PATH": os.environ["PATH"], "TMPDIR": str(self.directory),
            "AMQP_URL": f"amqp://{USER}:{PASSWORD}@127.0.0.1:{proxy.port}",
        }
        gets_term = generator.random() < 0.98
        began = time.monotonic()
        process = subprocess.Popen(
            [self.binary, *words], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True)
        try:
            out, err, got_term = self.finish(process, gets_term or command in UNLIMITED)
        except Violation as error:
            raise Violation(f"{error}; {' '.join(words)}; {[each.done for each in proxy.mutators]}") from None
        finally:
            proxy.close()
        report = f"{' '.join(words)} -> {process.returncode} after {time.monotonic() - began:.1f} s, got TERM: {got_term}, " \
            f"changes: {[each.done for each in proxy.mutators][:4]}: {err.decode(errors='replace')[-600:]!r}"
        status = process.returncode
        if status < 0 and not (got_term and -status == signal.SIGTERM) or status in SIGNALS or b"Fatal error" in err:
            raise Violation(f"it crashed: {report}")
        if PASSWORD.encode() in out + err:
            raise Violation(f"it showed the password: {report}")
        self.connections = len(proxy.mutators)
        problem = check(status, out, err)
        if problem:
            raise Violation(f"{problem}: {report}")
        return command.__name__, status

    def finish(self, process, gets_term):
        """Waits for the process. Returns its standard output, its standard error, and whether it got TERM."""
        try:
            return *process.communicate(timeout=PATIENCE if gets_term else OWN_LIMIT), False
        except subprocess.TimeoutExpired:
            pass
        if gets_term:
            process.send_signal(signal.SIGTERM)
            try:
                return *process.communicate(timeout=TERM_LIMIT), True
            except subprocess.TimeoutExpired:
                pass
        os.killpg(process.pid, signal.SIGKILL)
        _, err = process.communicate()
        raise Violation(f"it hung {'after TERM' if gets_term else 'beyond its own limit'}: {err[-600:]!r}")

    # Counts of items

    def done(self):
        return self.journal.read_bytes().count(b"done\n")

    def settled_count(self, name, expected):
        """The number of items in the queues, after unacknowledged items have had time to come back."""
        deadline = time.monotonic() + 15
        while sum(self.counts(name)) < expected and time.monotonic() < deadline:
            time.sleep(0.05)
        return sum(self.counts(name))


def worker(lane, generator):
    code = generator.choice([0, 0, 0, 0, 3])
    return ["--", "sh", "-c", f"cat >/dev/null; [ {code} != 0 ] || echo done >>{lane.journal}; exit {code}"]


def run(lane, name, items, generator, words=None, wanted=1):
    words = words or generator.choice([["-n", "1"], ["-n", "1", "--when-empty", "exit"], ["-n", "1", "--on-disconnect", "finish"]])
    may_be_empty = "exit" in words
    words = [*words, "--grace", "1s", "--max-item-size", "1MiB", "--spool-above", "1KiB"]
    if name == lane.family:
        words += ["--retry-delay", "1h"]

    def check(status, out, err):
        done = lane.done()
        # Every item that left the queues must have been done. There may also be copies of items that were not settled.
        left = lane.settled_count(name, items - done)
        if left < items - done:
            return f"{items - done - left} of {items} items are lost"
        if status == 0 and not may_be_empty and done < wanted:
            return f"its exit status 0 is false: {done} of {wanted} items were done"
        if status == 0 and may_be_empty and done < min(items, wanted):
            return f"its exit status 0 is false: {done} items were done, of {items} in the queue and {wanted} wanted"
        # Each lost connection may leave one copy for each worker, but copies must not accumulate beyond that.
        if left > items + min(3 * lane.connections, 12):
            return f"{items} items have become {left}"
        return None

    return ["run", "-q", name, *COMMON, *words, *worker(lane, generator)], check


def run_many(lane, name, items, generator):
    if generator.random() < 0.5:
        words, check = run(lane, name, items, generator, ["-n", "3", "-j", "2", "--when-empty", "exit"], 3)
    else:
        words, check = run(lane, name, items, generator, ["--drain", "-j", "3", "--drain-timeout", "4s"], 0)
    return words, check


def publish(lane, name, items, generator):
    bodies = [f"new-{number}" for number in range(generator.choice([1, 3, 20]))]

    def check(status, out, err):
        if status == 0 and lane.settled_count(name, items + len(bodies)) < items + len(bodies):
            return f"its exit status 0 is false: the queues have {lane.counts(name)}, not {items} and {len(bodies)}"
        return None

    return ["publish", "-q", name, *COMMON, *bodies], check


def status(lane, name, items, generator):
    words = generator.choice([[], ["--json"], ["--drained"]])

    def check(code, out, err):
        if code == 0 and "--json" in words:
            try:
                [json.loads(line) for line in out.splitlines()]
            except ValueError:
                return "its output is not JSON"
        return None

    return ["status", name, *COMMON, *words], check


def dead_list(lane, name, items, generator):
    return ["dead", "list", name, *COMMON, *generator.choice([[], ["--json"]])], keeps(lane, name, items)


def dead_show(lane, name, items, generator):
    keep = keeps(lane, name, items)

    def check(status, out, err):
        # AMQP has no checksums, so a flipped bit in the body cannot be detected. The length must be right.
        if status == 0 and len(out) != len(b"item-1"):
            return f"its exit status 0 is false: it showed {out!r}"
        return keep(status, out, err)

    return ["dead", "show", name, *COMMON, "--id", "id-1"], check


def dead_replay(lane, name, items, generator):
    words = generator.choice([[], [], ["--id", "id-1"], ["--where", "n=1"], ["--id", "id-1", "--dry-run"]])
    return ["dead", "replay", name, *COMMON, *words], keeps(lane, name, items)


def dead_purge(lane, name, items, generator):
    """Only one item may be purged, or two if a flipped bit gives another item the same id."""
    words = generator.choice([["--id", "id-1"], ["--id", "id-1", "--dry-run"], ["--reason", "none"]])
    meant = 2 if words == ["--id", "id-1"] else 0
    return ["dead", "purge", name, *COMMON, *words], keeps(lane, name, items - meant)


def keeps(lane, name, items):
    def check(status, out, err):
        left = lane.settled_count(name, items)
        return None if left >= items else f"{items - left} of {items} items are lost"
    return check


def declare(lane, name, items, generator):
    kind = ["--type", "classic" if lane.family.endswith(tuple("13579")) else "quorum"] if name == lane.family \
        else ["--plain", "--type", "classic"]
    return ["declare", name, *COMMON, *kind], keeps(lane, name, items)


# These commands wait for items or confirmations without a time limit.
UNLIMITED = [run, run_many, publish]
COMMANDS = [run, run, run, run_many, run_many, publish, publish, status, dead_list, dead_show, dead_replay, dead_replay, dead_purge, declare]


class Conversations:
    def __init__(self, options, broker, directory):
        self.options = options
        self.numbers = iter(range(options.first, options.first + options.count))
        self.lock = threading.Lock()
        self.ends = collections.Counter()
        self.violations = []
        self.lanes = [Lane(options, broker, directory, number) for number in range(min(options.lanes, options.count))]

    def run(self):
        threads = [threading.Thread(target=self.work, args=(lane,), daemon=True) for lane in self.lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def work(self, lane):
        while True:
            with self.lock:
                index = next(self.numbers, None)
                if index is None or time.monotonic() >= self.options.deadline or len(self.violations) >= 20:
                    return
            try:
                end = lane.converse(index)
            except Violation as error:
                again = f"scripts/fuzz --conversations 1 --first {index} --seed {self.options.seed}"
                print(f"conversation {index}: {error}\n  before it: {lane.before}\n  reproduce it with {again}", flush=True)
                with self.lock:
                    self.violations.append(index)
                continue
            except pika.exceptions.AMQPError as error:
                print(f"conversation {index}: the test's own connection failed: {error!r}", flush=True)
                continue
            with self.lock:
                self.ends[end] += 1


def main():
    parser = argparse.ArgumentParser(prog="scripts/fuzz --conversations", allow_abbrev=False)
    parser.add_argument("binary")
    parser.add_argument("broker")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--lanes", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="start no conversation after this time")
    options = parser.parse_args()
    options.deadline = time.monotonic() + options.seconds
    broker = brokers.Broker(options.broker, brokers.Broker(options.broker).url)
    if USER not in broker.ctl("list_users"):
        broker.ctl("add_user", USER, PASSWORD)
        broker.ctl("set_permissions", USER, ".*", ".*", ".*")
    print(f"conversations, seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="amqp-job-fuzz-") as directory:
        conversations = Conversations(options, broker, pathlib.Path(directory))
        began = time.monotonic()
        conversations.run()
    count = sum(conversations.ends.values()) + len(conversations.violations)
    print(f"{count} conversations in {time.monotonic() - began:.0f} s, seed {options.seed}: "
          f"{len(conversations.violations)} with violations", flush=True)
    for (command, status), number in sorted(conversations.ends.items()):
        print(f"  {command:12} {status:4}  {number}")
    sys.exit(1 if conversations.violations or not count else 0)


main()
