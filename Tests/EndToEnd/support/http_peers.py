"""HTTP clients that are not what they should be, and one that is."""

import http.client
import json
import random
import socket


def get(port, path="/", method="GET", host="localhost"):
    """The status and the body of a response."""
    connection = http.client.HTTPConnection(host, port, timeout=30)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def leader(port):
    """The status, and the object that came with it."""
    status, body = get(port)
    return status, json.loads(body)


def connected(port, count):
    """Connections over which nothing is sent."""
    return [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(count)]


def reply_to(port, data):
    """What comes back for these bytes, until the server has closed the connection or waits for more."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
        received = b""
        try:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            while chunk := peer.recv(1 << 16):
                received += chunk
        except OSError:
            pass
        return received


def damaged_requests(count, seed):
    """Requests in which bytes were changed, left out or repeated."""
    chance = random.Random(seed)
    valid = [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"GET http://a:1/x?y=%zz#f HTTP/1.0\r\n continued: line\r\nA: b\r\n\r\n",
        b"HEAD /%00%ff HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 18446744073709551616\r\n\r\n",
    ]
    for _ in range(count):
        data = bytearray(chance.choice(valid))
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(data) + 1)
            match chance.randrange(4):
                case 0: data[at:at + 1] = bytes([chance.randrange(256)])
                case 1: del data[at:at + chance.randint(1, 20)]
                case 2: data[at:at] = data[at:at + chance.randint(1, 20)] * chance.randint(1, 3000)
                case 3: data[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 20)))
        yield bytes(data)
