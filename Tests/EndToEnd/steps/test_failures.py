"""run --step: an item fails in a step."""

import json
import os
import signal

import pytest

from support.dead_letters import dead
from support import processes
from support.processes import CAN_ISOLATE, PYTHON

pytestmark = pytest.mark.any_broker

ONCE = ("--max-attempts", "1")


def shell(text):
    return ["sh", "-c", text]


@pytest.mark.parametrize("end, status, words", [
    ("exit 3", 3, "exited with 3"), ("exit 77", 1, "exited with 77"), ("kill -KILL $$", 137, "was killed by KILL"),
])
def test_a_step_s_failure_is_the_attempt_s(bench, steps, queue, end, status, words):
    queue.put(b"a")
    worker, ended = bench.worker(), steps.start("blur", shell(end))
    result = bench.run("-q", queue.name, *steps.options("blur"), worker=worker)
    result.assert_error(status, f"step 'blur' {words}", "attempt 1,", "comes back in 10s")
    assert not worker.has("start")
    assert ended.finish().status == 0
    queue.retry.assert_back()


def test_the_status_of_a_step_is_kept_on_request(bench, steps, queue):
    queue.put(b"a")
    steps.start("blur", shell("exit 77"))
    result = bench.run("-q", queue.name, "--raw-status", *steps.options("blur"))
    assert result.status == 77, result


def test_the_command_s_failure_is_none_of_a_step(bench, steps, queue):
    queue.put(b"a")
    steps.start("blur", ["cat"])
    result = bench.run("-q", queue.name, *ONCE, *steps.options("blur"), worker=shell("exit 4"))
    result.assert_error(4, "the worker exited with 4", "dead-lettered")
    assert "x-amqp-job-step" not in queue.dead.take()[1].headers


def test_the_dead_letter_names_the_step(bench, steps, queue):
    queue.put(b"a", message_id="7")
    steps.start("detect", shell("cat; echo more"))
    steps.start("blur", shell("cat >/dev/null; exit 3"))
    result = bench.run("-q", queue.name, *ONCE, *steps.options("detect", "blur"), worker=["cat"])
    result.assert_error(3, "item 7", "step 'blur' exited with 3", "dead-lettered")
    (item,) = map(json.loads, dead(bench, "list", queue.name, "--json").stdout.splitlines())
    assert (item["step"], item["status"], item["reason"]) == ("blur", 3, "failed")
    assert json.loads(dead(bench, "show", queue.name, "--position", "1", "--json").stdout)["step"] == "blur"
    # The item is as it came to the first step.
    assert dead(bench, "show", queue.name, "--position", "1").stdout == b"a"


def test_a_replayed_item_names_no_step(bench, steps, queue):
    queue.put(b"a")
    steps.start("blur", shell("exit 3"))
    bench.run("-q", queue.name, *ONCE, *steps.options("blur"))
    assert dead(bench, "replay", queue.name).status == 0
    headers = queue.take()[1].headers or {}
    assert not [name for name in headers if "step" in name], headers


def test_an_item_without_attempts_tells_in_which_step_the_last_one_failed(bench, steps, queue):
    queue.put(b"a")
    steps.start("blur", shell("exit 3"))
    bench.run("-q", queue.name, "--retry-delay", "0", *steps.options("blur"))
    result = bench.run("-q", queue.name, *ONCE, worker=["true"])
    result.assert_error(1, "at the last one step 'blur' exited with 3")


def test_a_json_line_names_the_step(bench, steps, queue):
    queue.put(b"a")
    steps.start("blur", shell("exit 3"))
    result = bench.run("-q", queue.name, "--log-format", "json", *steps.options("blur"))
    (line,) = [each for each in map(json.loads, result.lines) if "settlement" in each]
    assert (line["step"], line["status"], line["settlement"]) == ("blur", 3, "retried")


def test_a_status_that_rejects(bench, steps, queue):
    queue.put(b"a")
    steps.start("blur", shell("exit 2"))
    bench.run("-q", queue.name, "--reject-on", "2", *steps.options("blur")).assert_error(2, "step 'blur'", "dead-lettered")
    assert queue.dead.take()[1].headers["x-amqp-job-reason"] == "rejected"


@pytest.mark.parametrize("name", ["detect", "blur"])
def test_the_end_of_a_step_s_standard_error_is_kept(bench, steps, queue, name):
    queue.put(b"a")
    for each in "detect", "blur":
        text = f"echo no face in {each} >&2; exit 3" if each == name else f"echo fine in {each} >&2"
        steps.start(each, shell(text))
    result = bench.run("-q", queue.name, *ONCE, "--keep-stderr", "1KiB", *steps.options("detect", "blur"))
    assert result.status == 3 and f"no face in {name}\n" in result.stderr, result
    headers = queue.dead.take()[1].headers
    assert headers["x-amqp-job-stderr"] == f"no face in {name}\n"


def test_without_it_a_step_s_standard_error_is_its_container_s(bench, steps, queue):
    queue.put(b"a")
    step = steps.start("blur", shell("echo fine >&2"))
    assert bench.run("-q", queue.name, *steps.options("blur")).stderr == ""
    assert step.finish().stderr == "fine\n"


