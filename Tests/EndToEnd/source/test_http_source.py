"""`amqp-job publish --from http://...`: names become items, once each, and a bad source loses nothing."""

import os
import socket
import threading
import time

import pytest

from support.item_source import HTTPSource
from support.processes import PATIENCE, wait_until

pytestmark = pytest.mark.any_broker


def lines(publisher, *words):
    return [line for line in publisher.stderr.splitlines() if all(word in line for word in words)]


def wait_for_line(publisher, *words):
    return wait_until(lambda: lines(publisher, *words), what=f"a line with {words}")[0]


# What is published


@pytest.mark.parametrize("options, body", [((), b'{"file": "a.mp4", "size": 1.50, "big": 123456789012345678901234567890}'),
                                           (("--data-field", "file"), b"a.mp4"), (("--data-field", "size"), b"1.50")])
def test_an_item_has_its_data_as_the_source_wrote_them(publishers, source, options, body):
    source.set("item-1")
    data = b'{"file": "a.mp4", "size": 1.50, "big": 123456789012345678901234567890}'
    source.responses["/items/item-1"] = (200, b'{"kind": "Item", "apiVersion": "v1", "data": ' + data + b" }")
    result = publishers.once(source.url, "--priority", "3", "--header", "a=b", *options)
    assert result.status == 0, result
    ((_, properties, found),) = publishers.queue.take_all()
    assert found == body
    assert (properties.message_id, properties.delivery_mode, properties.priority) == ("item-1", 2, 3)
    assert properties.headers["a"] == "b"


def test_the_path_of_the_source_and_the_host_header(publishers, source):
    source.items = {}
    source.responses["/a/b/items"] = (200, {"kind": "ItemList", "apiVersion": "v1", "items": ["x"]})
    source.responses["/a/b/items/x"] = (200, {"kind": "Item", "apiVersion": "v1", "data": None})
    assert publishers.once(f"{source.url}/a/b/").status == 0
    ((_, _, body),) = publishers.queue.take_all()
    assert body == b"null"
    assert {headers["Host"] for _, headers in source.requests} == {f"127.0.0.1:{source.port}"}


def test_odd_names(publishers, source):
    names = ["a/b", 'quo"te', "new\nline", "per%cent", "sp ace", "ümläut", "..", "?q=1", "#", "+", "\U0001f600", "n" * 255]
    source.set(*names)
    assert publishers.once(source.url).status == 0
    assert sorted(publishers.take()) == sorted(names)
    assert publishers.once(source.url).status == 0
    assert publishers.take() == []


def test_names_that_cannot_be_message_ids_are_left_out(publishers, source):
    source.set("n" * 256, "good", "", "with\0nul")
    result = publishers.once(source.url)
    assert result.status == 0
    assert publishers.take() == ["good"]
    assert len([line for line in result.lines if "left out" in line]) == 1, result


# Each name once


def test_each_name_once_over_polls_and_restarts(publishers, source):
    source.set("a", "b", "a")
    publisher = publishers.start(source.url)
    publishers.wait_for("a", "b")
    source.set("a", "b", "c")
    publishers.wait_for("c")
    publishers.end(publisher)
    source.set("a", "b", "c", "d")
    publisher = publishers.start(source.url)
    publishers.wait_for("d")
    source.wait_for_polls(2)
    publishers.end(publisher)
    assert publishers.take() == []


def test_a_name_that_comes_back_is_published_again(publishers, source):
    source.set("a", "b")
    publisher = publishers.start(source.url)
    publishers.wait_for("a", "b")
    source.set("b")
    wait_for_line(publisher, "1 name has left the source")
    source.set("a", "b")
    publishers.wait_for("a")
    publishers.end(publisher)


def test_an_item_that_has_left_is_skipped(publishers, source):
    source.set("a", "b", "c")
    source.responses["/items/b"] = (404, b"")
    source.responses["/items/c"] = (410, b"")
    assert publishers.once(source.url).status == 0
    assert publishers.take() == ["a"]
    source.responses.clear()
    assert publishers.once(source.url).status == 0
    assert sorted(publishers.take()) == ["b", "c"]


