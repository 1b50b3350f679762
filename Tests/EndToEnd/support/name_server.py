"""A small DNS server. It knows one name, and answers on port 53 of its own loopback address."""

import random
import socket
import struct
import threading

A, AAAA = 1, 28


class NameServer:
    """Resolves `name` to 127.0.0.1. No other name exists. It needs root, because of the port."""

    def __init__(self, name):
        self.name = name
        self.asked = []  # (name, record type), in order.
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = self._bind()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _bind(self):
        for _ in range(100):  # Another process may use an address.
            address = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
            try:
                self.socket.bind((address, 53))
                return address
            except OSError as error:
                failure = error
        raise failure

    def _serve(self):
        while True:
            query, client = self.socket.recvfrom(4096)
            if client == (self.address, 53):
                return  # This is from `close`.
            self.socket.sendto(self._answer(query), client)

    def _answer(self, query):
        labels, position = [], 12
        while length := query[position]:
            labels.append(query[position + 1 : position + 1 + length].decode())
            position += 1 + length
        kind = struct.unpack_from(">H", query, position + 1)[0]
        question = query[12 : position + 5]
        name = ".".join(labels)
        self.asked.append((name, kind))
        is_known = name.lower() == self.name
        record = b"\xc0\x0c" + struct.pack(">HHIH", A, 1, 60, 4) + bytes([127, 0, 0, 1])
        answers = [record] if is_known and kind == A else []
        flags = 0x8180 | (0 if is_known else 3)  # The answer of a recursive server. 3 means that there is no such name.
        return query[:2] + struct.pack(">HHHHH", flags, 1, len(answers), 0, 0) + question + b"".join(answers)

    def close(self):
        self.socket.sendto(b"", (self.address, 53))  # This ends the thread.
        self.thread.join()
        self.socket.close()
