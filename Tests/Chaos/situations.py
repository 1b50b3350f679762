"""Situations of few items each, in queues of their own: what a queue or a user can be like that a runner must not be taken
in by. They come over and over while the faults go on, and are judged by the same rules as all else.

A runner may refuse to serve (77, 78); then the items stay where they are. It must not lose them, call them done, or call
their queue drained.
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

# Runners end by themselves long before.
LONGEST = 60.0
FIRST_SLOT = 1000
REFUSED = frozenset({77, 78})
# What RabbitMQ 4 gives a quorum queue that has none.
LIMIT = 20


@dataclasses.dataclass
class Place:
    """The queues of one situation."""

    number: int
    queue: str
    collects: list = dataclasses.field(default_factory=list)  # where its items may be in the end
    owner_dead: str | None = None  # the queue that its owner's dead letters go to
    keeps: bool = False  # it keeps its items, whoever has had them


class Situations:
    """One thread for each kind of situation. `start_runner` and `dump` are those of Chaos."""

    def __init__(self, options, broker, binary, start_runner, dump, pause):
        self.seed, self.broker, self.binary, self.start_runner = options.seed, broker, binary, start_runner
        self.dump, self.pause = dump, pause
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.error = None
        self.runs, self.hung, self.publications, self.places = [], [], [], []
        self.counts = dict.fromkeys(self.kinds, 0)
        self.limits = {}  # how often an item may come back in a queue whose owner has set a limit
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
        chance = plan.chance(self.seed, kind)
        pause = self.pause / 10
        try:
            while not self.over.wait(chance.uniform(0, pause)):
                client = amqp.Client(self.broker.url)
                try:
                    carry_out(client)
                    self.counts[kind] += 1
                except (pika.exceptions.AMQPError, OSError, AssertionError):
                    pass  # the broker is away: another time (the last one is rabbitmqctl's)
                finally:
                    client.close()
                pause = self.pause
        except Exception as error:  # whatever it is, the run is of no use without them
            self.error = error

    # What they have in common

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
            except pika.exceptions.NackError:  # it is full
                pass
            finally:
                self.publications.append(Publication(item.id, place.queue, start, time.monotonic(), is_confirmed))

    def _item(self, place, what, failures=0):
        return plan.simple(f"s{place.number}{what}", failures)

    def _run(self, place, user, *words, limit, parallelism=1, expected=REFUSED):
        """Starts a runner, whose run is told of, and waits for its end."""
        slot = FIRST_SLOT + place.number
        with self.lock:
            name = f"s{place.number}.{sum(run.slot == slot for run in self.runs)}"
            run = Run(
                name, slot, limit, time.monotonic(), parallelism=parallelism, queue=place.queue,
                expected=frozenset(expected))
            self.runs.append(run)
        runner = self.start_runner(run, self.broker.url_of(user), words)
        if not runner.wait(LONGEST):
            self.hung.append(run)
            self.dump(runner)
            runner.send(signal.SIGKILL)
            runner.wait()
        return run

    def _declare_family(self, place, *arguments):
        """Whether it was made: it may be refused."""
        words = [self.binary, "declare", "--url", self.broker.url, "--quiet", place.queue, *arguments]
        return subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0

    # A drained queue that is not: one item waits for its way back, into a queue that is full

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

    # A kind of queue that cannot be asked for

    def _auto_delete(self, client):
        """It goes with its last consumer, and with all that is in it."""
        place = self._place("auto-delete")
        self._declare(client, place.queue, auto_delete=True)
        self._publish(client, place, *(self._item(place, number) for number in range(3)))
        self._run(place, broker_module.PLAIN_WORKER, "-n", "1", "--when-empty", "exit", limit=1)

    def _stream(self, client):
        """It hands every item that comes to everybody."""
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
            # They may both consume by now, or one may have lost its connection meanwhile, and with it what it came for.
            time.sleep(1)
            try:
                self._publish(client, place, self._item(place, f"at{time.monotonic():.0f}"))
            except (pika.exceptions.AMQPError, OSError):
                pass  # the broker is away

    # An item that fails for ever

    def _read_only(self, client):
        """No copy can be made, and RabbitMQ 4 drops what comes back too often."""
        place = self._place("read-only")
        self._declare(client, place.queue, queue_type="quorum")
        self._poison(client, place, broker_module.READER)

    def _owners_limit(self, client):
        """Its owner wants it out of the way after so many."""
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
        for _ in range(2 * LIMIT):  # some of these are interrupted, which does not count
            if self.over.is_set() or client.channel.queue_declare(place.queue, passive=True).method.message_count == 0:
                break
            run = self._run(place, user, "-n", "1", "--when-empty", "exit", limit=1)
            if run.status in REFUSED:
                break
        return item

    # Queues that only look like what `declare` makes

    def _retry_by_name(self, client):
        """What expires in that retry queue goes nowhere."""
        place = self._place("by-name")
        place.collects = [place.queue + end for end in ("", ".retry", ".dead")]
        self._declare(client, place.queue, queue_type="quorum")
        self._declare(client, place.queue + ".retry", message_ttl=1000)
        self._declare(client, place.queue + ".dead")
        self._publish(client, place, self._item(place, "bad", failures=1))
        self._run(
            place, broker_module.RUNNER, "--drain", "--drain-timeout", "20s", "--retry-delay", "1s", limit=None,
            expected=REFUSED | {75})
