"""`amqp-job publish --from dir:...`: files become items, once they are complete."""

import os

import pytest

from support.processes import holds_for, wait_until

pytestmark = pytest.mark.any_broker


def items(publishers):
    return {properties.message_id: body for _, properties, body in publishers.queue.take_all()}


def test_files_are_items(publishers, inbox):
    (inbox / "a b\n\"c\".mp4").write_bytes(b"\0\xff")
    (inbox / "empty.mp4").touch()
    (inbox / ".hidden.mp4").write_bytes(b"x")
    (inbox / "other.txt").write_bytes(b"x")
    (inbox / "folder.mp4").mkdir()
    os.mkfifo(inbox / "pipe.mp4")
    (inbox / "link.mp4").symlink_to("other.txt")
    (inbox / "broken.mp4").symlink_to("nothing")
    result = publishers.once(f"dir:{inbox}/*.mp4")
    assert result.status == 0, result
    assert items(publishers) == {"a b\n\"c\".mp4": b"\0\xff", "empty.mp4": b"", "link.mp4": b"x"}
    assert publishers.once(f"dir:{inbox}").status == 0
    assert items(publishers) == {"other.txt": b"x"}


def test_a_name_that_is_no_text(publishers, inbox):
    with open(os.fsencode(inbox) + b"/\xff\xfe", "wb") as file:
        file.write(b"x")
    assert publishers.once(f"dir:{inbox}").status == 0
    assert publishers.queue.depth() == 1
    assert publishers.once(f"dir:{inbox}").status == 0
    assert publishers.queue.depth() == 1


def test_a_file_that_grows_is_not_taken(publishers, inbox):
    path = inbox / "a"
    path.write_bytes(b"1")
    publisher = publishers.start(f"dir:{inbox}")
    publishers.wait_for_active(publisher)
    with open(path, "ab") as file:
        def grow():
            file.write(b"2")
            file.flush()
            return publishers.queue.depth() == 0

        holds_for(grow, 5, "a file that grows")
    wait_until(lambda: publishers.queue.depth() == 1, what="the file that has grown")
    size = path.stat().st_size
    ((_, body),) = items(publishers).items()
    assert len(body) == size
    publishers.end(publisher)


def test_with_once_a_file_that_grows_is_left_for_the_next_time(publishers, inbox):
    (inbox / "a").write_bytes(b"1")
    (inbox / "grows").write_bytes(b"1")
    publisher = publishers.start(f"dir:{inbox}", "--once", every=None)
    while publisher.runs():
        with open(inbox / "grows", "ab") as file:
            file.write(b"2")
        publisher.ended.wait(0.2)
    assert publisher.finish().status == 0
    assert items(publishers) == {"a": b"1"}
    assert publishers.once(f"dir:{inbox}").status == 0
    assert list(items(publishers)) == ["grows"]


def test_large_files_are_sent_in_pieces(publishers, inbox):
    content = os.urandom(20 << 20)
    (inbox / "large").write_bytes(content)
    (inbox / "small").write_bytes(b"x")
    # RabbitMQ 4 takes 16 MiB by default.
    publisher = publishers.start(f"dir:{inbox}")
    wait_until(lambda: publishers.queue.depth() == 2 or "is left out" in publisher.stderr, what="the items")
    found = items(publishers)
    assert found["small"] == b"x" and found.get("large", content) == content
    publishers.end(publisher)


def test_a_directory_that_is_missing(publishers, inbox):
    publisher = publishers.start(f"dir:{inbox}/new")
    wait_until(lambda: "No such file or directory" in publisher.stderr, what="a line about it")
    (inbox / "new").mkdir()
    (inbox / "new" / "a").write_bytes(b"x")
    publishers.wait_for("a")
    assert publisher.stderr.count("No such file") == 1
    publishers.end(publisher)
    result = publishers.once(f"dir:{inbox}/other")
    assert result.status == 74, result


def test_a_file_that_cannot_be_read_does_not_hold_the_others_up(publishers, inbox):
    (inbox / "a").write_bytes(b"x")
    (inbox / "b").symlink_to("b2")
    (inbox / "b2").write_bytes(b"x")
    publisher = publishers.start(f"dir:{inbox}")
    publishers.wait_for("a", "b", "b2")
    publishers.end(publisher)


def test_a_link_whose_file_is_away_keeps_its_name(publishers, bench):
    inbox, volume = bench.path("inbox"), bench.path("volume")
    inbox.mkdir(), volume.mkdir()
    (volume / "a").write_text("A")
    (inbox / "a").symlink_to(volume / "a")
    publisher = publishers.start(f"dir:{inbox}")
    publishers.wait_for("a")
    volume.rename(bench.path("away"))
    (inbox / "b").write_text("B")
    publishers.wait_for("b")
    bench.path("away").rename(volume)
    (inbox / "c").write_text("C")
    publishers.wait_for("c")
    assert "has left" not in publisher.stderr
    publishers.end(publisher)
