"""run --output: where the workers' own output goes."""

import base64
import concurrent.futures
import json
import os
import re
import signal
import sys

import pytest

from support.processes import CAN_ISOLATE, PROMPT, holds_for, wait_until
from support.steps import Steps

pytestmark = pytest.mark.any_broker

SPEAKS = ["sh", "-c", 'echo "got $(cat)"; echo "oh" >&2; printf last']


def run(bench, queue, form, *options, worker=None, **more):
    return bench.run("-q", queue.name, "--output", form, *options, worker=worker or SPEAKS, **more)


def objects(data):
    return [json.loads(line) for line in data.splitlines()]


def python(text):
    return [sys.executable, "-c", "import os, sys\n" + text]


@pytest.fixture
def folder(bench):
    path = bench.path("output")
    path.mkdir()
    return path


# Lines with a tag

def test_each_line_has_the_items_id_before_it(bench, kind):
    queue = bench.queue(kind)
    queue.put(b"apple", message_id="a/1")
    result = run(bench, queue, "tag")
    assert (result.status, result.stdout, result.stderr) == (0, b"a/1\tgot apple\na/1\tlast\n", "a/1\toh\n")
    queue.assert_empty()


def test_an_item_without_an_id_has_its_number(bench):
    queue = bench.queue("quorum", b"apple", b"pear")
    queue.put(b"plum", message_id="")
    result = run(bench, queue, "tag", "-n", "3", worker=["cat"])
    assert result.stdout == b"item-1\tapple\nitem-2\tpear\nitem-3\tplum\n", result


def test_an_id_cannot_break_its_line(bench):
    queue = bench.queue("quorum")
    queue.put(b"apple", message_id="a\tb\nc\x1b[2J")
    assert run(bench, queue, "tag", worker=["cat"]).stdout == b"a b c [2J\tapple\n"


def test_lines_of_workers_side_by_side_do_not_mix(bench):
    queue = bench.queue("quorum")
    for number in range(8):
        queue.put(b"%d" % number, message_id=f"i{number}")
    worker = python(
        "item = sys.stdin.read()\n"
        "for n in range(300):\n"
        "  os.write(1 + n % 2, item.encode() * 50)\n"
        "  os.write(1 + n % 2, item.encode() * 50 + b'\\n')\n")
    reader, writer = os.pipe()
    with open(reader, "rb") as ours:
        with open(writer, "wb") as theirs:
            options = ("-n", "8", "-j", "4", "--output", "tag")
            runner = bench.start("-q", queue.name, *options, worker=worker, stdout=theirs, stderr=theirs)
        lines = ours.read().splitlines()
    assert runner.finish().status == 0
    told = [line for line in lines if not line.startswith(b"amqp-job: ")]
    assert len(told) == 2400
    for line in told:
        assert re.fullmatch(rb"i(\d)\t(\1{100})", line), line


@pytest.mark.parametrize("form", ["tag", "json"])
def test_a_long_line_is_cut_and_costs_no_memory(bench, form):
    queue = bench.queue("quorum")
    queue.put(b"apple", message_id="a")
    worker = python("for _ in range(1600): os.write(1, b'x' * 65536)")
    limited = ["sh", "-c", 'ulimit -d 100000; exec "$@"', "sh"]
    result = run(bench, queue, form, worker=worker, prefix=limited, timeout=150)
    assert result.status == 0, result
    lines = result.stdout.splitlines()
    assert len(lines) == 1600
    if form == "tag":
        assert set(lines) == {b"a\t" + b"x" * 65536}
    else:
        assert [line.get("continued", False) for line in objects(result.stdout)] == [True] * 1599 + [False]


# JSON

