"""amqp-job publish: how its input is divided into items."""

import base64
import json
import os
import re
import subprocess

import pytest

from support.peer import Basic
from support.processes import read_proc

pytestmark = pytest.mark.any_broker


def publish(bench, queue, *arguments, **options):
    return bench.run("-q", queue.name, *arguments, command="publish", **options)


def bodies(queue):
    return [body for _, _, body in queue.take_all()]


def test_every_line_is_a_body(bench):
    queue = bench.queue("classic")
    assert publish(bench, queue, "--lines", stdin=bench.input(b"one\ntwo")).status == 0
    assert bodies(queue) == [b"one", b"two"]


@pytest.mark.parametrize("option", ["--null", "-0"])
def test_bodies_separated_by_nul(bench, option):
    queue = bench.queue("classic")
    assert publish(bench, queue, option, stdin=bench.input(b"one\ntwo\0\0three")).status == 0
    assert bodies(queue) == [b"one\ntwo", b"", b"three"]


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
@pytest.mark.parametrize("is_pipe", [True, False], ids=["pipe", "file"])
def test_the_whole_input_is_one_body(bench, size, is_pipe):
    """Large input from a pipe goes through a file, which leaves nothing behind."""
    queue = bench.queue("classic")
    data = os.urandom(size)
    temporary = bench.path("temporary")
    os.mkdir(temporary)
    path = bench.file("input", data)
    with open(path, "rb") as file:
        source = subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE) if is_pipe else None
        result = publish(
            bench, queue, "--whole", stdin=source.stdout if source else file, env={"TMPDIR": str(temporary)})
    if source:
        source.stdout.close()
        assert source.wait() == 0
    assert result.status == 0, result
    assert bodies(queue) == [data] and os.listdir(temporary) == []


def test_whole_beyond_the_limit_on_files(bench):
    """The kernel would send SIGXFSZ otherwise."""
    queue = bench.queue("classic")
    limited = ["sh", "-c", 'ulimit -f 100; exec "$@"', "sh"]
    with subprocess.Popen(["head", "-c", "3000000", "/dev/zero"], stdout=subprocess.PIPE) as source:
        publish(bench, queue, "--whole", stdin=source.stdout, prefix=limited).assert_error(74, "too large")
    queue.assert_empty()


def test_the_whole_input_starts_at_the_current_offset(bench):
    queue = bench.queue("classic")
    with open(bench.file("input", b"head\nrest\n"), "rb", buffering=0) as file:
        file.seek(5)
        assert publish(bench, queue, "--whole", stdin=file).status == 0
        assert file.tell() == 10  # The next program would not read the same.
    assert bodies(queue) == [b"rest\n"]


def test_files(bench):
    queue = bench.queue("classic")
    contents = [b"one\n", b"", os.urandom(2_000_000)]
    paths = [bench.file(f"item {number}", content) for number, content in enumerate(contents)]
    result = publish(bench, queue, "--file", *map(str, paths))
    assert result.status == 0, result
    assert bodies(queue) == contents


def test_a_worker_sees_the_name_of_a_file(bench):
    queue = bench.queue("classic")
    folder = bench.path("folder")
    folder.mkdir()
    names = [b"plain", b"with space=1.json", b"\xff.bin"]
    for name in names:
        (folder / os.fsdecode(name)).write_bytes(b"" if name == b"plain" else bytes(70_000))
    result = publish(bench, queue, "--file", *(os.fsencode(folder) + b"//" + name for name in names))
    assert result.status == 0, result
    seen = bench.run("-q", queue.name, "-n", "3", worker=["sh", "-c", 'printf "%s\n" "$WORK_ITEM_HEADER_FILENAME"'])
    assert seen.stdout.splitlines() == names, seen


@pytest.mark.parametrize("name", ["filename", "FileName"])
def test_a_given_file_name_is_kept(bench, name):
    queue = bench.queue("classic")
    result = publish(
        bench, queue, "--file", "--header", f"{name}=mine", "--header", "other=1", "--message-id", "7",
        str(bench.file("item", b"x")))
    assert result.status == 0, result
    _, properties, _ = queue.take()
    assert properties.headers[name] == "mine" and set(properties.headers) == {name, "other"}, properties
    assert properties.message_id == "7" and properties.delivery_mode == 2


