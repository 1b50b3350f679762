"""Situations: queues and users with properties that can mislead a runner. Each situation has a few items and its own queues.
The situations are repeated while faults occur, and the same rules apply to them.

A runner may refuse to serve such a queue (77, 78), and the items then stay in it. It must not lose them, or report them as
done or their queue as drained.
"""

import dataclasses
import signal
import subprocess
import threading
import time

import pika
import pika.exceptions

from support import amqp
import broker as broker_module
import plan
import runners
from journal import Publication, Run

# The time in seconds after which a runner counts as hung. Runners end by themselves long before.
TIME_LIMIT = 60.0
FIRST_SLOT = 1000
REFUSED = frozenset({77, 78})
# The default delivery limit of quorum queues in RabbitMQ 4.
LIMIT = 20


@dataclasses.dataclass
class Place:
    """The queues of one situation."""

    number: int
    queue: str
    collects: list = dataclasses.field(default_factory=list)  # the queues in which its items may be at the end
    owner_dead: str | None = None  # the dead-letter queue that the queue's owner has chosen
    keeps: bool = False  # whether it keeps its items even after they are acked


class Situations:
    """Runs each kind of situation in its own thread. `start_runner` and `dump` are methods of Chaos."""

    def __init__(self, options, broker, binary, start_runner, dump, pause):
        self.seed, self.broker, self.binary, self.start_runner = options.seed, broker, binary, start_runner
        self.dump, self.pause = dump, pause
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.error = None
        self.runs, self.hung, self.publications, self.places = [], [], [], []
        self.counts = dict.fromkeys(self.kinds, 0)
        self.limits = {}  # the delivery limits that owners of queues have set, by item
        self.threads = [threading.Thread(target=self._series, args=each, daemon=True) for each in self.kinds.items()]

    @property
    def kinds(self):
        return {
            "length limit, declared": self._limited_by_argument,
            "auto-delete queue, no configure permission": self._auto_delete,
            "stream, no configure permission": self._stream,
            "poison item, read permission alone": self._read_only,
            "poison item, the owner's dead-letter exchange": self._owners_limit,
            "retry queue by name alone": self._retry_by_name,
        }

    def start(self):
        for thread in self.threads:
            thread.start()

    def finish(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        if self.error is not None:
            raise self.error

    def _series(self, kind, carry_out):
        generator = plan.generator(self.seed, kind)
        pause = self.pause / 10
        try:
            while not self.over.wait(generator.uniform(0, pause)):
                client = amqp.Client(self.broker.url)
                try:
                    carry_out(client)
                    self.counts[kind] += 1
                except (pika.exceptions.AMQPError, OSError, AssertionError):
                    pass  # the broker is unavailable (AssertionError comes from rabbitmqctl); try again later
                finally:
                    client.close()
                pause = self.pause
        except Exception as error:  # the run is useless without situations, so finish() raises the error
            self.error = error

    # Helpers

    def _place(self, what, **more):
        with self.lock:
            number = len(self.places)
            place = Place(number, f"situation-{number}-{what}", **more)
            place.collects = place.collects or [place.queue]
            self.places.append(place)
            return place

    def _declare(self, client, queue, auto_delete=False, **arguments):
        arguments = {"x-" + name.replace("_", "-"): value for name, value in arguments.items()}
        client.channel.queue_declare(queue, durable=True, auto_delete=auto_delete, arguments=arguments)

    def _publish(self, client, place, *items):
        for item in items:
            start, is_confirmed = time.monotonic(), False
            properties = pika.BasicProperties(delivery_mode=2, message_id=item.id)
            try:
                client.channel.basic_publish("", place.queue, item.body(), properties, mandatory=True)
                is_confirmed = True
            except pika.exceptions.NackError:  # the queue is full
                pass
            finally:
                self.publications.append(Publication(item.id, place.queue, start, time.monotonic(), is_confirmed))

    def _item(self, place, what, failures=0):
        return plan.simple(f"s{place.number}{what}", failures)

    def _run(self, place, user, *words, limit, parallelism=1, expected=REFUSED):
        """Starts a runner, records its run, and waits for its end."""
        slot = FIRST_SLOT + place.number
        with self.lock:
            name = f"s{place.number}.{sum(run.slot == slot for run in self.runs)}"
            run = Run(
                name, slot, limit, time.monotonic(), parallelism=parallelism, queue=place.queue,
                expected=frozenset(expected))
            self.runs.append(run)
        runner = self.start_runner(run, self.broker.url_of(user), words)
        if not runner.wait(TIME_LIMIT):
            self.hung.append(run)
            self.dump(runner)
            runner.send(signal.SIGKILL)
            runner.wait()
        return run

    def _declare_family(self, place, *arguments):
        """Calls amqp-job declare. Returns whether it succeeded, since it may refuse the arguments."""
        words = [self.binary, "declare", "--url", self.broker.url, "--quiet", place.queue, *arguments]
        return subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0

    # A queue that only seems to be drained: an item cannot return from the retry queue, because the queue is full

    def _limited_by_argument(self, client):
        place = self._place("limited")
        if self._declare_family(place, "--arg", "x-max-length=2"):
            self._hold_up(client, place)

    def _hold_up(self, client, place):
        place.collects = [place.queue + end for end in ("", ".retry", ".dead")]
        common = ["--when-empty", "exit", "--max-attempts", "9"]
        self._publish(client, place, self._item(place, "bad", failures=1))
        failed = self._run(place, broker_module.RUNNER, "-n", "1", *common, "--retry-delay", "2s", limit=1)
        if failed.status != 1:
            return
        self._publish(client, place, *(self._item(place, number) for number in range(4)))
        time.sleep(4)
        self._run(
            place, broker_module.RUNNER, "--drain", "--drain-timeout", "20s", "--max-attempts", "9", limit=None,
            expected=REFUSED | {75})

    # A queue whose kind cannot be found out

    def _auto_delete(self, client):
        """The broker deletes this queue, with its items, when its last consumer is gone."""
        place = self._place("auto-delete")
        self._declare(client, place.queue, auto_delete=True)
        self._publish(client, place, *(self._item(place, number) for number in range(3)))
        self._run(place, broker_module.PLAIN_WORKER, "-n", "1", "--when-empty", "exit", limit=1)

    def _stream(self, client):
        """A stream delivers every item to every consumer."""
        place = self._place("stream", keeps=True)
        place.collects = []
        self._declare(client, place.queue, queue_type="stream")
        runs = [
            threading.Thread(target=self._run, args=(place, broker_module.PLAIN_WORKER, "-n", "1"), kwargs={"limit": 1})
            for _ in range(2)
        ]
        for run in runs:
            run.start()
        while any(run.is_alive() for run in runs):
            # A new item is needed for consumers that have started since the last one, or have reconnected.
            time.sleep(1)
            try:
                self._publish(client, place, self._item(place, f"at{time.monotonic():.0f}"))
            except (pika.exceptions.AMQPError, OSError):
                pass  # the broker is unavailable

    # An item that always fails

    def _read_only(self, client):
        """Without the write permission no copy can be made, and RabbitMQ 4 drops an item that returns too often."""
        place = self._place("read-only")
        self._declare(client, place.queue, queue_type="quorum")
        self._poison(client, place, broker_module.READER)

    def _owners_limit(self, client):
        """The queue's owner has set a delivery limit and a dead-letter exchange."""
        place = self._place("owner")
        place.owner_dead = place.queue + ".owner"
        place.collects = [place.queue, place.owner_dead]
        self._declare(client, place.owner_dead, queue_type="quorum")
        self._declare(
            client, place.queue, queue_type="quorum", dead_letter_exchange="", dead_letter_routing_key=place.owner_dead,
            **({"delivery_limit": LIMIT} if self.broker.version < (4, 0) else {}))
        item = self._poison(client, place, broker_module.RUNNER)
        self.limits[item.id] = LIMIT

    def _poison(self, client, place, user):
        item = self._item(place, "poison", failures=99)
        self._publish(client, place, item)
        for _ in range(2 * LIMIT):  # interrupted attempts do not count
            if self.over.is_set() or client.channel.queue_declare(place.queue, passive=True).method.message_count == 0:
                break
            run = self._run(place, user, "-n", "1", "--when-empty", "exit", limit=1)
            if run.status in REFUSED:
                break
        return item

    # Queues that only look like those that `declare` makes

    def _retry_by_name(self, client):
        """Items that expire in this retry queue are lost, because it has no dead-letter exchange."""
        place = self._place("by-name")
        place.collects = [place.queue + end for end in ("", ".retry", ".dead")]
        self._declare(client, place.queue, queue_type="quorum")
        self._declare(client, place.queue + ".retry", message_ttl=1000)
        self._declare(client, place.queue + ".dead")
        self._publish(client, place, self._item(place, "bad", failures=1))
        self._run(
            place, broker_module.RUNNER, "--drain", "--drain-timeout", "20s", "--retry-delay", "1s", limit=None,
            expected=REFUSED | {75})