def test_each_line_is_a_json_object(bench):
    queue = bench.queue("quorum", b"pear")
    queue.put(b"apple", message_id="a", headers={})
    result = run(bench, queue, "json", "-n", "2", worker=["sh", "-c", 'cat; echo; printf "caf\\303\\251\\n\\377" >&2'])
    assert (result.status, [line for line in result.lines if not line.startswith("amqp-job:")]) == (0, []), result
    found = sorted(objects(result.stdout), key=lambda line: (line["number"], line["stream"]))
    texts = {(line["number"], line["stream"], line.get("text")) for line in found}
    assert {(1, "stdout", "pear"), (2, "stdout", "apple"), (1, "stderr", "café"), (2, "stderr", "café")} <= texts
    assert {line.get("id") for line in found if line["number"] == 1} == {None}
    assert {line.get("id") for line in found if line["number"] == 2} == {"a"}
    assert {line["attempt"] for line in found} == {1}


def test_what_is_not_text_is_base64(bench):
    queue = bench.queue("quorum")
    queue.put(b"a\xff\0b\n\0\n", message_id="a")
    found = objects(run(bench, queue, "json", worker=["cat"]).stdout)
    assert [line.get("text_base64") for line in found] == [base64.b64encode(b"a\xff\0b").decode(), None]
    assert found[1]["text"] == "\0"


def test_a_character_that_comes_in_two_pieces_is_whole(bench):
    queue = bench.queue("quorum", b"x")
    worker = python(
        "import time\nos.write(1, b'caf\\xc3'); time.sleep(0.3); os.write(1, b'\\xa9\\n')\n"
        "sys.stdout.write('\\u20ac' * 30000); sys.stdout.flush()")
    found = objects(run(bench, queue, "json", worker=worker, env={"PYTHONIOENCODING": "utf-8"}).stdout)
    assert found[0]["text"] == "café"
    assert "".join(line["text"] for line in found[1:]) == "€" * 30_000 and len(found) == 3


def test_each_attempt_is_told(bench):
    queue = bench.work_queue("quorum", b"x")
    worker = ["sh", "-c", 'echo try; [ "$WORK_ITEM_ATTEMPT" = 2 ]']
    result = run(bench, queue, "json", "--drain", "--retry-delay", "0", worker=worker)
    assert [(line["number"], line["attempt"]) for line in objects(result.stdout)] == [(1, 1), (2, 2)], result


# Files

def test_each_item_has_files_of_its_own(bench, folder):
    queue = bench.queue("quorum", b"pear")
    queue.put(b"apple", message_id="a-1")
    result = run(bench, queue, f"{folder}", "-n", "2")
    assert (result.status, result.stdout) == (0, b""), result
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "item-1.1.stdout": b"got pear\nlast", "item-1.1.stderr": b"oh\n",
        "a-1.1.stdout": b"got apple\nlast", "a-1.1.stderr": b"oh\n"}


IDS = ["..", ".", "a/b", "../../x", "a\0b", "a\nb", "-rf", "", "%2F", "é" * 120, "x" * 255, "y" * 254 + "1", "y" * 254 + "2"]


def test_every_id_makes_a_name_in_the_directory(bench, folder):
    queue = bench.queue("quorum")
    for body in IDS:
        queue.put(body.encode(), message_id=body)
    assert run(bench, queue, f"{folder}/", "-n", str(len(IDS)), worker=["cat"]).status == 0
    names = [path.name for path in folder.iterdir()]
    assert all(re.fullmatch(r"[\w%+=,@][\w%+=,@.~-]*\.1\.(stdout|stderr)", name, re.ASCII) for name in names), names
    found = sorted(path.read_bytes() for path in folder.iterdir() if path.suffix == ".stdout")
    assert found == sorted(body.encode() for body in IDS)
    assert os.listdir(bench.directory).count("x") == 0


def test_runners_at_once_and_items_of_one_id_share_the_directory(bench, folder):
    queue = bench.queue("quorum")
    for number in range(40):
        queue.put(b"%d" % number, message_id="same")
    options = ("--drain", "-j", "4", "--output", f"{folder}")
    runners = [bench.start("-q", queue.name, *options, worker=["cat"]) for _ in range(3)]
    assert [runner.finish().status for runner in runners] == [0] * 3
    contents = [path.read_bytes() for path in folder.glob("*.stdout")]
    assert sorted(contents, key=int) == [b"%d" % number for number in range(40)]
    pairs = {path.name.rsplit(".", 1)[0] for path in folder.iterdir()}
    assert len(pairs) == 40


