"""run --step: an item passes the steps in order, and each gets what a worker gets."""

import hashlib
import os
import signal

import pytest

from support.processes import wait_until

pytestmark = pytest.mark.any_broker


def shell(text):
    return ["sh", "-c", text]


def assert_end_with_0(*steps):
    for step in steps:
        result = step.finish()
        assert (result.status, result.stderr) == (0, ""), result


# The order


def test_each_step_s_output_is_the_next_one_s_input(bench, steps, queue):
    queue.put(b"a")
    ended = [steps.start("x", shell("cat; echo x")), steps.start("y", shell("cat; echo y"))]
    result = bench.run("-q", queue.name, *steps.options("x", "y"), worker=shell("cat; echo z"))
    assert (result.status, result.stdout, result.stderr) == (0, b"ax\ny\nz\n", ""), result
    queue.assert_empty()
    assert_end_with_0(*ended)


@pytest.mark.parametrize("command", [None, ["cat"]], ids=["step", "command"])
def test_the_result_is_what_the_last_one_writes(bench, steps, queue, command):
    queue.put(b"a")
    results = bench.queue("classic")
    ended = [steps.start("x", shell("cat; echo x")), steps.start("y", shell("cat; echo y"))]
    options = (*steps.options("x", "y"), "--result-queue", results.name)
    assert bench.run("-q", queue.name, *options, worker=command).status == 0
    assert [body for _, _, body in results.take_all()] == [b"ax\ny\n"]
    assert_end_with_0(*ended)


def test_a_step_that_fails_has_an_empty_result(bench, steps):
    queue, results = bench.work_queue("quorum", b"a"), bench.queue("classic")
    ended = steps.start("x", shell("echo x; exit 3"))
    options = (*steps.options("x"), "--result-queue", results.name, "--max-attempts", "1")
    assert bench.run("-q", queue.name, *options).status == 3
    [(_, properties, body)] = results.take_all()
    assert body == b"" and properties.headers["x-amqp-job-status"] == 3
    assert_end_with_0(ended)


def test_without_a_command_the_output_of_the_last_step_is_its_own(bench, steps, queue):
    queue.put(b"a")
    first, last = steps.start("x", shell("cat; echo x")), steps.start("y", shell("cat; echo y >&2; echo y"))
    result = bench.run("-q", queue.name, *steps.options("x", "y"))
    assert (result.status, result.stdout, result.stderr) == (0, b"", ""), result
    assert first.finish().stdout == b""
    result = last.finish()
    assert (result.status, result.stdout, result.stderr) == (0, b"ax\ny\n", "y\n")
    queue.assert_empty()


def test_a_step_begins_when_the_one_before_it_has_exited_0(bench, steps, queue):
    queue.put(b"a")
    first, second = bench.worker("echo:early", "hold"), bench.worker()
    steps.start("x", first)
    steps.start("y", second)
    runner = bench.start("-q", queue.name, *steps.options("x", "y"))
    first.wait_for("holding")
    assert not second.has("start")
    first.go()
    assert runner.finish().status == 0
    assert second.runs == 1


def test_the_order_is_that_of_the_options(bench, steps, queue):
    queue.put(b"a")
    for name in "xyz":
        steps.start(name, shell(f"cat; printf {name}"))
    result = bench.run("-q", queue.name, *steps.options("z", "x", "y", "z"), worker=["cat"])
    assert (result.status, result.stdout) == (0, b"azxyz"), result


def test_a_step_may_be_named_by_its_path(bench, steps, queue):
    queue.put(b"a")
    steps.start("x", shell("cat; echo x"))
    result = bench.run("-q", queue.name, "--step", steps.socket("x"), worker=["cat"])
    assert (result.status, result.stdout) == (0, b"ax\n"), result


def test_many_items_at_once(bench, steps, queue):
    queue.put(*[b"%d" % number for number in range(40)])
    ended = [steps.start(name, shell(f"sleep 0.05; cat; printf {name}")) for name in "xy"]
    result = bench.run("-q", queue.name, "-n", "40", "-j", "4", *steps.options("x", "y"), worker=shell('echo "$(cat)"'))
    assert result.status == 0, result
    assert sorted(result.stdout.split()) == sorted(b"%dxy" % number for number in range(40))
    queue.assert_empty()
    assert_end_with_0(*ended)


def test_j_items_are_in_the_steps_at_once(bench, steps, queue):
    queue.put(b"1", b"2", b"3", b"4", b"5")
    worker = bench.worker("hold")
    steps.start("x", worker)
    runner = bench.start("-q", queue.name, "-n", "5", "-j", "4", *steps.options("x"))
    worker.wait_for("holding", count=4)
    assert worker.runs == 4 and queue.depth() == 1
    worker.go()
    assert runner.finish().status == 0


# The streams


@pytest.mark.parametrize("length", [0, 1, 65536, 5 << 20])
def test_byte_for_byte(bench, steps, queue, length):
    body = os.urandom(length)
    queue.put(body)
    first, last = bench.worker("read"), bench.worker("read")
    steps.start("tee", shell('tee "$HOME/seen"'))
    steps.start("cat", ["cat"])
    runner = bench.run("-q", queue.name, *steps.options("tee", "cat"), worker=last)
    assert runner.status == 0, runner
    assert bench.path("seen").read_bytes() == body
    (end,) = last.events("end-of-input")
    assert (end["length"], end["sha256"]) == (length, hashlib.sha256(body).hexdigest())
    assert not first.has("start")