def test_a_poll_that_changes_nothing_sends_nothing(publishers, source, bench):
    source.set(*(f"item-{number}" for number in range(300)))
    sent = []
    proxy = bench.proxy()
    original = proxy._pump

    def pump(origin, sink):
        if origin.getpeername() == proxy.target:
            return original(origin, sink)
        collected = bytearray()
        sent.append(collected)

        class Recorded:
            def __getattr__(self, name):
                return getattr(origin, name)

            def recv(self, size):
                data = origin.recv(size)
                collected.extend(data)
                return data

        return original(Recorded(), sink)

    proxy._pump = pump
    publisher = publishers.start(source.url, url=proxy.url)
    wait_until(lambda: publishers.queue.depth() == 300, what="all items")
    source.wait_for_polls(2)
    (connection,) = [each for each in sent if b"candidate" not in each]
    before = bytes(connection)
    source.wait_for_polls(10)
    since = bytes(connection)[len(before):]
    assert since.replace(b"\x08\0\0\0\0\0\0\xce", b"") == b""  # Heartbeats.
    publishers.end(publisher)


# Sources that fail


@pytest.mark.parametrize("response, words", [
    ((500, b"oops"), "answers 500"),
    ((302, b""), "answers 302"),
    ((200, b"{"), "as JSON"),
    ((200, b"[]"), "not a JSON object"),
    ((200, b'{"kind": "ItemList", "apiVersion": "v1"}'), "no array"),
    ((200, b'{"kind": "ItemList", "apiVersion": "v1", "items": [1]}'), "no string"),
    ((200, b'{"kind": "Other", "apiVersion": "v1", "items": []}'), "kind"),
    ((200, b'{"kind": "ItemList", "apiVersion": "v1", "items": ["a", "\xff"]}'), "as JSON"),
    ((200, b" " * (17 << 20)), "longer than 16 MiB"),
    ((200, b'{"kind": "ItemList", "apiVersion": "v1", "items": [' + b'"item",' * 1_000_000 + b'"item"]}'), "500100 values"),
    ((200, b"[" * 1_000_000), "500100 values"), ((200, b"[" * 10_000 + b"]" * 10_000), "as JSON"),
])
def test_a_list_that_is_no_list(publishers, source, response, words):
    """It says so once, and nothing leaves the ledger."""
    source.set("a")
    publisher = publishers.start(source.url)
    publishers.wait_for("a")
    source.responses["/items"] = response
    assert words in wait_for_line(publisher, "cannot be read")
    source.wait_for_polls(3)
    source.items["b"] = {"name": "b"}
    source.responses.clear()
    wait_for_line(publisher, "can be read again")
    publishers.wait_for("b")
    assert len(lines(publisher, "cannot be read")) == 1
    publishers.end(publisher)


def test_a_source_that_is_down(publishers, source):
    source.set("a")
    publisher = publishers.start(source.url)
    publishers.wait_for("a")
    publishers.end(publisher)
    source.close()
    result = publishers.once(source.url)
    assert result.status == 74 and "Connection refused" in result.lines[-1], result
    result = publishers.once("http://nothing.invalid")
    assert result.status == 74, result


def test_with_once_a_source_has_time_to_start(publishers, source):
    source.set("a")
    source.close()
    publisher = publishers.start(source.url, "--once", every=None)
    wait_until(lambda: "leading" in publisher.stderr, what="a publisher")
    publishers.wait_for_active(publisher)
    again = HTTPSource("a", port=source.port)
    result = publisher.finish()
    assert result.status == 0, result
    again.close()
    publishers.wait_for("a")


def test_with_once_a_source_that_fails_is_one_line_and_a_status(publishers, source):
    source.responses["/items"] = (500, b"")
    result = publishers.once(source.url)
    assert result.status == 74, result
    assert len([line for line in result.lines if "answers 500" in line]) == 1, result