def test_attempts_have_files_of_their_own(bench, folder):
    queue = bench.work_queue("quorum")
    queue.put(b"x", message_id="a")
    worker = ["sh", "-c", 'echo "try $WORK_ITEM_ATTEMPT"; [ "$WORK_ITEM_ATTEMPT" = 2 ]']
    assert run(bench, queue, f"{folder}", "--drain", "--retry-delay", "0", worker=worker).status == 0
    assert {path.name: path.read_text() for path in folder.glob("*.stdout")} == {
        "a.1.stdout": "try 1\n", "a.2.stdout": "try 2\n"}


def test_a_link_is_not_followed(bench, folder):
    target = bench.file("target", "precious")
    (folder / "a.1.stdout").symlink_to(target)
    (folder / "a.1.stderr").symlink_to(bench.path("nowhere"))
    queue = bench.queue("quorum")
    queue.put(b"apple", message_id="a")
    assert run(bench, queue, f"{folder}", worker=["cat"]).status == 0
    assert target.read_text() == "precious" and not bench.path("nowhere").exists()
    (found,) = [path for path in folder.glob("a.1-*.stdout")]
    assert found.read_bytes() == b"apple"


def test_binary_output_is_kept_byte_for_byte(bench, folder):
    body = os.urandom(3 << 20)
    queue = bench.queue("quorum", body)
    assert run(bench, queue, f"{folder}", worker=["cat"]).status == 0
    assert (folder / "item-1.1.stdout").read_bytes() == body


def test_a_directory_that_cannot_be_used_is_told_before_an_item_is_taken(bench, folder):
    queue = bench.queue("quorum", b"apple")
    run(bench, queue, f"{folder}/missing").assert_error(64, "missing", "--output", "mkdir -p", "nothing was taken")
    run(bench, queue, str(bench.file("file", "x"))).assert_error(64, "file", "--output", "nothing was taken")
    result = run(bench, queue, "/proc/")
    result.assert_error(74, "/proc/", "its file system takes no new files", "--output", "nothing was taken")
    assert "mkdir" not in result.stderr
    queue.assert_untouched()


needs_mounts = pytest.mark.skipif(not CAN_ISOLATE, reason="needs a mount of its own")


@needs_mounts
def test_an_item_whose_output_does_not_fit_is_not_done(bench, folder):
    queue = bench.work_queue("quorum")
    queue.put(b"apple", message_id="a")
    queue.put(b"pear", message_id="p")
    prefix = ["unshare", "--mount", "sh", "-ec", f'mount -t tmpfs -o size=2m none {folder}; exec "$@"', "sh"]
    worker = ["sh", "-c", "head -c 5000000 /dev/zero; exit 0"]
    result = run(bench, queue, f"{folder}", "--max-attempts", "1", worker=worker, prefix=prefix)
    result.assert_error(74, "item a", "exited with 0", "a.1.stdout", "No space left on device", "dead-lettered")
    _, properties, body = queue.dead.take()
    assert (body, properties.headers["x-amqp-job-reason"]) == (b"apple", "output lost")
    result = run(bench, queue, f"{folder}", "-n", "5", "--retry-delay", "1h", worker=worker, prefix=prefix)
    assert result.status == 74 and len(result.lines) == 2 and "No space left" in result.lines[0], result
    assert queue.retry.depth() == 1


@needs_mounts
def test_a_small_directory_is_refused_only_when_it_is_full(bench, folder):
    queue = bench.queue("quorum", b"apple")
    mount = f"mount -t tmpfs -o size=256k none {folder}"
    prefix = ["unshare", "--mount", "sh", "-ec", mount + '; "$@"; cat "$0"/*.stdout', f"{folder}"]
    assert run(bench, queue, f"{folder}", worker=["cat"], prefix=prefix).stdout == b"apple"
    queue.put(b"pear")
    full = ["unshare", "--mount", "sh", "-ec", mount + '; head -c 1m /dev/zero 2>/dev/null >"$0/x" || true; exec "$@"', f"{folder}"]
    run(bench, queue, f"{folder}", prefix=full).assert_error(74, "No space left", "--output", "nothing was taken")
    queue.assert_untouched()


