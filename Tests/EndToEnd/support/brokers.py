"""RabbitMQ servers that the tests start, stop and configure."""

import contextlib
import os
import pathlib
import socket
import subprocess

from support.amqp import parameters

BROKER_SCRIPT = pathlib.Path(__file__).resolve().parents[3] / "scripts" / "broker"
# Writes the broker's log and tables to disk. A broker that is killed after that still has its queues.
WRITE_TO_DISK = "catch mnesia:sync_log(), [dets:sync(Table) || Table <- dets:all()]."


def binary(text):
    """The text in UTF-8 as an Erlang binary."""
    return f"<<{','.join(map(str, text.encode()))}>>"


ROOT, TEST = binary("/"), binary("test")  # The vhost, and the name that the broker logs for what is changed.


class Broker:
    """A RabbitMQ server that scripts/broker runs."""

    def __init__(self, name, url=None, options=()):
        self.name, self.options = name, options
        self.url = url or self.start()
        self.version = tuple(int(number) for number in self._script("version").split(".")[:2])

    def _script(self, command, *arguments):
        done = subprocess.run(
            [str(BROKER_SCRIPT), command, "--name", self.name, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
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
        """Kills the server with SIGKILL, after it has written to disk which queues exist. RabbitMQ 3.10 would do so half a
        second late, and a quorum queue is beyond repair if that information is lost."""
        self.eval(WRITE_TO_DISK)
        self._script("kill")

    @property
    def pid(self):
        """The process id of the server."""
        return int(self._script("pid"))

    def ctl(self, *arguments):
        """Runs rabbitmqctl, which takes seconds of processor time. `eval` takes a few milliseconds."""
        return self._script("ctl", *arguments)

    def eval(self, expression):
        """Evaluates an Erlang expression in the server, and returns its value as text."""
        return self._script("eval", expression)

    @property
    def log(self):
        """The path of its log."""
        return self._script("logs")

    @contextlib.contextmanager
    def setting(self, name, value):
        """Gives a setting of the broker another value, an Erlang term, for as long as the context lasts."""
        former = self.eval(f"application:get_env(rabbit,{name}).")
        self.eval(f"application:set_env(rabbit,{name},{value}).")
        try:
            yield
        finally:
            self.eval(
                f"application:set_env(rabbit,{name},{former[4:-1]})." if former.startswith("{ok,")
                else f"application:unset_env(rabbit,{name}).")

    @contextlib.contextmanager
    def short_of_memory(self):
        """Raises the broker's memory alarm for as long as the context lasts: it takes no publishes meanwhile."""
        monitor = "vm_memory_monitor"
        before = self.eval(f"{monitor}:get_vm_memory_high_watermark().")
        self.eval(f"{monitor}:set_vm_memory_high_watermark(0.00001).")
        try:
            yield
        finally:
            self.eval(f"{monitor}:set_vm_memory_high_watermark({before}).")

    @contextlib.contextmanager
    def policy(self, name, pattern, definition):
        """A policy for the queues whose names match the pattern, for as long as the context lasts. The definition is JSON."""
        name, pattern, definition = map(binary, (name, pattern, definition))
        answer = self.eval(f"rabbit_policy:parse_set({ROOT}, {name}, {pattern}, {definition}, 0, {binary('queues')}, {TEST}).")
        assert answer == "ok", answer
        try:
            yield
        finally:
            self.eval(f"rabbit_policy:delete({ROOT}, {name}, {TEST}).")

    @contextlib.contextmanager
    def vhost(self, name):
        """A vhost that guest may use, for as long as the context lasts."""
        name, everything = binary(name), ", ".join([binary(".*")] * 3)
        self.eval(
            f"rabbit_vhost:add({name}, {TEST}), "
            f"rabbit_auth_backend_internal:set_permissions({binary('guest')}, {name}, {everything}, {TEST}).")
        try:
            yield
        finally:
            self.eval(f"rabbit_vhost:delete({name}, {TEST}).")

    @contextlib.contextmanager
    def metrics(self):
        """The port where RabbitMQ's plugin for Prometheus serves its metrics, for as long as the context lasts."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        # Unless the plugin was enabled when the broker started, a handler has to be added: classic queues report nothing
        # before.
        self.eval(
            "application:load(rabbitmq_prometheus), "
            f'application:set_env(rabbitmq_prometheus, tcp_config, [{{ip, "127.0.0.1"}}, {{port, {port}}}]), '
            "{ok, _} = application:ensure_all_started(rabbitmq_prometheus), rabbit_mgmt_db_handler:add_handler().")
        try:
            yield port
        finally:
            self.eval("application:stop(rabbitmq_prometheus).")

    def close_connections(self, vhost):
        """Closes all connections to this vhost."""
        self.eval(
            f"[rabbit_networking:close_connection(Pid, \"because of a test\") || [{{pid, Pid}}, {{vhost, {binary(vhost)}}}] "
            "<- rabbit_networking:connection_info_all([pid, vhost])].")

    def messages(self, queue):
        """The number of messages in a queue, ready or not, as `rabbitmqctl list_queues` shows it."""
        return int(self.eval(
            f"{{ok, Queue}} = rabbit_amqqueue:lookup(rabbit_misc:r({ROOT}, queue, {binary(queue)})), "
            "proplists:get_value(messages, rabbit_amqqueue:info(Queue, [messages]))."))

    @property
    def address(self):
        found = parameters(self.url)
        return found.host, found.port
