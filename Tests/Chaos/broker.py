"""The private broker, what a run needs of it, and what can be done to it as a whole."""

import contextlib
import os
import signal
import threading
import time

from support import brokers
from console import Console

# Closes one of the connections that come from these ports, and says from which.
CLOSE_ONE = """
Found = lists:sort([{{Port, Pid}} || Pid <- rabbit_networking:connections(),
  [{{peer_port, Port}}] <- [catch rabbit_networking:connection_info(Pid, [peer_port])], lists:member(Port, {ports})]),
case Found of
  [] -> none;
  _ ->
    {{Port, Pid}} = lists:nth(1 + trunc({whom} * length(Found)), Found),
    rabbit_networking:close_connection(Pid, <<"fault run">>),
    Port
end.
"""
ADD_USER = 'ok = rabbit_auth_backend_internal:add_user(<<"{name}">>, <<"{name}">>, <<"fault run">>)'
SET_PERMISSIONS = (
    'ok = rabbit_auth_backend_internal:set_permissions('
    '<<"{name}">>, <<"/">>, <<"{0}">>, <<"{1}">>, <<"{2}">>, <<"fault run">>)'
)
# Who runs, and who publishes: each has a password that is its name.
RUNNER, PUBLISHER, READER, PLAIN_WORKER = "runner", "publisher", "reader", "plain-worker"
ALL = ".*"
NONE = "^$"
PERMISSIONS = {  # to configure, write, read
    RUNNER: (ALL, ALL, ALL), PUBLISHER: (ALL, ALL, ALL), READER: (NONE, NONE, ALL), PLAIN_WORKER: (NONE, ALL, ALL),
}


def binary(text):
    """In Erlang's notation."""
    return '<<"' + text.replace("\\", "\\\\").replace('"', '\\"') + '">>'


class Broker(brokers.Broker):
    def __init__(self, name, certificates):
        self.certificates = certificates
        self.lock = threading.RLock()
        self.console = None
        super().__init__(name)

    def start(self):
        self.url = self._script("start", *(["--tls", str(self.certificates)] if self.certificates else []))
        self._leave_console()
        return self.url

    def eval(self, text):
        """Quickly. Fails with an OSError where the broker goes away meanwhile."""
        with self.lock:
            self.open_console()
            try:
                return self.console.eval(text)
            except OSError:
                self._leave_console()
                raise

    def open_console(self):
        """Where there is none, it takes as long as rabbitmqctl."""
        with self.lock:
            if self.console is None:
                self.console = Console(lambda text: self.ctl("eval", text))

    def _leave_console(self):
        if self.console is not None:
            self.console.close()
        self.console = None

    @property
    def tls_address(self):
        host, port = self.address
        return host, port + 3

    def signal(self, number):
        os.kill(int(self._script("pid")), number)

    def add_users(self):
        for name, permissions in PERMISSIONS.items():
            self.eval(ADD_USER.format(name=name) + ", " + SET_PERMISSIONS.format(*permissions, name=name) + ".")

    def url_of(self, user):
        return self.url.replace("guest:guest", f"{user}:{user}")

    # Faults. Each returns when it is over.

    def close_one(self, ports, whom):
        """The port of the connection that was closed, or None."""
        answer = self.eval(CLOSE_ONE.format(whom=whom, ports=list(ports)))
        return int(answer) if answer.isdigit() else None

    def close_all(self):
        self.eval('[catch rabbit_networking:close_connection(P, <<"fault run">>) || P <- rabbit_networking:connections()].')

    def stop_and_continue(self, seconds):
        self.signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            self.signal(signal.SIGCONT)

    def write_down(self):
        """What it has not yet of its queues' existence, see brokers.Broker.kill."""
        self.eval(brokers.WRITE_DOWN)

    @contextlib.contextmanager
    def _set(self, take, back):
        """Whatever happens, it is set back."""
        self.eval(take)
        try:
            yield
        finally:
            self.eval(back)

    def short_of_memory(self):
        former = self.eval("vm_memory_monitor:get_vm_memory_high_watermark().")
        set_it = "vm_memory_monitor:set_vm_memory_high_watermark({})."
        return self._set(set_it.format("0.000001"), set_it.format(former))

    def without(self, which):
        """No permission of the runners' to do that: 0 to configure, 1 to write."""
        allowed = list(PERMISSIONS[RUNNER])
        back = SET_PERMISSIONS.format(*allowed, name=RUNNER) + "."
        allowed[which] = NONE
        return self._set(SET_PERMISSIONS.format(*allowed, name=RUNNER) + ".", back)

    def messages(self):
        """How many each queue has, whatever state they are in."""
        lines = self.ctl("--quiet", "list_queues", "name", "messages", "--no-table-headers").splitlines()
        return {name: int(count or 0) for name, _, count in (line.partition("\t") for line in lines)}
