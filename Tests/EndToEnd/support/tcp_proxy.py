"""A proxy between a runner and the broker, which can cut and stall connections."""

import socket
import threading

from support.sockets import close_listener, cut


class Proxy:
    """Forwards bytes between a runner and the broker. It can listen late, and cut or freeze the connections."""

    def __init__(self, target, listen=True):
        self.target = target
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}"
        self.sockets = []
        self.accepted = 0
        self.heard = 0  # Bytes from the broker, forwarded or not.
        self.handed_on = 0  # The position up to which these were forwarded.
        self.moving = threading.Event()
        self.moving.set()
        self.event = None  # A position in the bytes from the broker, and what to call when it is passed.
        self.allowance = None  # Bytes until the connections are cut.
        self.swallows = set()  # Nothing is forwarded to these sockets any more.
        if listen:
            self.listen()

    def listen(self):
        """Starts to listen. Connections were refused before."""
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                ours, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            theirs = socket.create_connection(self.target)
            self.sockets += [ours, theirs]
            for source, sink in ((ours, theirs), (theirs, ours)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source, sink):
        try:
            is_broker = source.getpeername() == self.target
            while data := source.recv(65536):
                if is_broker:
                    self.heard += len(data)
                    position = self.heard
                    if self.event is not None and self.heard > self.event[0]:
                        action, self.event = self.event[1], None
                        action()
                self.moving.wait()
                if self.allowance is not None:
                    self.allowance -= len(data)
                    if self.allowance < 0:
                        self.allowance = None
                        self.cut()
                        return
                if sink in self.swallows:
                    continue
                sink.sendall(data)
                if is_broker:
                    self.handed_on = position
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def freeze(self):
        self.moving.clear()

    def after(self, count, action):
        """Calls this once, when so many more bytes have come from the broker. Nothing is forwarded before it returns."""
        self.event = (self.heard + count, action)

    def freeze_after(self, count):
        """Freezes, once, when this many more bytes have come from the broker."""
        self.after(count, self.freeze)

    def thaw(self):
        self.moving.set()

    def swallow(self):
        """Drops everything that the broker sends on the present connections from now on."""
        self.swallows.update(each for each in self.sockets[::2])

    def cut_after(self, count):
        """Cuts all connections once this many more bytes have passed."""
        self.allowance = count

    def cut(self):
        """Cuts the present connections without any message."""
        cut(list(self.sockets))

    def close(self):
        close_listener(self.listener)
        self.moving.set()
        self.cut()
        for each in self.sockets:
            each.close()
