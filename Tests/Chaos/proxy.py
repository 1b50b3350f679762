"""Proxies to the broker that inject network faults. Each loop of runners has one, and so does the publisher."""

import asyncio
import socket
import struct
import threading

LINGER_0 = struct.pack("ii", 1, 0)  # makes a close send RST and drop unsent bytes


class End(asyncio.Protocol):
    """One of the two sockets of a link."""

    def __init__(self, link):
        self.link = link
        self.transport = None
        self.is_clogged = False
        self.is_over = False

    @property
    def other(self):
        return self.link.broker if self is self.link.client else self.link.client

    def connection_made(self, transport):
        self.transport = transport
        # The update must come later. Up to Python 3.11 a transport starts to read after this call even if it was paused.
        self.link.way.ways.loop.call_soon(self.link.update)

    def data_received(self, data):
        if not self.link.is_silent:
            self.other.transport.write(data)

    def eof_received(self):
        self.is_over = True
        if not self.link.is_silent and not self.other.transport.is_closing():
            self.other.transport.write_eof()
        self.link.end_if_over()
        return True

    def connection_lost(self, error):
        self.is_over = True
        if not self.link.is_silent and error is not None:
            self.link.reset()
        self.link.end_if_over()

    def pause_writing(self):
        self.is_clogged = True
        self.link.update()

    def resume_writing(self):
        self.is_clogged = False
        self.link.update()

    def read(self, may):
        if self.transport is None or self.transport.is_closing():
            return
        if may:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()


class Link:
    """A connection of a runner."""

    def __init__(self, way):
        self.way = way
        self.client, self.broker = End(self), End(self)
        self.is_silent = False
        self.ends = self.client, self.broker

    def update(self):
        """Pauses reading while the other side cannot accept more bytes."""
        is_complete = all(end.transport is not None for end in self.ends)
        for end in self.ends:
            end.read(is_complete and not self.way.is_stalled and not end.other.is_clogged)

    def reset(self):
        for end in self.ends:
            if end.transport is not None and not end.transport.is_closing():
                end.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
                end.transport.abort()

    def end_if_over(self):
        if all(end.is_over for end in self.ends):
            self.way.links.discard(self)
            for end in self.ends:
                end.transport.close()


class Way:
    """A proxy. Its faults hit the existing connections. Only a stall also affects connections that are made later."""

    def __init__(self, ways, slot, target):
        self.ways, self.slot, self.target = ways, slot, target
        self.links = set()
        self.is_stalled = False
        self.server = None

    async def listen(self):
        def accept():
            link = Link(self)
            self.links.add(link)
            self.ways.loop.create_task(self._connect(link))
            return link.client

        self.server = await self.ways.loop.create_server(accept, "127.0.0.1", 0)

    async def _connect(self, link):
        try:
            transport, _ = await self.ways.loop.create_connection(lambda: link.broker, *self.target)
            self.ways.slots_by_port[transport.get_extra_info("sockname")[1]] = self.slot
        except OSError:  # the broker is down
            self.links.discard(link)
            link.reset()
        if link.client.is_over:
            link.reset()

    @property
    def address(self):
        return f"127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    def stall(self, stalled):
        """Stops or resumes forwarding without losing bytes. Returns the number of connections."""
        self.is_stalled = stalled
        for link in list(self.links):
            link.update()
        return len(self.links)

    def reset(self):
        """Resets all connections, and returns their number."""
        count = len(self.links)
        for link in list(self.links):
            link.reset()
        return count

    def silence(self):
        """Drops everything that is sent from now on, even the end of a connection. Returns the number of connections."""
        hit = [link for link in self.links if not link.is_silent]
        for link in hit:
            link.is_silent = True
        return len(hit)

    def close(self):
        self.server.close()
        self.reset()


class Ways:
    """All proxies. They run in their own thread."""

    def __init__(self, targets):
        self.slots_by_port = {}
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.ways = [Way(self, slot, target) for slot, target in enumerate(targets)]
        for way in self.ways:
            asyncio.run_coroutine_threadsafe(way.listen(), self.loop).result()

    def do(self, slot, name, *arguments):
        """Calls a method of a slot's proxy in the proxies' thread, and returns its result."""

        async def call():
            return getattr(self.ways[slot], name)(*arguments)

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result()

    def close(self):
        for slot in range(len(self.ways)):
            self.do(slot, "close")
        self.loop.call_soon_threadsafe(self.loop.stop)