def test_nul_and_other_bytes(bench, steps, queue):
    body = b"\0\0a\n\xff\0" + bytes(range(256))
    queue.put(body)
    steps.start("x", ["cat"])
    result = bench.run("-q", queue.name, *steps.options("x"), worker=["cat"])
    assert (result.status, result.stdout) == (0, body), result


def test_a_step_that_reads_nothing(bench, steps, queue):
    queue.put(os.urandom(3_000_000))
    steps.start("x", shell("echo done"))
    result = bench.run("-q", queue.name, *steps.options("x"), worker=["cat"])
    assert (result.status, result.stdout, result.stderr) == (0, b"done\n", ""), result
    queue.assert_empty()


def test_output_that_nobody_reads(bench, steps, queue):
    queue.put(b"a")
    ended = steps.start("x", shell("head -c 3000000 /dev/zero"))
    result = bench.run("-q", queue.name, *steps.options("x"), worker=["true"])
    assert (result.status, result.stderr) == (0, ""), result
    queue.assert_empty()
    assert_end_with_0(ended)


def test_streams_that_are_opened_again(bench, steps, queue):
    """A program may be told to read /dev/stdin and to write to /dev/stdout."""
    large = os.urandom(2 << 20)
    for body in b"small", large:
        queue.put(body)
        steps.start("x", ["cp", "/dev/stdin", "/dev/stdout"])
        result = bench.run("-q", queue.name, *steps.options("x"), worker=["cat"])
        assert result.status == 0 and result.stdout == body, (result.status, result.stderr)


# The environment


def test_the_variables_of_the_item_are_beside_the_container_s_own(bench, steps, queue):
    queue.put(b"a", message_id="7", headers={"colour": "red", "traceparent": "00-1-2-01"})
    worker, last = bench.worker(), bench.worker()
    steps.start("x", worker, env={"OWN": "step", "WORK_ITEM_ID": "stale", "TRACEPARENT": "stale"})
    settings = {"OWN": "runner", "RUNNERS": "1"}
    assert bench.run("-q", queue.name, *steps.options("x"), worker=last, env=settings).status == 0
    seen = worker.environment
    assert seen["OWN"] == "step" and "RUNNERS" not in seen
    expected = {
        "WORK_ITEM_ID": "7", "WORK_ITEM_ATTEMPT": "1", "WORK_ITEM_QUEUE": queue.name, "WORK_ITEM_HEADER_COLOUR": "red",
        "TRACEPARENT": "00-1-2-01"}
    assert {name: seen.get(name) for name in expected} == expected
    items = {name: value for name, value in seen.items() if name.startswith("WORK_ITEM_")}
    assert items == {name: value for name, value in last.environment.items() if name.startswith("WORK_ITEM_")}


def test_a_step_s_worker_sees_no_credentials(bench, steps, queue):
    """Neither those of the runner, nor a setting that stands in its own container."""
    queue.put(b"a")
    worker = bench.worker()
    secrets = {"AMQP_URL": bench.broker.url, "AMQP_PASSWORD": "secret", "BROKER_URL": bench.broker.url}
    steps.start("x", worker, env={"AMQP_JOB_GRACE": "5s", **secrets})
    assert bench.run("-q", queue.name, *steps.options("x"), url=None, env=secrets).status == 0
    assert [name for name in worker.environment if name.startswith("AMQP_") or "URL" in name] == []


def test_a_step_s_worker_starts_with_a_clean_slate(bench, steps, queue):
    queue.put(b"a")
    worker = bench.worker("hold")
    step = steps.start("x", worker)
    runner = bench.start("-q", queue.name, *steps.options("x"), "--keep-stderr", "1KiB", worker=["cat"])
    start = worker.wait_for("holding") and worker.start
    assert sorted(start["descriptors"]) == [0, 1, 2]
    assert start["group"] == start["pid"] and start["parent"] == step.pid
    worker.go()
    assert runner.finish().status == 0


def test_what_a_step_s_worker_leaves_in_its_group_is_ended(bench, steps, queue):
    queue.put(b"a")
    steps.start("x", shell("sleep 1000 & exit 0"))
    assert bench.run("-q", queue.name, *steps.options("x")).status == 0
    bench.assert_nothing_left()


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGQUIT])
def test_signals_reach_the_step_s_worker(bench, steps, queue, number):
    queue.put(b"a")
    name = signal.Signals(number).name.removeprefix("SIG")
    worker = bench.worker(f"trap:{name}", f"wait-for:{name}")
    steps.start("x", worker)
    runner = bench.start("-q", queue.name, *steps.options("x"))
    worker.wait_for("holding")
    runner.send(number)
    assert runner.finish().status == 0


def test_a_job_s_end_ends_its_steps(bench, steps, queue):
    """However the runner ends, unless it is killed."""
    queue.put(b"a")
    for options, status in ((), 0), (("--when-empty", "exit"), 0), (("-n", "0", "--when-empty", "exit"), 64):
        ended = steps.start("x", ["cat"])
        result = bench.run("-q", queue.name, *options, *steps.options("x"))
        assert result.status == status, result
        if status == 64:  # This runner has not begun.
            ended.send(signal.SIGTERM)
        assert_end_with_0(ended)
    wait_until(lambda: os.listdir(steps.directory) == [], what="an empty directory")


def test_the_end_of_no_worker_is_missed(bench, steps, queue):
    """Workers end all the time while the step reads what the runner says."""
    queue.put(*[b"a"] * 600)
    steps.start("copy", ["cat"])
    runner = bench.start("-q", queue.name, "-n", "600", "-j", "8", "--quiet", *steps.options("copy"))
    result = runner.finish(120)
    assert result.status == 0, result