def test_more_files_than_may_be_open(bench):
    queue = bench.queue("classic")
    contents = [b"%d" % number * (1 if number % 2 else 30_000) for number in range(100, 400)]
    paths = [bench.file(f"item {number}", content) for number, content in enumerate(contents)]
    limited = ["sh", "-c", 'ulimit -n 128; exec "$@"', "sh"]
    result = publish(bench, queue, "--file", *map(str, paths), prefix=limited)
    assert result.status == 0, result
    assert bodies(queue) == contents


def test_json_lines_that_are_blank(bench, queue):
    lines = b'\xef\xbb\xbf{"body": "a"}\r\n\r\n  \n{"body": "b"}\n\n'
    result = publish(bench, queue, "--jsonl", stdin=bench.input(lines))
    assert result.status == 0, result
    assert [body for _, _, body in queue.take_all()] == [b"a", b"b"]


def test_the_rule_that_a_json_line_breaks(bench, queue):
    lines = b'{"body": "a"}\n\n{"body": {"n": 1}}\n'
    publish(bench, queue, "--jsonl", stdin=bench.input(lines)).assert_error(65, "line 3", "'body' must be a string")


@pytest.mark.parametrize("form", ["--lines", "--null", "--whole", "--jsonl"])
def test_a_standard_input_that_is_closed(bench, form):
    """That is not an empty item."""
    queue = bench.queue("classic")
    result = publish(bench, queue, form, prefix=["sh", "-c", 'exec "$@" <&-', "sh"])
    result.assert_error(74, "standard input")
    assert bodies(queue) == []


def test_an_item_that_is_too_large_for_the_broker(bench):
    queue = bench.queue("classic")
    path = bench.file("large", b"")
    os.truncate(path, 140_000_000)
    publish(bench, queue, "--file", str(path)).assert_error(65, "message size")
    assert bodies(queue) == []


@pytest.mark.parametrize(("second", "why"), [("missing", "No such file"), ("", "Is a directory"), ("pipe", "regular")])
def test_a_path_that_is_not_a_file(bench, second, why):
    """The items before it are in the queue, and the message says how to continue."""
    queue = bench.queue("classic")
    first = bench.file("first", b"one")
    if second == "pipe":
        os.mkfifo(bench.path(second))
    result = publish(bench, queue, "--file", str(first), str(bench.path(second)), str(first))
    result.assert_error(74, why, second, "--skip 1")
    assert bodies(queue) == [b"one"]


def test_a_file_that_does_not_say_how_long_it_is(bench):
    """Files such as those in /proc report no size. They never become an empty item unless they are empty."""
    queue = bench.queue("classic")
    publish(bench, queue, "--file", "/proc/cpuinfo").assert_error(74, "/proc/cpuinfo", "--whole")
    with open("/proc/version", "rb") as file:
        content = file.read()
    with open("/proc/version", "rb") as file:
        assert publish(bench, queue, "--whole", stdin=file).status == 0
    assert bodies(queue) == [content]


def test_an_item_that_fits_no_frame(bench):
    """The item is not among those that --skip omits."""
    queue = bench.queue("classic")
    lines = [json.dumps({"body": "a", "headers": {"n": "x" * size}}) for size in (1, 200_000, 1)]
    result = publish(bench, queue, "--jsonl", stdin=bench.input("\n".join(lines).encode()))
    result.assert_error(65, "item 2", "--skip 1 ")
    assert bodies(queue) == [b"a"]


def test_json_lines(bench):
    queue = bench.queue("classic")
    data = bytes(range(256))
    items = [
        {"body": "é\n", "properties": {"content_type": "text/plain", "message_id": "mine"}, "headers": {"n": 1, "a": [True]}},
        {"body_base64": base64.b64encode(data).decode()},
    ]
    lines = "\n".join(json.dumps(item) for item in items).encode()
    result = publish(bench, queue, "--jsonl", "--header", "n=2", "--header", "shop=north", stdin=bench.input(lines))
    assert result.status == 0, result
    (_, one, first), (_, other, second) = queue.take_all()
    assert (first, second) == ("é\n".encode(), data)
    assert (one.content_type, one.message_id, one.delivery_mode) == ("text/plain", "mine", 2)
    assert one.headers == {"n": 1, "a": [True], "shop": "north"}
    assert other.headers == {"n": 2, "shop": "north"} and other.message_id


