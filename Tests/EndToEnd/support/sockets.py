"""Sockets that do not answer, and ways to end sockets."""

import socket

from support.processes import connecting_to, wait_until


def close_listener(listener):
    """Closes a listening socket, even while a thread waits in accept()."""
    try:
        listener.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    listener.close()


def cut(sockets):
    """Ends connections without any message. Some may have ended already."""
    for each in sockets:
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def silent():
    """A listening socket that never accepts connections. Its backlog has room for them."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    return listener


def unreachable():
    """A loopback port where a SYN is never answered. Returns the port, and a function that ends this."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(4):  # The backlog is full after the first connection.
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    wait_until(lambda: connecting_to(listener.getsockname()[1]), what="a SYN without an answer")

    def end():
        for each in (*fillers, listener):
            each.close()

    return listener.getsockname()[1], end


def refusing_port(bench):
    """A port that refuses connections, and that nobody else gets."""
    reserved = socket.socket()
    reserved.bind(("127.0.0.1", 0))
    bench.closers.append(reserved.close)
    return reserved.getsockname()[1]


def silent_port(bench):
    """A port that accepts connections, and where nobody ever answers."""
    listener = silent()
    bench.closers.append(listener.close)
    return listener.getsockname()[1]


def unreachable_port(bench):
    """A port that does not even accept connections."""
    port, end = unreachable()
    bench.closers.append(end)
    return port
