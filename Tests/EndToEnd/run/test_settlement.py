"""What happens to the item, and the exit status. These are the rows of the contract's table where the worker decides."""

import resource

import pytest


def test_success_is_acked(bench, kind):
    queue = bench.queue(kind, b"apple")
    worker = bench.worker("read")
    result = bench.run("-q", queue.name, worker=worker)
    assert result.status == 0, result
    assert worker.runs == 1
    assert worker.events("end-of-input")[0]["length"] == 5
    queue.assert_empty()


def test_success_is_silent(bench):
    queue = bench.queue("quorum", b"apple")
    result = bench.run("-q", queue.name, worker=["echo", "hello"])
    assert (result.status, result.stdout, result.stderr) == (0, b"hello\n", ""), result


@pytest.mark.parametrize("status", [1, 3, 63, 79, 123, 129, 143, 255])
def test_exit_status_of_a_failed_worker_is_passed_on(bench, status):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker(f"exit:{status}")
    assert bench.run("-q", queue.name, worker=worker).status == status
    assert worker.runs == 1
    queue.assert_back()


def test_failed_item_is_given_back_as_it_was(bench, kind):
    queue = bench.queue(kind)
    queue.put(b"apple", message_id="a-1", headers={"color": "red"})
    assert bench.run("-q", queue.name, worker=["false"]).status == 1
    queue.assert_back()
    _, properties, body = queue.take()
    assert body == b"apple"
    assert properties.message_id == "a-1"
    assert properties.headers["color"] == "red"


@pytest.mark.parametrize("status", [64, 65, 66, 69, 74, 75, 76, 77, 78, 124, 125, 126, 127, 128])
def test_the_runners_own_statuses_become_1(bench, status):
    queue = bench.queue("classic", b"apple")
    result = bench.run("-q", queue.name, "-v", worker=["sh", "-c", f"exit {status}"])
    assert result.status == 1, result
    assert str(status) in result.stderr, result
    queue.assert_back()


@pytest.mark.parametrize("status", [75, 127])
def test_raw_status_keeps_them(bench, status):
    queue = bench.queue("classic", b"apple")
    result = bench.run("-q", queue.name, "--raw-status", worker=["sh", "-c", f"exit {status}"])
    assert result.status == status, result
    queue.assert_back()


@pytest.mark.parametrize("name, status", [("KILL", 137), ("TERM", 143), ("SEGV", 139), ("PIPE", 141)])
def test_worker_killed_by_a_signal(bench, name, status):
    queue = bench.queue("quorum", b"apple")
    result = bench.run("-q", queue.name, worker=bench.worker("die:" + name))
    assert result.status == status, result
    queue.assert_back()


def test_command_not_found(bench):
    queue = bench.queue("quorum", b"apple")
    bench.run("-q", queue.name, worker=["no-such-command-here", "x"]).assert_error(
        127, "no-such-command-here", "nothing was taken")
    bench.run("-q", queue.name, worker=["/no/such/command"]).assert_error(127, "/no/such/command")
    queue.assert_untouched()


def test_command_not_executable(bench):
    queue = bench.queue("quorum", b"apple")
    plain = bench.file("plain", "#!/bin/sh\nexit 0\n", mode=0o644)
    bench.run("-q", queue.name, worker=[str(plain)]).assert_error(126, plain)
    bench.run("-q", queue.name, worker=[str(bench.directory)]).assert_error(126, bench.directory)
    queue.assert_untouched()


def test_command_is_checked_before_connecting(bench):
    peer = bench.peer()
    result = bench.run("-q", "any", url=peer.url, worker=["no-such-command-here"])
    result.assert_error(127, "no-such-command-here")
    assert not peer.sessions, "it has connected"


def test_command_whose_interpreter_is_missing(bench):
    queue = bench.queue("quorum", b"apple")
    script = bench.file("script", "#!/no/such/interpreter\n", mode=0o755)
    bench.run("-q", queue.name, worker=[str(script)]).assert_error(127, script, "/no/such/interpreter")
    queue.assert_untouched()


