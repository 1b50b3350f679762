"""`run --feed file` and `run --feed arg`: the item in a named file, or in the worker's arguments."""

import os
import signal

import pytest

from support.processes import CAN_ISOLATE

pytestmark = pytest.mark.any_broker

BODIES = {
    "text": b"apple",
    "empty": b"",
    "bytes": bytes(range(256)) * 3 + b"\n",
    "large": os.urandom(1 << 20) * 3,
}


@pytest.fixture
def spool(bench):
    path = bench.path("spool")
    path.mkdir()
    return path


def run(bench, queue, feed, worker, *arguments, **options):
    return bench.run("-q", queue.name, "--feed", feed, *arguments, worker=worker, **options)


# file


@pytest.mark.parametrize("name", BODIES)
def test_feed_file(bench, spool, name):
    queue = bench.queue("quorum", BODIES[name])
    seen = bench.path("seen")
    worker = bench.script(
        f'exec >{seen}-facts; cat "$WORK_ITEM_FILE" >{seen}; readlink /proc/$$/fd/0\n'
        'cat | wc -c; stat -c %a "$WORK_ITEM_FILE"; echo "$WORK_ITEM_FILE"\n'
    )
    result = run(bench, queue, "file", worker, "--spool-dir", spool)
    assert (result.status, result.stderr) == (0, ""), result
    assert seen.read_bytes() == BODIES[name]
    stdin, size, mode, path = open(f"{seen}-facts").read().splitlines()
    assert (stdin, size, mode) == ("/dev/null", "0", "400")
    assert os.path.dirname(path) == str(spool)
    assert list(spool.iterdir()) == []
    queue.assert_empty()


def test_each_of_many_workers_has_a_file_of_its_own(bench, spool):
    bodies = [f"item {number}".encode() for number in range(30)]
    queue = bench.queue("quorum", *bodies)
    seen = bench.path("seen")
    seen.mkdir()
    worker = bench.script(f'cat "$WORK_ITEM_FILE" >{seen}/$$\n')
    result = run(bench, queue, "file", worker, "-n", "30", "-j", "4", "--spool-dir", spool)
    assert result.status == 0, result
    assert sorted(path.read_bytes() for path in seen.iterdir()) == sorted(bodies)
    assert list(spool.iterdir()) == []


@pytest.mark.skipif(not CAN_ISOLATE, reason="needs a mount of its own")
def test_a_large_item_is_stored_once(bench, spool):
    """There is room for one copy only."""
    queue = bench.queue("quorum", b"x" * 3_000_000)
    small = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o size=4m none {spool}; exec "$@"', "sh"]
    worker = bench.script('test "$(wc -c <"$WORK_ITEM_FILE")" = 3000000\n')
    result = run(bench, queue, "file", worker, "--spool-dir", spool, prefix=small)
    assert result.status == 0, result


@pytest.mark.parametrize("size", [10, 3_000_000])
@pytest.mark.parametrize(
    "deed",
    ["exit 3", 'mv "$WORK_ITEM_FILE" "$0.moved"', 'rm "$WORK_ITEM_FILE"', 'rm "$WORK_ITEM_FILE"; touch "$WORK_ITEM_FILE"'],
)
def test_the_file_is_gone_after_the_worker(bench, spool, size, deed):
    queue = bench.queue("quorum", b"x" * size)
    result = run(bench, queue, "file", bench.script(deed + "\n"), "--spool-dir", spool)
    assert result.status == (3 if "exit" in deed else 0), result
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("name", ["TERM", "KILL"])
def test_the_file_of_a_worker_that_is_interrupted(bench, spool, name):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, "--feed", "file", "--spool-dir", spool, worker=worker)
    worker.wait_for("holding")
    assert [path.read_bytes() for path in spool.iterdir()] == [b"apple"]
    assert worker.environment["WORK_ITEM_FILE"] == str(next(spool.iterdir()))
    runner.send(getattr(signal, "SIG" + name))
    runner.finish()
    queue.assert_back()
    left = [path.name[:9] for path in spool.iterdir()]
    assert left == ([] if name == "TERM" else ["amqp-job-"]), "only a killed runner leaves it"


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_what_a_worker_does_to_the_file_is_not_done_to_the_item(bench, spool, size):
    """The next attempt gets the item unchanged."""
    body = os.urandom(size)
    queue = bench.work_queue("quorum", body)
    vandal = bench.script('chmod 600 "$WORK_ITEM_FILE"; echo mine 1<>"$WORK_ITEM_FILE"; exit 1\n')
    result = run(bench, queue, "file", vandal, "--spool-dir", spool, "--retry-delay", "100ms")
    assert result.status == 1 and "Input/output error" not in result.stderr, result
    assert ("the file with its body was changed" in result.stderr) == (size > 1 << 20), result
    seen = bench.path("seen")
    worker = bench.script(f'cat "$WORK_ITEM_FILE" >{seen}; exit $((2 - WORK_ITEM_ATTEMPT))\n')
    result = run(bench, queue, "file", worker, "--spool-dir", spool)
    assert result.status == 0, result
    assert seen.read_bytes() == body
    assert list(spool.iterdir()) == []


