"""`amqp-job lead`: who leads, what runs, and how it ends."""

import json
import os
import signal

import pytest

from support.election import alive
from support.processes import PROMPT, holds_for, is_alive, wait_until


def test_one_of_three_runs_the_command_and_the_others_know_which(election):
    names = ["pod-a", "pod-b", "pod-c"]
    for name in names:
        election.start(name, "--log-format", "json")
    run = election.witness.wait_for(1)
    assert run.epoch == 1
    leads = lambda name: '"leading, epoch 1"' in election.candidates[name].stderr  # noqa: E731
    (leader,) = wait_until(lambda: [name for name in names if leads(name)], what="the leader's line")
    for name in set(names) - {leader}:
        wait_until(lambda: f"'{leader}' leads, epoch 1" in election.candidates[name].stderr, what="the news of the leader")
        lines = [json.loads(line) for line in election.candidates[name].stderr.splitlines()]
        assert {line.get("epoch") for line in lines} == {None, 1}
    assert len(election.witness.runs) == 1
    election.end()


def test_the_next_leader_begins_within_a_second_of_a_clean_end(election):
    first = election.start_leader("pod-a")
    second = election.start_standby("pod-b", "pod-a")
    first.send(signal.SIGTERM)
    assert first.finish().status == 0
    run = election.witness.wait_for(2, timeout=PROMPT)
    assert run.start - election.witness.runs[0].end < election.lease / 2, "the lease was waited for"
    assert run.epoch == 2 and "has not let go" not in second.stderr
    election.end()


def test_after_a_crash_the_lease_is_waited_for(election):
    first = election.start_leader("pod-a")
    second = election.start_standby("pod-b", "pod-a")
    first.send(signal.SIGKILL)
    first.finish()
    run = election.witness.wait_for(2)
    waited = run.start - election.witness.runs[0].end
    assert election.lease - 1 < waited < election.lease + PROMPT and run.epoch == 2
    assert "'pod-a' has not let go of epoch 1" in second.stderr
    assert not alive(election.witness.runs[0])
    election.end()


@pytest.mark.parametrize("status, options, expected", [
    (0, (), 0), (3, (), 3), (69, (), 1), (69, ("--raw-status",), 69),
])
def test_the_end_of_the_command_is_that_of_the_candidate(election, status, options, expected):
    election.lease = 3
    result = election.start("pod-a", *options, steps=[f"exit:{status}"]).finish()
    assert result.status == expected, result
    assert (f"the command exited with {status}" in result.stderr) == (status != 0)
    # It has let go.
    result = election.start("pod-b", steps=["exit:0"]).finish()
    assert result.status == 0 and "waiting" not in result.stderr
    election.end()


def test_a_command_that_cannot_be_started_is_refused_before_anything_else(election):
    result = election.start("pod-a", worker=["no-such-command", "--", "true"]).finish()
    result.assert_error(127, "command not found: no-such-command")
    # There are no items here, and no queue.
    assert "taken" not in result.stderr and "-q" not in result.stderr
    script = election.bench.file("script", "#!/no/such/interpreter\n", mode=0o755)
    election.start("pod-a", worker=[str(script)]).finish().assert_error(127, "/no/such/interpreter")
    assert not election.queue.exists()


def test_signals_reach_the_command(election):
    worker = election.bench.worker("trap:HUP", "trap:USR1", "trap:TERM:7", "hold")
    candidate = election.start("pod-a", worker=worker)
    worker.wait_for("holding")
    candidate.send(signal.SIGUSR1)
    worker.wait_for("signal")
    candidate.send(signal.SIGTERM)
    assert candidate.finish().status == 0
    assert [event["name"] for event in worker.events("signal")] == ["USR1", "TERM"]


def test_term_ends_a_standby_at_once(election):
    election.start_leader("pod-a")
    standby = election.start_standby("pod-b", "pod-a")
    standby.send(signal.SIGTERM)
    assert standby.finish(PROMPT).status == 0
    holds_for(lambda: alive(election.witness.runs[0]), 0.5, "the leader's command")
    election.end()


def test_term_ends_a_candidate_that_waits_for_a_lease(election):
    election.lease = 60
    candidate = election.start("pod-a")
    wait_until(lambda: "waiting 60s" in candidate.stderr, what="the wait")
    candidate.send(signal.SIGTERM)
    assert candidate.finish(PROMPT).status == 0 and not election.witness.runs


def test_a_second_term_kills(election):
    worker = election.bench.worker("trap:TERM", "hold")
    election.lease = 12
    candidate = election.start("pod-a", "--grace", "6s", worker=worker)
    worker.wait_for("holding")
    candidate.send(signal.SIGTERM)
    worker.wait_for("signal")
    # One that comes within a second counts as a repetition.
    wait_until(lambda: candidate.send(signal.SIGTERM) or not candidate.runs(), timeout=5, what="the end of the candidate")
    assert candidate.finish().status == 0