@pytest.mark.any_broker
@pytest.mark.parametrize("first, status, words", [
    ("#!/bin/sh", 127, [r"interpreter /bin/sh\r:", "Windows line endings"]),
    ("#!/usr/bin/env sh", 127, [r"interpreter sh\r:", "Windows line endings"]),
    ("#!/bin/sh -e", 126, [r"-e\r", "Windows line endings"]),
    ("#!", 127, [r"interpreter \r:", "Windows line endings"]),
])
def test_a_script_with_windows_line_ends(bench, links, first, status, words):
    peer = bench.peer()
    script = bench.file("script", first + "\r\nexit 0\r\n", mode=0o755)
    bench.run("-q", "any", url=peer.url, worker=[str(script)]).assert_error(status, script, *words)
    result = bench.run(peer.url, "-q", "any", script, command="-u", url=None, binary=links / "amqp-consume")
    assert result.status == status and words[0] in result.stderr, result
    assert not peer.sessions, "it has connected"


def test_item_too_large_to_start_the_worker(bench):
    """The environment with the item's headers exceeds the limit of exec, which is a quarter of the stack's."""
    queue = bench.queue("quorum")
    queue.put(b"apple", headers={f"large-{n}": "x" * 30000 for n in range(4)})

    def small_stack():
        resource.setrlimit(resource.RLIMIT_STACK, (512 * 1024, resource.getrlimit(resource.RLIMIT_STACK)[1]))

    result = bench.run(
        "-q", queue.name, worker=["true"], env={"FILLER": "x" * 60000}, preexec_fn=small_stack
    )
    assert result.status == 1, result
    assert any(line.startswith("amqp-job: ") for line in result.lines), result
    queue.assert_back()


def test_timeout(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("trap:TERM:0", "hold")  # Exiting 0 on TERM is still a failure.
    result = bench.run("-q", queue.name, "--timeout", "500ms", worker=worker)
    assert result.status == 124, result
    assert [event["name"] for event in worker.events("signal")] == ["TERM"]
    queue.assert_back()


def test_timeout_of_a_worker_that_ignores_term(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("ignore:TERM", "child:inner:ignore:TERM+hold", "hold")
    result = bench.run("-q", queue.name, "--timeout", "500ms", "--grace", "500ms", worker=worker)
    assert result.status == 124, result
    assert worker.child("inner").runs == 1
    bench.assert_nothing_left()
    queue.assert_back()


def test_timeout_leaves_a_quick_worker_alone(bench):
    queue = bench.queue("quorum", b"apple")
    assert bench.run("-q", queue.name, "--timeout", "30s", worker=["true"]).status == 0
    queue.assert_empty()


# Several items


def test_n_items_all_done(bench, kind):
    queue = bench.queue(kind, *[b"%d" % n for n in range(10)])
    worker = bench.worker("read")
    result = bench.run("-q", queue.name, "-n", "3", worker=worker)
    assert result.status == 0, result
    assert worker.runs == 3
    queue.assert_untouched(7)


def test_n_items_with_mixed_results(bench, kind):
    """A failed item does not end a runner that has more to do. The item may be among those that follow."""
    queue = bench.queue(kind, b"good", b"bad", b"good", b"good")
    log = bench.path("log")
    worker = bench.script(f'body=$(cat); echo "$body" >>{log}; [ "$body" = good ]')
    result = bench.run("-q", queue.name, "-n", "3", worker=worker)
    assert result.status == 1, result
    ran = log.read_text().split()
    assert len(ran) == 3 and "bad" in ran, ran
    queue.assert_back(4 - ran.count("good"))
    assert bench.run("-q", queue.name, "-n", "3", "--raw-status", worker=["sh", "-c", "exit 75"]).status == 1


def test_n_with_fewer_items(bench):
    queue = bench.queue("quorum", b"one", b"two")
    worker = bench.worker()
    result = bench.run("-q", queue.name, "-n", "5", "--when-empty", "exit", worker=worker)
    assert result.status == 0, result
    assert worker.runs == 2
    queue.assert_empty()


def test_n_with_fewer_items_of_which_one_fails(bench):
    queue = bench.queue("quorum", b"good", b"bad")
    worker = bench.script('[ "$(cat)" = good ]')
    result = bench.run("-q", queue.name, "-n", "4", "--when-empty", "exit", worker=worker)
    assert result.status == 1, result
    queue.assert_back()


def test_n_items_one_at_a_time(bench):
    """Two items are ready. The second is not taken while the first one's worker runs."""
    queue = bench.queue("quorum", b"one", b"two")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, "-n", "2", worker=worker)
    worker.wait_for("holding")
    assert queue.depth() == 1
    assert queue.consumers() == 1, "the consumer has to stay until the worker has ended"
    worker.go()
    assert runner.finish().status == 0
    assert worker.runs == 2
    queue.assert_empty()