@pytest.mark.parametrize("answer, words", [
    ((500, b""), "answers 500"), ((200, b"{"), "as JSON"), ((200, b'{"kind": "Item", "apiVersion": "v1"}'), "no 'data'"),
    ((200, b"x" * (17 << 20)), "longer than"),
])
def test_one_bad_item_does_not_hold_the_others_up(publishers, source, answer, words):
    source.set("a", "bad", "c")
    source.responses["/items/bad"] = answer
    publisher = publishers.start(source.url)
    publishers.wait_for("a", "c")
    line = wait_for_line(publisher, "'bad'")
    assert words in line
    source.wait_for_polls(3)
    assert len(lines(publisher, "'bad'")) == 1
    source.responses.clear()
    publishers.wait_for("bad")
    publishers.end(publisher)
    source.items["bad2"] = {}
    source.responses["/items/bad2"] = answer
    result = publishers.once(source.url)
    assert result.status == 74 and len([line for line in result.lines if "'bad2'" in line]) == 1, result


class Peer:
    """A server that does not speak HTTP well: it answers each connection with these bytes, slowly if that is asked for."""

    def __init__(self, content, pause=0.0, closes=True):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.content, self.pause, self.closes = content, pause, closes
        self.kept = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        try:
            connection.recv(65536)
            if self.pause:
                for byte in self.content:
                    connection.sendall(bytes([byte]))
                    time.sleep(self.pause)
            else:
                connection.sendall(self.content)
            if self.closes:
                connection.close()
            else:
                self.kept.append(connection)
        except OSError:
            pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for each in self.kept:
            each.close()


@pytest.mark.parametrize("content", [
    b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 10000,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"\0" * 1000, b"HTTP/1.1 999999999999 x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
], ids=["nothing", "ssh", "short", "long header", "bad chunk", "zeros", "bad status", "negative", "huge"])
def test_a_peer_that_speaks_no_http(publishers, bench, content):
    peer = Peer(content)
    bench.closers.append(peer.close)
    result = publishers.once(peer.url)
    assert result.status == 74, result
    assert len([line for line in result.lines if "cannot be read" in line]) == 1, result


@pytest.mark.slow
@pytest.mark.parametrize("content, options", [
    (b"", {"closes": False}), (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b" " * 999, {"pause": 0.5})], ids=["silent", "slow"])
def test_a_slow_peer_has_a_limit(publishers, bench, content, options):
    """The time is that of the whole response, and the broker hears heartbeats meanwhile."""
    peer = Peer(content, **options)
    bench.closers.append(peer.close)
    result = publishers.once(peer.url, "--heartbeat", "3s", timeout=PATIENCE + 30)
    assert result.status == 74 and "within 30 s" in result.lines[-1], result
    assert not [line for line in result.lines if "lost the connection" in line], result


def test_a_connection_that_the_server_closes_is_made_again(publishers, source):
    source.set("a")
    publisher = publishers.start(source.url)
    publishers.wait_for("a")

    def close(handler):
        handler.close_connection = True
        handler.connection.close()

    source.responses["/items/b"] = close
    source.items["b"] = {}
    wait_for_line(publisher, "'b'")
    source.responses.clear()
    publishers.wait_for("b")
    publishers.end(publisher)


def test_a_source_by_name(publishers, bench):
    made = HTTPSource("a")
    bench.closers.append(made.close)
    assert publishers.once(f"http://localhost:{made.port}").status == 0
    assert publishers.take() == ["a"]
    assert made.requests[0][1]["Host"] == f"localhost:{made.port}"


@pytest.mark.parametrize("once", [True, False], ids=["once", "for ever"])
def test_items_that_cannot_be_read_do_not_hold_up_the_others(publishers, source, once):
    """However many there are in a row."""
    bad = [f"bad{number:02}" for number in range(60)]
    source.set(*bad, "good")
    source.responses.update({f"/items/{name}": (500, b"") for name in bad})
    if once:
        result = publishers.once(source.url)
        assert result.status == 74 and "59 other items" in result.stderr, result
        publishers.wait_for("good")
        return
    publisher = publishers.start(source.url)
    publishers.wait_for("good")
    assert len(lines(publisher, "cannot be read")) <= 2, publisher.stderr
    publishers.end(publisher)


def test_a_url_file_that_is_a_pipe_is_refused_at_once(publishers, source, bench):
    path = bench.path("url-pipe")
    os.mkfifo(path)
    bench.run("-q", "x", "--url-file", path, "--from", source.url, command="publish", url=None).assert_error(64, "--url-file", "pipe")
