"""amqp-job under the names of amqp-tools keeps promises that the originals do not make."""

import fcntl
import os
import re
import signal
import struct
import subprocess
import termios

import pytest

from support.processes import read_proc, wait_until


def test_what_is_not_written_out_is_not_acked(bench, links):
    queue = bench.queue("classic", b"apple")
    host, port = bench.broker.address
    words = [links / "amqp-get", f"--server={host}", f"--port={port}", "-q", queue.name]
    for output in "/dev/full", None:
        with open(output or os.devnull, "wb") as full:
            closed = {} if output else {"preexec_fn": lambda: os.close(1)}
            done = subprocess.run(words, env=bench.environment(), stdout=full, stderr=subprocess.PIPE, timeout=60, **closed)
        assert done.returncode == 1 and b"standard output" in done.stderr, done
    queue.assert_back(1)


def test_a_password_in_the_place_of_a_port(bench, links):
    words = [links / "amqp-get", "-q", "queue", "-s", "guest:s3cr3t@localhost"]
    done = subprocess.run(words, env=bench.environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "'***@localhost'" in done.stderr and "s3cr3t" not in done.stderr, done


def test_an_answer_that_cannot_be_written(bench, links):
    queue = bench.name_queue("classic")
    host, port = bench.broker.address
    words = [links / "amqp-declare-queue", f"--server={host}", f"--port={port}", "-d", "-q", queue.name]
    reader, writer = os.pipe()
    os.close(reader)
    for output in {"preexec_fn": lambda: os.close(1)}, {"stdout": writer}:
        done = subprocess.run(words, env=bench.environment(), stderr=subprocess.PIPE, timeout=60, **output)
        assert done.returncode == 1 and b"standard output" in done.stderr, done
    os.close(writer)


def queued(pipe):
    """The number of bytes in the pipe. The request's number is from ioctl_tty(2)."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


def test_an_output_that_does_not_block(bench, links):
    """A shell may share such a pipe with another program. A slow reader still gets everything."""
    body = os.urandom(300_000)
    queue = bench.queue("classic", body)
    host, port = bench.broker.address
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    words = [links / "amqp-get", f"--server={host}", f"--port={port}", "-q", queue.name]
    with open(reader, "rb") as output:
        got = subprocess.Popen(words, env=bench.environment(), stdout=writer)
        os.close(writer)
        wait_until(lambda: got.poll() is not None or queued(reader) >= 65_536, what="a full pipe")
        assert output.read() == body
    assert got.wait(60) == 0
    queue.assert_empty()


@pytest.mark.parametrize("setting", [{"exclusive": True}, {"arguments": {"x-max-length": 1, "x-overflow": "reject-publish"}}])
def test_a_queue_that_cannot_be_asked_about_or_is_full(bench, links, setting):
    """Nobody may ask about another connection's queue, but everybody may publish to it. Only ours reports an error if a
    full queue rejects the item."""
    queue = bench.name_queue("classic")
    bench.client.channel.queue_declare(queue.name, **setting)
    host, port = bench.broker.address
    statuses = []
    for program in "amqp-publish", links / "amqp-publish":
        words = [program, f"--server={host}", f"--port={port}", "-r", queue.name, "-b", "x"]
        statuses.append(subprocess.run(words, env=bench.environment(), capture_output=True, timeout=60).returncode)
    is_full = "arguments" in setting
    assert statuses == [0, 1 if is_full else 0]
    queue.assert_back(1 if is_full else 2)


@pytest.mark.parametrize("end", ["end of input", "TERM", "cut"])
@pytest.mark.parametrize("login", ["-u={url}", "--password=guest"])
def test_lines_are_published_as_they_come(bench, links, end, login):
    """Meanwhile the arguments show no password. The error says what is in the queue if the program is ended from
    outside."""
    queue, way = bench.queue("classic"), bench.proxy()
    host = bench.broker.address[0]
    words = [login.format(url=f"amqp://guest:guest@{host}:{way.port}")]
    if login.startswith("--password"):
        words += ["-s", host, f"--port={way.port}"]
    with subprocess.Popen(
        [links / "amqp-publish", "-l", "-r", queue.name, *words], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=bench.environment(),
    ) as process:
        process.stdin.write("apple\n")
        process.stdin.flush()
        queue.assert_back(1)
        arguments = read_proc(process.pid, "cmdline").decode().split("\0")
        assert words[0].replace(":guest@", ":*****@").replace("=guest", "=*****") in arguments
        if end == "end of input":
            assert process.communicate() == (None, "") and process.returncode == 0
            return
        if end == "TERM":
            process.send_signal(signal.SIGTERM)
        else:
            way.cut()
        wait_until(lambda: process.poll() is not None, what="its end")
        error = process.stderr.read()
    assert process.returncode == (143 if end == "TERM" else 1), error
    published = "the first line is published"
    if end == "cut":  # The confirmation may not have come yet.
        published += "|no line is known to be published, 1 may be"
    assert re.fullmatch(rf"amqp-publish: .*; ({published})\n", error), error
    queue.assert_back(1)


def test_a_password_is_not_shown(bench, links):
    for words in ["--password=Sup3rSecret", "--port=1"], ["-u", "amqp://guest:Sup3rSecret@127.0.0.1:1"], ["-u", "amqp:/guest:Sup3rSecret@h"]:
        done = subprocess.run([links / "amqp-get", *words, "-q", "q"], env=bench.environment(), capture_output=True, timeout=60)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done
        assert b"Sup3rSecret" not in done.stderr + done.stdout


def tool(bench, links, name, *words, **options):
    host, port = bench.broker.address
    return subprocess.run(
        [links / name, f"--server={host}", f"--port={port}", *words], env=bench.environment(), capture_output=True, timeout=60,
        **options)


@pytest.mark.parametrize("end", [".retry", ".marks"])
def test_a_queue_that_is_there_for_runners_takes_no_message(bench, links, end):
    """The original puts the message there, where it stays for ever."""
    queue = bench.work_queue("quorum")
    done = tool(bench, links, "amqp-publish", "-r", queue.name + end, "-b", "x")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done
    assert b"nothing else may be in it" in done.stderr and f"publish to queue '{queue.name}'".encode() in done.stderr, done
    assert bench.client.channel.queue_declare(queue.name + end, passive=True).method.message_count == 0


def test_a_queue_that_only_has_such_a_name_takes_messages(bench, links):
    queue = bench.name_queue("classic")
    queue.name += ".retry"
    bench.client.channel.queue_declare(queue.name, durable=True)
    assert tool(bench, links, "amqp-publish", "-r", queue.name, "-b", "x").returncode == 0
    queue.assert_back()


@pytest.mark.parametrize("durable", [True, False])
def test_a_queue_that_deletes_itself_with_items_in_it_is_no_success(bench, links, durable):
    """The original exits 0 without a word, and the items are gone as well."""
    queue = bench.name_queue("classic")
    for left in 2, 0:
        bench.client.channel.queue_declare(queue.name, durable=durable, auto_delete=True)
        queue.put(*[b"apple", b"pear", b"plum"][: left + 1])
        done = tool(bench, links, "amqp-consume", "-q", queue.name, "-c", "1", "cat")
        assert done.stdout == b"apple" and done.returncode == (1 if left else 0), done
        lines = done.stderr.decode().splitlines()
        assert len(lines) == (1 if left else 0) and all("2 items went with it" in line for line in lines), done
        assert not queue.exists()