@pytest.mark.skipif(not CAN_ISOLATE, reason="namespaces are not to be had here")
def test_the_termination_message_names_the_step(bench, steps, queue):
    queue.put(b"a")
    steps.start("blur", shell("exit 3"))
    copy = bench.path("termination-log")
    isolate = [PYTHON, "-IS", str(processes.HERE / "isolate.py"), "termination-log", str(copy)]
    result = bench.run("-q", queue.name, *steps.options("blur"), prefix=isolate)
    assert result.status == 3, result
    assert "step 'blur' exited with 3" in copy.read_text()


def test_a_worker_that_cannot_be_started_with_this_item(bench, steps, queue):
    """The arguments and the environment of one program have a limit, which the stack's size sets."""
    queue.put(b"a", headers={f"h{number}": "x" * 30_000 for number in range(4)})
    limited = ["sh", "-c", 'ulimit -s 256; exec "$@"', "sh"]
    ended = steps.start("blur", ["true"], prefix=limited, env={"OWN": "x" * 60_000})
    result = bench.run("-q", queue.name, *ONCE, *steps.options("blur"))
    result.assert_error(1, "step 'blur'", "too long", "dead-lettered")
    assert ended.finish().status == 0


def test_a_command_that_is_gone(bench, steps, queue):
    """No attempt is counted, as with a command of the runner's own."""
    queue.put(b"a")
    program = bench.file("program", "#!/bin/sh\nexit 0\n", mode=0o755)
    steps.start("blur", [str(program)])
    program.unlink()
    result = bench.run("-q", queue.name, *steps.options("blur"))
    result.assert_error(127, "step 'blur'", "goes back as it was")
    queue.put(b"b")
    result = bench.run("-q", queue.name, "-n", "2", worker=shell("echo $WORK_ITEM_ATTEMPT"))
    assert result.stdout == b"1\n1\n", result


@pytest.mark.parametrize("words, status", [
    (["no-such-program"], 127), (["no-such-program", "--", "true"], 127), (["/etc/passwd"], 126),
])
def test_a_step_whose_command_is_not_there_ends_at_once(bench, steps, words, status):
    result = steps.start("blur", words).finish()
    result.assert_error(status, words[0])
    assert "taken" not in result.stderr and "-q" not in result.stderr
    assert os.listdir(steps.directory) == []


def test_an_output_that_finds_no_room(bench, steps, queue):
    """The worker of the step is told, and the next step gets nothing."""
    queue.put(b"a")
    worker = bench.worker()
    # The limit holds for the step's worker, too. SIGXFSZ is ignored, so that the write fails.
    limited = ["sh", "-c", 'trap "" XFSZ; ulimit -f 8; exec "$@"', "sh"]
    steps.start("blur", shell("head -c 100000 /dev/zero"), prefix=limited)
    result = bench.run("-q", queue.name, *steps.options("blur"), worker=worker)
    result.assert_error(1, "step 'blur' exited with 1")
    assert not worker.has("start")


def test_no_directory_for_outputs(bench, steps, queue):
    """The output of a step is kept in a file, however small it is."""
    queue.put(b"a")
    _, second = [steps.start(name, ["cat"]) for name in "xy"]
    missing = bench.path("missing")
    settings = {"TMPDIR": str(missing), "AMQP_JOB_SPOOL_ABOVE": "512MiB"}
    for arguments in [*steps.options("x", "y")], [*steps.options("x"), "--", "cat"]:
        result = bench.run("-q", queue.name, *arguments, env=settings)
        result.assert_error(74, missing, "TMPDIR", "nothing was taken")
    # The only step's output is its own.
    assert bench.run("-q", queue.name, *steps.options("x"), env=settings).status == 0
    second.send(signal.SIGTERM)


def test_a_directory_for_outputs_that_goes_away(bench, steps, queue):
    """This item goes back uncounted, as one that cannot be stored."""
    directory = bench.path("spool")
    directory.mkdir()
    for name in "xy":
        steps.start(name, ["cat"])
    runner = bench.start("-q", queue.name, "--spool-dir", directory, *steps.options("x", "y"))
    queue.wait_for_consumer()
    directory.rmdir()
    queue.put(b"a")
    runner.finish().assert_error(74, "step 'x'", directory, "goes back as it was")
    assert bench.run("-q", queue.name, worker=shell("echo $WORK_ITEM_ATTEMPT")).stdout == b"1\n"


def test_a_step_that_fails_leaves_nothing_running(bench, steps, queue):
    queue.put(b"a")
    steps.start("blur", shell("sleep 1000 & exit 3"))
    assert bench.run("-q", queue.name, *steps.options("blur")).status == 3
    bench.assert_nothing_left()


def test_several_items_go_on_after_one_that_fails(bench, steps, queue):
    queue.put(b"1", b"2", b"3")
    steps.start("blur", shell('read n; [ "$n" != 2 ] || kill -TERM $$; echo "$n"'))
    result = bench.run("-q", queue.name, "-n", "3", *ONCE, *steps.options("blur"), worker=["cat"])
    assert (result.status, result.stdout) == (1, b"1\n3\n"), result
    assert queue.dead.take()[1].headers["x-amqp-job-signal"] == signal.Signals.SIGTERM.name.removeprefix("SIG")
