"""RabbitMQ servers that the tests start, stop and set."""

import os
import pathlib
import subprocess

from support.amqp import parameters

BROKER_SCRIPT = pathlib.Path(__file__).resolve().parents[3] / "scripts" / "broker"
# Writes the log and the tables of the broker to disk. A broker that is killed after that still has its queues.
WRITE_DOWN = "catch mnesia:sync_log(), [dets:sync(Table) || Table <- dets:all()]."


class Broker:
    """A RabbitMQ that scripts/broker keeps."""

    def __init__(self, name, url=None, options=()):
        self.name, self.options = name, options
        self.url = url or self.start()
        self.version = tuple(int(number) for number in self._script("version").split(".")[:2])

    def _script(self, command, *arguments):
        done = subprocess.run(
            [str(BROKER_SCRIPT), command, "--name", self.name, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90,
        )
        assert done.returncode == 0, f"scripts/broker {command} {arguments}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def start(self):
        wanted = os.environ.get("TEST_RABBITMQ")
        self.url = self._script("start", *(["--rabbitmq", wanted] if wanted else []), *self.options)
        return self.url

    def stop(self, keep_data=False):
        self._script("stop", *(["--keep-data"] if keep_data else []))

    def kill(self):
        """With SIGKILL. What it has not written down yet of its queues' existence is written first: RabbitMQ 3.10 does
        so half a second late, and a quorum queue is beyond repair if that is lost."""
        self.ctl("eval", WRITE_DOWN)
        self._script("kill")

    def ctl(self, *arguments):
        return self._script("ctl", *arguments)

    @property
    def log(self):
        """The path of its log."""
        return self._script("logs")

    def setting(self, name, value):
        """A setting of the broker as a context, set back at its end. The value is an Erlang term."""
        return _Setting(self, name, value)

    @property
    def address(self):
        found = parameters(self.url)
        return found.host, found.port


class _Setting:
    def __init__(self, broker, name, value):
        self.broker, self.name, self.value = broker, name, value

    def __enter__(self):
        former = self.broker.ctl("eval", f"application:get_env(rabbit,{self.name}).")
        self.undo = (
            f"application:set_env(rabbit,{self.name},{former[4:-1]})." if former.startswith("{ok,")
            else f"application:unset_env(rabbit,{self.name})."
        )
        self.broker.ctl("eval", f"application:set_env(rabbit,{self.name},{self.value}).")

    def __exit__(self, *_):
        self.broker.ctl("eval", self.undo)