def test_standard_output_that_is_full_is_no_success(bench):
    queue = bench.work_queue("quorum", b"apple")
    with open("/dev/full", "wb") as full:
        runner = bench.start("-q", queue.name, "--output", "tag", worker=["echo", "a"], stdout=full)
        runner.finish().assert_error(74, "exited with 0", "standard output", "No space left on device", "comes back in")
    assert queue.retry.depth() == 1


# With other options

def test_a_result_goes_to_its_queue_and_the_rest_is_tagged(bench, folder):
    queue, results = bench.work_queue("quorum"), bench.queue()
    for number in range(3):
        queue.put(b"apple", message_id=f"a{number}")
    options = ("--result-queue", results.name)
    result = run(bench, queue, "tag", *options)
    assert (result.status, result.stdout, result.stderr) == (0, b"", "a0\toh\n")
    assert [line["stream"] for line in objects(run(bench, queue, "json", *options).stdout)] == ["stderr"]
    assert run(bench, queue, f"{folder}", *options).status == 0
    assert [path.name for path in folder.iterdir()] == ["a2.1.stderr"]
    assert [body for _, _, body in results.take_all()] == [b"got apple\nlast"] * 3


def test_standard_error_is_kept_for_the_dead_letter_too(bench, folder):
    queue = bench.work_queue("quorum")
    options = ("--max-attempts", "1", "--keep-stderr", "1KiB")
    worker = ["sh", "-c", "cat; echo last words >&2; exit 3"]
    for form in "tag", "json", f"{folder}":
        queue.put(b"apple\n", message_id="a")
        result = run(bench, queue, form, *options, worker=worker)
        assert result.status == 3, result
        assert ("a\tlast words\n" in result.stderr) == (form == "tag")
        _, properties, _ = queue.dead.take()
        assert properties.headers["x-amqp-job-stderr"] == "last words\n"
    assert (folder / "a.1.stderr").read_text() == "last words\n"


@pytest.mark.parametrize("feed", ["file", "arg"])
def test_other_ways_to_feed_a_worker(bench, feed):
    queue = bench.queue("quorum")
    queue.put(b"apple", message_id="a")
    worker = ["sh", "-c", 'cat "$WORK_ITEM_FILE"'] if feed == "file" else ["echo", "{}"]
    assert run(bench, queue, "tag", "--feed", feed, worker=worker).stdout == b"a\tapple\n"


def test_steps_and_the_last_command(bench):
    steps = Steps(bench)
    steps.start("peel", ["sh", "-c", 'echo "peeled $(cat)"; echo "step" >&2'])
    queue = bench.work_queue("quorum")
    queue.put(b"apple", message_id="a")
    result = run(bench, queue, "tag", *steps.options("peel"))
    assert (result.status, result.stdout, result.stderr) == (0, b"a\tgot peeled apple\na\tlast\n", "a\toh\n")


def test_kept_standard_error_of_a_step_is_tagged(bench):
    steps = Steps(bench)
    steps.start("peel", ["sh", "-c", 'echo "step" >&2'])
    queue = bench.work_queue("quorum")
    queue.put(b"apple", message_id="a")
    result = bench.run("-q", queue.name, "--output", "tag", "--keep-stderr", "1KiB", *steps.options("peel"))
    assert (result.status, result.stderr) == (0, "a\tstep\n")


def test_what_makes_no_sense_is_refused(bench, folder):
    for form in "tag", "json", f"{folder}":
        result = bench.run("-q", "any", "--output", form, "--step", "peel")
        result.assert_error(64, "--output", "steps")
    bench.run("-q", "any", "--output", "results", worker=["true"]).assert_error(64, "--output", "slash")


@pytest.mark.parametrize("form", ["tag", "json"])
def test_closed_standard_output_is_told_at_the_start(bench, form):
    closing = ["sh", "-c", 'exec "$@" >&-', "sh"]
    queue = bench.queue("quorum", b"apple")
    run(bench, queue, form, prefix=closing).assert_error(74, "standard output is closed", "--output")
    queue.assert_untouched()


