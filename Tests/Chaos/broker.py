"""The private broker, and the faults that hit it as a whole."""

import contextlib
import os
import signal
import threading
import time

from support import brokers
from console import Console

# Closes one of the connections from the given ports, and returns its port.
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
# The users. The password of each user is its name.
RUNNER, PUBLISHER, READER, PLAIN_WORKER = "runner", "publisher", "reader", "plain-worker"
ALL = ".*"
NONE = "^$"
PERMISSIONS = {  # to configure, write, read
    RUNNER: (ALL, ALL, ALL), PUBLISHER: (ALL, ALL, ALL), READER: (NONE, NONE, ALL), PLAIN_WORKER: (NONE, ALL, ALL),
}


def binary(text):
    """Returns the text as an Erlang binary."""
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
        """Evaluates an Erlang expression without rabbitmqctl. Raises OSError if the broker goes away."""
        with self.lock:
            self.open_console()
            try:
                return self.console.eval(text)
            except OSError:
                self._leave_console()
                raise

    def open_console(self):
        """Opens the console if it is closed, which takes as long as a call of rabbitmqctl."""
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

    # Faults. Each function returns when its fault is over.

    def close_one(self, ports, whom):
        """Closes one of the connections from these ports. Returns its port, or None if there is no such connection."""
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
        """Makes the broker write the existence of its queues to the disk, see brokers.Broker.kill."""
        self.eval(brokers.WRITE_TO_DISK)

    @contextlib.contextmanager
    def _set(self, take, back):
        """Evaluates `take`, and always evaluates `back` at the end."""
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
        """Revokes a permission of the runners: 0 is configure, 1 is write."""
        allowed = list(PERMISSIONS[RUNNER])
        back = SET_PERMISSIONS.format(*allowed, name=RUNNER) + "."
        allowed[which] = NONE
        return self._set(SET_PERMISSIONS.format(*allowed, name=RUNNER) + ".", back)

    def messages(self):
        """Returns the number of messages in each queue, both ready and unacknowledged."""
        lines = self.ctl("--quiet", "list_queues", "name", "messages", "--no-table-headers").splitlines()
        return {name: int(count or 0) for name, _, count in (line.partition("\t") for line in lines)}