@pytest.mark.parametrize("line", ['{"body": 1}', "apple", '{"body": "a"', '{"boby": "a"}'])
def test_a_json_line_that_is_not_an_item(bench, line):
    queue = bench.queue("classic")
    source = bench.input(f'{{"body": "one"}}\n{line}\n{{"body": "three"}}\n'.encode())
    result = publish(bench, queue, "--jsonl", stdin=source)
    result.assert_error(65, "line 2", "--skip 1")
    assert bodies(queue) == [b"one"]


def test_several_lines_that_fit_no_frame(bench):
    """The message names the first one to continue from, and nothing behind it is sent."""
    queue = bench.queue("classic")
    lines = [{"body": str(number)} for number in range(1, 9)]
    for index in 1, 3:
        lines[index]["headers"] = {"x": [0] * 14900}
    data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    publish(bench, queue, "--jsonl", stdin=bench.input(data)).assert_error(65, "(item 2)", "; 1 item is", "--skip 1 ")
    assert bodies(queue) == [b"1"]


def test_a_file_that_becomes_shorter_while_it_is_sent(bench):
    """Neither this item nor those behind it may be in the queue."""
    peer = bench.peer()
    first, large = bench.file("first", b"1"), bench.file("large", bytes(90_000_000))

    def shorten(session, channel, method):
        """After the first item has been confirmed, the second can only be partly sent, because it is larger than a
        socket's buffer."""
        if peer.count(Basic.Publish) == 1:
            session.send(channel, Basic.Ack(1))
        else:
            os.truncate(large, 1000)

    peer.on(Basic.Publish, shorten)
    result = bench.run("-q", "queue", "--file", first, large, first, command="publish", url=peer.url)
    result.assert_error(74, "item 2 cannot be read whole", "; 1 of 3 items are in the queue; --skip 1 ")
    assert "may be" not in result.stderr


def test_skip(bench):
    queue = bench.queue("classic")
    assert publish(bench, queue, "--skip", "2", stdin=bench.input(b"1\n2\n3\n4\n")).status == 0
    assert publish(bench, queue, "--skip", "1", "a", "b").status == 0
    result = publish(bench, queue, "--skip", "9", "a", "b")
    assert result.status == 0 and "--skip 9 leaves out all items: there are 2" in result.lines[0], result
    assert bodies(queue) == [b"3", b"4", b"b"]


def test_message_ids_differ(bench):
    queue = bench.queue("classic")
    assert publish(bench, queue, *"abcde").status == 0
    assert len({properties.message_id for _, properties, _ in queue.take_all()}) == 5


@pytest.mark.parametrize(
    "arguments",
    [["--lines", "apple"], ["--file"], ["--null", "--lines"], ["--whole", "--jsonl"], ["--skip", "-1"], ["--skip", "x"]],
    ids=" ".join)
def test_bad_usage(bench, arguments):
    queue = bench.queue("classic")
    publish(bench, queue, *arguments).assert_error(64)


def test_the_form_from_the_environment(bench):
    """A flag outweighs the variable."""
    queue = bench.queue("classic")
    assert publish(bench, queue, stdin=bench.input(b"a\0b"), env={"AMQP_JOB_NULL": "true"}).status == 0
    assert publish(bench, queue, "--lines", stdin=bench.input(b"c\nd"), env={"AMQP_JOB_NULL": "true"}).status == 0
    assert bodies(queue) == [b"a", b"b", b"c", b"d"]


def test_memory_does_not_grow_with_the_input(bench):
    queue = bench.queue("classic")
    publisher = bench.start("-q", queue.name, "--lines", command="publish", stdin=subprocess.PIPE)
    lines = (b"x" * 19 + b"\n") * 1000

    def peak():
        """Peak memory, in kB."""
        return int(re.search(rb"VmHWM:\s+(\d+)", read_proc(publisher.pid, "status"))[1])

    for _ in range(3):
        publisher.process.stdin.write(lines)
    queue.assert_back(3000)
    early = peak()
    for _ in range(20):
        publisher.process.stdin.write(lines)
    late = peak()
    publisher.process.stdin.close()
    result = publisher.finish()
    assert result.status == 0, result
    assert queue.depth() == 23_000 and late < 24 << 10 and late < early + (4 << 10)