CLOSING_ERROR = ["sh", "-c", 'exec "$@" 2>&-', "sh"]


@pytest.mark.parametrize("options", [(), ("--result-queue", "reply-to")])
def test_closed_standard_error_is_refused_where_lines_go_there(bench, options):
    """The message itself has nowhere to go."""
    queue = bench.queue("quorum", b"apple")
    assert run(bench, queue, "tag", *options, prefix=CLOSING_ERROR).status == 74
    queue.assert_untouched()


def test_closed_standard_error_is_no_matter_where_all_lines_go_to_standard_output(bench):
    queue = bench.queue("quorum", b"apple")
    result = run(bench, queue, "json", prefix=CLOSING_ERROR)
    texts = {(line["stream"], line["text"]) for line in objects(result.stdout)}
    assert result.status == 0 and texts == {("stdout", "got apple"), ("stdout", "last"), ("stderr", "oh")}, result


# Readers and processes that misbehave

def test_a_worker_s_end_does_not_wait_for_what_it_left_behind(bench, folder):
    """What is left is in a process group of its own. It keeps the pipes open, and goes on writing."""
    queue = bench.queue("quorum", b"1", b"2", b"3")
    worker = ["sh", "-c", "setsid sh -c 'while echo noise; do sleep 0.2; done' & echo last words"]
    assert b"item-1\tlast words\n" in run(bench, queue, "tag", worker=worker).stdout
    assert "last words" in [line.get("text") for line in objects(run(bench, queue, "json", worker=worker).stdout)]
    assert run(bench, queue, f"{folder}", worker=worker).status == 0
    assert "last words\n" in (folder / "item-1.1.stdout").read_text()
    bench.assert_nothing_left()


def test_a_reader_that_goes_away_costs_no_item(bench):
    queue = bench.queue("quorum", *[b"%d" % number for number in range(5)])
    reader, writer = os.pipe()
    with open(writer, "wb") as theirs:
        worker = ["sh", "-c", "cat; echo; echo more"]
        runner = bench.start("-q", queue.name, "-n", "5", "--output", "tag", worker=worker, stdout=theirs)
    os.read(reader, 8)
    os.close(reader)
    result = runner.finish()
    assert result.status == 0 and result.stderr.count("nobody reads standard output") <= 1, result
    queue.assert_empty()