def test_the_command_s_environment_and_input(election):
    worker = election.bench.worker("read", "exit:0")
    candidate = election.start("pod-a", worker=worker, env={"LEADER_EPOCH": "99", "AMQP_JOB_QUIET": "false", "KEPT": "yes"})
    assert candidate.finish().status == 0
    seen = worker.environment
    assert (seen["LEADER_EPOCH"], seen["KEPT"]) == ("1", "yes")
    assert not [name for name in seen if name.startswith("AMQP_")]
    assert worker.wait_for("end-of-input")["length"] == 0


def test_what_the_command_leaves_running_ends_with_it(election):
    worker = election.bench.worker("child:x:hold", "exit:0")
    assert election.start("pod-a", worker=worker).finish().status == 0
    child = worker.wait_for("child")["child"]
    wait_until(lambda: not is_alive(child), what="the end of what was left")


@pytest.mark.parametrize("variables, expected", [
    ({"POD_NAME": "a", "MY_POD_NAME": "b", "HOSTNAME": "c"}, "a"), ({"MY_POD_NAME": "b", "HOSTNAME": "c"}, "b"),
    ({"HOSTNAME": "c"}, "c"), ({}, os.uname().nodename),
])
def test_the_name_of_a_candidate(election, variables, expected):
    candidate = election.bench.start("--election", election.name, "-v", command="lead", worker=["cat"], env=variables)
    wait_until(lambda: f"candidate '{expected}'" in candidate.stderr, what="the candidate's name")
    candidate.send(signal.SIGTERM)
    assert candidate.finish().status == 0


# The leader file


def test_the_leader_file_is_there_while_the_candidate_leads(election):
    path = election.bench.path("leader")
    candidate = election.start("pod-a", "--leader-file", path, worker=None)
    wait_until(path.exists, what="the leader file")
    assert json.loads(path.read_text()) == {"name": "pod-a", "epoch": 1, "isLeader": True}
    other = election.bench.path("other")
    election.start_standby("pod-b", "pod-a", "--leader-file", other, worker=None)
    assert path.exists() and not other.exists()
    candidate.send(signal.SIGTERM)
    assert candidate.finish().status == 0 and not path.exists()
    wait_until(other.exists, what="the leader file of the successor")
    election.end()


def test_the_leader_file_goes_when_the_candidate_is_killed(election):
    path = election.bench.path("leader")
    candidate = election.start("pod-a", "--leader-file", path, worker=None)
    wait_until(path.exists, what="the leader file")
    candidate.send(signal.SIGKILL)
    candidate.finish()
    wait_until(lambda: not path.exists(), what="no leader file")


def test_a_leader_file_of_an_earlier_process_is_removed(election):
    path = election.bench.file("leader", '{"name":"pod-a","epoch":4,"isLeader":true}\n')
    election.start("pod-a", "--leader-file", path, worker=None)
    wait_until(lambda: not path.exists(), what="no leader file")
    election.end()


def test_another_file_is_not_taken_for_a_leader_file(election):
    path = election.bench.file("precious", "do not touch\n")
    election.start("pod-a", "--leader-file", path).finish().assert_error(74, path)
    link = election.bench.path("link")
    link.symlink_to(path)
    election.start("pod-a", "--leader-file", link).finish().assert_error(74, link, "symbolic link")
    missing = election.bench.path("no/leader")
    election.start("pod-a", "--leader-file", missing).finish().assert_error(74, missing)
    assert path.read_text() == "do not touch\n"


# Bad input


@pytest.mark.parametrize("options, words", [
    ((), ("--election", "AMQP_JOB_ELECTION")), (("--election", ""), ("--election", "1 to 200 bytes")),
    (("--election", "x" * 201), ("200 bytes",)), (("--election", "a\tb"), ("control character",)),
    (("--election", "x", "--lease", "2s"), ("--lease", "3s", "600s")),
    (("--election", "x", "--lease", "10s", "--grace", "6s"), ("--grace", "half of --lease", "5s")),
    (("--election", "x", "--name", ""), ("--name", "253 bytes")),
])
def test_bad_input(bench, options, words):
    bench.run(*options, command="lead", worker=["cat"]).assert_error(64, *words)


def test_a_leader_needs_something_to_do(bench):
    bench.run("--election", "x", command="lead").assert_error(64, "COMMAND", "--leader-file")


@pytest.mark.parametrize("arguments", [
    {"x-queue-type": "quorum"}, {"x-queue-type": "classic"},
    {"x-queue-type": "quorum", "x-single-active-consumer": True, "x-delivery-limit": 1_000_000_000, "x-message-ttl": 1000},
], ids=["quorum", "classic", "with a time to live"])
def test_a_queue_of_that_name_that_is_another_is_refused(election, arguments):
    election.queue.client.channel.queue_declare(election.queue.name, durable=True, arguments=arguments)
    election.start("pod-a").finish().assert_error(78, election.queue.name, "inequivalent")


def test_a_classic_queue_serves_as_well(election):
    arguments = {"x-queue-type": "classic", "x-single-active-consumer": True}
    election.queue.client.channel.queue_declare(election.queue.name, durable=True, arguments=arguments)
    first = election.start_leader("pod-a")
    election.start_standby("pod-b", "pod-a")
    first.send(signal.SIGTERM)
    election.witness.wait_for(2)
    election.end()