def test_an_unwanted_item_leaves_no_file(bench, spool):
    """A runner that probes whether the queue is drained may get more than one item."""
    queue = bench.work_queue("quorum", *[b"apple"] * 20)
    runners = [
        bench.start("-q", queue.name, "--drain", "--feed", "file", "--spool-dir", spool, worker=["true"]) for _ in range(3)
    ]
    assert [runner.finish(60).status for runner in runners] == [0, 0, 0]
    assert list(spool.iterdir()) == []


# arg


def arguments_seen(bench, queue, *words, options=()):
    """The arguments that a worker got for these words, as bytes."""
    seen = bench.path("seen")
    worker = bench.script(f'for word; do printf "%s\\0" "$word"; done >{seen}; readlink /proc/$$/fd/0 >{seen}-stdin\n')
    result = run(bench, queue, "arg", [*worker, *words], *options)
    assert (result.status, result.stderr) == (0, ""), result
    assert open(f"{seen}-stdin").read() == "/dev/null\n"
    queue.assert_empty()
    return seen.read_bytes().split(b"\0")[:-1]


def test_feed_arg(bench):
    queue = bench.queue("quorum", b"a b\n*")
    seen = arguments_seen(bench, queue, "{}", "-o", "{}.png", "--sizes={},{}", "{", "")
    assert seen == [b"a b\n*", b"-o", b"a b\n*.png", b"--sizes=a b\n*,a b\n*", b"{", b""]


@pytest.mark.parametrize(
    "body", [b"", bytes(range(1, 256)), b"--help", b"{}", b"x" * 100_000], ids=["empty", "bytes", "option", "{}", "long"]
)
@pytest.mark.parametrize("options", [(), ("--spool-above", "1KiB")], ids=["memory", "spool"])
def test_feed_arg_byte_for_byte(bench, body, options):
    assert arguments_seen(bench, bench.queue("quorum", body), "<{}>", options=options) == [b"<" + body + b">"]


def test_feed_arg_to_a_script_without_a_first_line(bench):
    queue = bench.queue("quorum", b"apple")
    seen = bench.path("seen")
    script = bench.file("script", f'printf %s "$1" >{seen}\n', mode=0o755)
    assert run(bench, queue, "arg", [str(script), "{}"]).status == 0
    assert seen.read_bytes() == b"apple"


@pytest.mark.parametrize(
    "body, words",
    [(b"a\0b", ["NUL"]), (b"x" * 200_000, ["too long"]), (b"x" * 3_000_000, ["too long"])],
    ids=["NUL", "too long", "too long and spooled"],
)
def test_an_item_that_is_no_argument(bench, body, words):
    """This counts as a failure of the worker, because no runner will ever be able to start it."""
    queue = bench.work_queue("quorum", body)
    result = run(bench, queue, "arg", ["true", "{}"], "--max-attempts", "1")
    result.assert_error(1, queue.name, "could not be started", *words)
    queue.dead.assert_back()
    _, properties, dead = queue.dead.take()
    assert dead == body
    assert properties.headers["x-amqp-job-reason"] == "not started"


def test_arguments_that_are_too_long_together(bench):
    queue = bench.queue("quorum", b"x" * 100_000)
    run(bench, queue, "arg", ["true", *["{}"] * 30]).assert_error(1, queue.name, "too long")
    queue.assert_back()


@pytest.mark.parametrize("command", [["true"], ["true", "{", "}"], ["true", "{ }"]])
def test_no_place_for_the_item(bench, command):
    queue = bench.queue("quorum", b"apple")
    run(bench, queue, "arg", command).assert_error(64, "--feed", "{}")
    queue.assert_untouched()


def test_braces_are_the_workers_own_otherwise(bench):
    queue = bench.queue("quorum", b"apple", b"pear")
    for feed in "stdin", "file":
        result = run(bench, queue, feed, bench.script('test "$1" = "{}"\n') + ["{}"])
        assert result.status == 0, result


def test_feed_from_the_environment(bench):
    queue = bench.queue("quorum", b"apple")
    result = bench.run("-q", queue.name, env={"AMQP_JOB_FEED": "arg"}, worker=["test", "{}", "=", "apple"])
    assert result.status == 0, result