def test_a_worker_waits_for_a_slow_reader_and_its_item_too(bench):
    """Meanwhile the heartbeats go on, and an item is acked only when its lines are where they belong."""
    queue = bench.queue("quorum", b"apple")
    reader, writer = os.pipe()
    size = 100_000
    with open(reader, "rb") as ours:
        with open(writer, "wb") as theirs:
            worker = python(f"os.write(1, (b'x' * 999 + b'\\n') * {size // 1000})")
            options = ("--output", "tag", "--heartbeat", "3s")
            runner = bench.start("-q", queue.name, *options, worker=worker, stdout=theirs)
        wait_until(lambda: bench.others(), what="a worker")
        wait_until(lambda: not [pid for pid in bench.others() if is_python(pid)], what="the worker's end")
        holds_for(lambda: runner.runs() and queue.depth() == 0, 10, "the runner with its item")
        data = ours.read()
        assert runner.finish().status == 0
    assert data == (b"item-1\t" + b"x" * 999 + b"\n") * (size // 1000)
    queue.assert_empty()


def has_ended(bench, worker):
    """Waits until the worker's process was there and is gone."""
    wait_until(worker.exists, what="the worker's last deed")
    wait_until(lambda: not [pid for pid in bench.others() if is_python(pid)], what="the worker's end")


def late(bench, queue, form, worker, when):
    """Runs a worker whose lines are read only once `when` has returned. Returns the lines."""
    reader, writer = os.pipe()
    with open(reader, "rb") as ours:
        with open(writer, "wb") as theirs:
            runner = bench.start("-q", queue.name, "--output", form, worker=worker, stdout=theirs)
        when()
        with concurrent.futures.ThreadPoolExecutor(1) as executor:
            data = executor.submit(ours.read)
            assert runner.finish().status == 0
    queue.assert_empty()
    return data.result().splitlines()


def test_no_line_of_two_streams_is_dropped_for_a_late_reader(bench):
    """Short lines grow to many times their size, so that one read of one stream takes all the room there is."""
    queue = bench.queue("quorum", b"apple")
    begun = bench.path("begun")
    worker = ["sh", "-c", f'yes "" | head -30000 & yes "" | head -30000 >&2 & touch {begun}; wait']

    def when():
        wait_until(begun.exists, what="a worker")
        holds_for(lambda: True, 1, "the full pipes")

    lines = [json.loads(line)["stream"] for line in late(bench, queue, "json", worker, when)]
    assert (lines.count("stdout"), lines.count("stderr")) == (30_000, 30_000)


def test_a_worker_that_ends_with_an_empty_pipe_while_its_lines_wait(bench):
    """One read takes all that it writes; the lines are too many for the runner's own pipe."""
    queue = bench.queue("quorum", b"apple")
    ending = bench.path("ending")
    worker = python(f"os.write(1, b'\\n' * 16000)\nimport fcntl, termios, struct, time\n"
                    "while fcntl.ioctl(1, termios.FIONREAD, b'    ') != bytes(4): time.sleep(0.01)\n"
                    f"open({str(ending)!r}, 'w').close()")
    assert len(late(bench, queue, "json", worker, lambda: has_ended(bench, ending))) == 16_000


def test_a_killed_worker_whose_lines_nobody_reads_does_not_keep_the_runner(bench):
    queue = bench.queue("quorum", b"apple")
    reader, writer = os.pipe()
    with open(reader, "rb"), open(writer, "wb") as theirs:
        begun = bench.path("begun")
        worker = ["sh", "-c", f"trap '' TERM; head -c 50000 /dev/zero; touch {begun}; exec cat /dev/zero"]
        runner = bench.start(
            "-q", queue.name, "--output", "json", "--grace", "1s", worker=worker, stdout=theirs)
        wait_until(begun.exists, what="a worker that writes")
        runner.send(signal.SIGTERM)
        assert runner.finish(PROMPT).status == 128 + signal.SIGTERM
    queue.assert_back()


def is_python(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().startswith(sys.executable.encode() + b"\0")
    except OSError:
        return False


def test_a_reader_that_never_reads_does_not_keep_a_runner_that_is_told_to_end(bench):
    queue = bench.queue("quorum", b"apple")
    reader, writer = os.pipe()
    with open(reader, "rb"), open(writer, "wb") as theirs:
        worker = python("os.write(1, b'x' * 100000)")
        options = ("--output", "tag", "--grace", "1s")
        runner = bench.start("-q", queue.name, *options, worker=worker, stdout=theirs)
        wait_until(lambda: bench.others(), what="a worker")
        wait_until(lambda: not [pid for pid in bench.others() if is_python(pid)], what="the worker's end")
        runner.send(signal.SIGTERM)
        assert runner.finish(PROMPT).status == 128 + signal.SIGTERM
    queue.assert_back()


@pytest.mark.parametrize("form", ["tag", "json"])
def test_a_worker_that_runs_for_too_long(bench, form):
    queue = bench.queue("quorum", b"apple")
    worker = ["sh", "-c", "echo begun; exec sleep 1000"]
    result = run(bench, queue, form, "--timeout", "1s", worker=worker)
    assert result.status == 124 and b"begun" in result.stdout, result


def test_without_it_the_streams_are_the_runners_own(bench):
    queue = bench.queue("quorum", b"1", b"2")
    paths = ["sh", "-c", "out=$(readlink /proc/$$/fd/1); echo $out >&2; readlink /proc/$$/fd/2 >&2"]
    for options in (), ("--output", "inherit"):
        result = bench.run("-q", queue.name, *options, worker=paths)
        assert [line.rsplit(".", 1)[1] for line in result.lines] == ["stdout", "stderr"], result
