"""Words that are misspelt or in the wrong place. The message says what was probably meant."""

import os
import shlex
import subprocess

import pytest

pytestmark = pytest.mark.any_broker

TRUE = ["true"]
# Kubernetes sets these in a pod for Services called amqp-job and amqp-job-web.
SERVICES = {
    "AMQP_JOB_SERVICE_HOST": "10.0.0.1", "AMQP_JOB_SERVICE_PORT": "80", "AMQP_JOB_SERVICE_PORT_HTTP": "80",
    "AMQP_JOB_PORT": "tcp://10.0.0.1:80", "AMQP_JOB_PORT_80_TCP": "tcp://10.0.0.1:80", "AMQP_JOB_PORT_80_TCP_PROTO": "tcp",
    "AMQP_JOB_PORT_80_TCP_PORT": "80", "AMQP_JOB_PORT_80_TCP_ADDR": "10.0.0.1", "AMQP_JOB_WEB_SERVICE_HOST": "10.0.0.2",
    "AMQP_JOB_WEB_PORT": "tcp://10.0.0.2:80",
}


@pytest.mark.parametrize("words, meant", [
    (["pulish", "-q", "a"], "'publish'"), (["help", "decalre"], "'declare'"), (["man", "statsu"], "'status'"),
    (["run", "-q", "a", "--timeot", "3", "true"], "--timeout"), (["run", "-q", "a", "-timeout", "3", "true"], "--timeout"),
    (["status", "--drain", "a"], "--drained"), (["run", "-q", "a", "--max-retries", "3", "true"], "--max-attempts"),
    (["run", "-q", "a", "--concurrency", "3", "true"], "--parallelism"),
    (["run", "-q", "a", "--n", "3", "true"], "--count"), (["declare", "a", "--delet"], "--delete"),
])
def test_a_suggestion(bench, words, meant):
    bench.run(*words[1:], command=words[0], url=None).assert_error(64, f"did you mean {meant}?")


@pytest.mark.parametrize("word, meant", [
    ("get", "'status'"), ("ls", "'status'"), ("create", "'declare'"), ("delete", "'declare QUEUE --delete'"),
    ("send", "'publish'"), ("consume", "'run'"), ("replay", "'dead replay'"), ("apply", "'manifest'"),
])
def test_a_word_of_other_programs_leads_to_the_command(bench, word, meant):
    bench.run("x", command=word, url=None).assert_error(64, f"there is no command '{word}': did you mean {meant}?")


@pytest.mark.parametrize("words, meant", [
    ("dead ls q", "list"), ("dead retry q", "replay"), ("dead rm q", "purge"), ("dead requeue q", "replay"),
    ("manifest jobs -q q -- true", "job"), ("manifest cron -q q -- true", "cronjob"), ("completion bas", "bash"),
])
def test_a_misspelt_action_kind_or_shell_leads_to_what_is_meant(bench, words, meant):
    command, word, *others = words.split()
    bench.run(word, *others, command=command, url=None).assert_error(64, f"not '{word}': did you mean '{meant}'?")


@pytest.mark.parametrize("command, choices", [
    ("dead", "ACTION is missing: it is list, show, replay or purge"),
    ("manifest", "KIND is missing: it is job, cronjob, deployment, scaledjob, scaledobject or broker"),
    ("completion", "SHELL is missing: it is bash, zsh or fish"),
])
def test_a_missing_action_kind_or_shell_is_told_with_those_that_there_are(bench, command, choices):
    bench.run(command=command, url=None).assert_error(64, choices)


@pytest.mark.parametrize("words, advice", [
    ("declare q --durable", "every queue that it makes is durable"), ("status --all", "cannot list queues"),
    ("status q -o json", "did you mean --json?"), ("status q -f", "did you mean --watch?"),
    ("publish -q q --ttl 5m a", "did you mean --expiration?"), ("publish -q q -m a", "publish -q QUEUE apple banana"),
    ("dead purge q --force", "--dry-run shows what it would do"), ("dead replay q --to r", "moves the items back into QUEUE"),
    ("dead q", "'amqp-job dead list q' lists the dead letters"), ("publish q a", "'q' is not taken for it"),
    ("manifest cronjob -q q --cron @daily -- x", "did you mean --schedule?"),
    ("manifest cronjob -q q --timezone UTC -- x", "set timeZone in the CronJob's spec"),
    ("manifest job -q q --image a:1 --memory 256 -- x", "--memory is at least 4Mi (a number without a unit is in bytes)"),
    ("--quiet status q", "--quiet is before the command: options follow it"), ("--verison", "did you mean --version?"),
    ("run -q p1 cat --url amqp://h", "what follows 'cat' belongs to it, '--url' too: write options before 'cat'"),
    ("manifest job -q q --image a:1 --env 1A=x -- x", "not beginning with a digit"),
    ("manifest job -q q --image a:1 --volume claim/Data_x:/d -- x", "NAME in lower case"),
    ("run -q q -nj 2 -- cat", "--count is to be"), ("run -q q -jn 2 cat", "--parallelism is to be"),
    ("manifest job -q q --image a:1 -j 3 -- x", "--env AMQP_JOB_PARALLELISM=..."),
])
def test_what_other_programs_have_is_answered_with_what_is_here(bench, words, advice):
    command, *others = words.split()
    bench.run(*others, command=command, url=None).assert_error(64, advice)


@pytest.mark.parametrize("word, meant", [("list", "dead"), ("delete", "declare"), ("amqp-job-ran", "run")])
def test_the_page_that_man_suggests_is_there(bench, word, meant):
    bench.run(word, command="man", url=None).assert_error(64, f"did you mean '{meant}'?")
    assert bench.run(meant, command="man", url=None).status == 0


@pytest.mark.parametrize("words", [
    ["run", "-q", "jbos", "--", "true"], ["publish", "-q", "jbos", "x"], ["status", "jbos"], ["status", "jbos", "--drained"],
    ["dead", "list", "jbos"], ["manifest", "job", "-q", "jbos", "--image", "a:1", "--", "x"],
], ids=lambda words: " ".join(words[:2]))
def test_a_queue_that_is_not_there_may_have_a_misspelt_name(bench, words):
    bench.run(*words[1:], command=words[0]).assert_error(
        66, "check the name, or make the queue with 'amqp-job declare jbos'")


@pytest.mark.parametrize("word", ["version", "-V", "--version"])
def test_the_version(bench, word):
    result = bench.run(command=word, url=None)
    assert result.status == 0 and result.stdout.startswith(b"amqp-job "), result


@pytest.mark.parametrize("words", [["help", "run"], ["run", "--help"], ["run", "-h"]], ids=" ".join)
def test_the_help_of_a_command(bench, words):
    result = bench.run(*words[1:], command=words[0], url=None)
    assert result.status == 0 and b"Usage: amqp-job run" in result.stdout, result


def test_a_command_in_this_directory(bench):
    bench.script("cat", "w.sh")
    bench.run("-q", "any", worker=["w.sh"], cwd=bench.directory).assert_error(
        127, "command not found: w.sh: it is in this directory, so write ./w.sh")


@pytest.mark.parametrize("name", ["w.sh", "a b.sh"])
def test_a_command_that_nobody_may_execute(bench, name):
    path = bench.file(name, "#!/bin/sh\ncat\n")
    result = bench.run("-q", "any", worker=[f"./{name}"], cwd=bench.directory)
    result.assert_error(126, "Permission denied", "chmod +x")
    command = result.stderr.split("('")[1].split("' permits it)")[0]
    subprocess.run(["sh", "-c", command], cwd=bench.directory, check=True)
    assert os.access(path, os.X_OK)


def test_a_worker_without_the_brokers_url_is_told_how_to_get_it(bench, queue):
    queue.put(b"apple")
    result = bench.run("-q", queue.name, worker=[bench.binary, "publish", "-q", queue.name, "x"])
    assert "'amqp-job run --pass-env' hands those of the runner on" in result.stderr, result


def test_the_queue_in_the_place_of_the_command(bench):
    bench.run("job1", "--", "cat").assert_error(127, "command not found: job1", "if it is the queue, write -q job1")


def test_a_queue_in_quotes_that_no_shell_took_away(bench):
    for command, options in ("status", []), ("run", ["--", "true"]), ("publish", ["a"]):
        result = bench.run(*options, command=command, env={"QUEUE": "'job1'"})
        result.assert_error(66, "there is no queue ''job1''", "(the quotes are part of that name)")


def test_the_command_that_makes_a_queue_can_be_pasted_to_a_shell(bench):
    queue = bench.work_queue(declare=False)
    for each in queue.family:
        each.name = each.name.replace(queue.name, queue.name + " of 'mine'")
    result = bench.run(queue.name, command="status")
    result.assert_error(66, "amqp-job declare")
    command = result.stderr.split("make the queue with '")[1].removesuffix("'\n")
    assert shlex.split(command) == ["amqp-job", "declare", queue.name]


@pytest.mark.parametrize("end", ["dead", "retry", "marks"])
@pytest.mark.parametrize("words", [
    ["run", "-q", "jbos", "--", "true"], ["publish", "-q", "jbos", "x"], ["status", "jbos"], ["status", "jbos", "--drained"],
    ["run", "-q", "any", "--result-queue", "jbos", "--", "true"],
], ids=" ".join)
def test_a_companion_queue_that_is_not_there_is_made_with_its_queue(bench, words, end):
    words = [f"jbos.{end}" if word == "jbos" else word for word in words]
    result = bench.run(*words[1:], command=words[0])
    result.assert_error(66, f"'jbos.{end}'", "'amqp-job declare jbos'")


def test_the_declaration_of_a_queue_with_the_name_of_a_companion_is_warned_of(bench):
    queue = bench.work_queue("quorum", declare=False)
    result = bench.run(queue.dead.name, "--plain", command="declare")
    assert result.status == 0 and f"'amqp-job declare {queue.name}' makes it beside queue '{queue.name}'" in result.stderr, result
    assert len(result.lines) == 1, result


@pytest.mark.parametrize("command, words", [
    ("run", ["-q", "q", "--", "true"]), ("publish", ["-q", "q", "x"]), ("status", ["q"]), ("declare", ["q"]),
    ("dead", ["list", "q"]), ("manifest", ["job", "-q", "q", "--image", "a:1", "--", "x"]),
])
def test_a_variable_that_is_no_setting_is_told_before_the_error_that_it_may_explain(bench, command, words):
    result = bench.run(*words, command=command, url=None, env={"AMQP_JOB_BROKER_URL": "amqp://h"})
    warning, error = result.lines
    assert result.status == 64 and "no broker given" in error, result
    assert "AMQP_JOB_BROKER_URL is no setting, and is ignored: did you mean AMQP_JOB_URL?" in warning, result


def test_a_variable_that_is_no_setting_is_not_told_with_quiet(bench):
    result = bench.run("-q", "q", "--quiet", worker=TRUE, url=None, env={"AMQP_JOB_BROKER_URL": "amqp://h"})
    result.assert_error(64, "no broker given")


def test_a_broker_and_a_queue_that_kubernetes_may_have_injected_are_said_to_be_ignored(bench):
    env = {"BROKER_URL": "tcp://10.0.0.1:5672", "QUEUE": "tcp://10.0.0.2:80"}
    bench.run(worker=TRUE, url=None, env=env).assert_error(64, "is set, and ignored", "Kubernetes injects for a Service")
    bench.run("-q", "q", worker=TRUE, url=None, env=env).assert_error(64, "no broker given", "BROKER_URL is set, and ignored")


@pytest.mark.parametrize("name, value, error", [
    ("REJECT_ON", "x", "not 'x'"), ("PARALLELISM", "zwei", "not 'zwei'"),
    ("ANY_QUEUE", "ja", "true or false"), ("HEARTBEAT", "never", "not 'never'"),
    ("OUTPUT", "out", "a directory with a slash in it"),
])
def test_a_manifest_refuses_a_variable_that_run_in_the_pods_would_refuse(bench, name, value, error):
    words = ["-q", "q", "--image", "a:1", "--env"]
    for kind in ["job", "--completions", "1"], ["deployment"], ["scaledjob"]:
        result = bench.run(*kind, *words, f"AMQP_JOB_{name}={value}", "--", "x", command="manifest", url=None)
        result.assert_error(64, f"AMQP_JOB_{name}", error)
        for harmless in "", "$(OTHER)", "tcp://10.0.0.1:80":
            assert bench.run(
                *kind, *words, f"AMQP_JOB_{name}={harmless}", "--", "x", command="manifest", url=None).status == 0
    run = bench.run("-q", "q", worker=TRUE, env={f"AMQP_JOB_{name}": value})
    assert run.status == 64 and run.stderr.split(";")[0] == result.stderr.split(";")[0]


def test_the_queue_after_the_command_belongs_to_the_command(bench):
    bench.run("cat", "-q", "p1", "--drain").assert_error(
        64, "no queue given", "what follows 'cat' belongs to it, '-q' too: write options before 'cat'")


def test_no_suggestion_where_nothing_is_near(bench):
    for words in ["frobnicate"], ["run", "--frobnicate", "true"]:
        result = bench.run(*words[1:], command=words[0], url=None)
        result.assert_error(64, "frobnicate")
        assert "did you mean" not in result.stderr


@pytest.mark.parametrize("command, arguments, worker", [
    ("run", ["--when-empty", "exit"], TRUE), ("publish", ["a"], None), ("status", [], None), ("dead", ["list"], None),
    ("declare", [], None),
])
def test_a_variable(bench, queue, command, arguments, worker):
    where = {**SERVICES, "QUEUE": queue.name}
    usual = bench.run(*arguments, worker=worker, command=command, env=where)
    assert usual.status == 0 and "AMQP_JOB" not in usual.stderr, usual
    result = bench.run(*arguments, worker=worker, command=command, env={**where, "AMQP_JOB_TIMOUT": "3 s3cret"})
    assert result.status == 0, result
    (line,) = (each for each in result.lines if "AMQP_JOB" in each)
    assert "AMQP_JOB_TIMOUT" in line and "did you mean AMQP_JOB_TIMEOUT?" in line and "s3cret" not in line


@pytest.mark.parametrize("name, meant", [
    ("N", "COUNT"), ("J", "PARALLELISM"), ("Q", "QUEUE"), ("MAX_RETRIES", "MAX_ATTEMPTS"), ("CONCURRENCY", "PARALLELISM"),
    ("QUEUE_NAME", "QUEUE"), ("BROKER_URL", "URL"),
])
def test_a_variable_named_by_a_letter_or_as_elsewhere(bench, queue, name, meant):
    result = bench.run(queue.name, command="status", env={f"AMQP_JOB_{name}": "3"})
    assert f"AMQP_JOB_{name} is no setting, and is ignored: did you mean AMQP_JOB_{meant}?" in result.stderr, result


@pytest.mark.parametrize("url, name", [("AMQP_JOB_URL", "AMQP_JOB_QUEUE"), ("AMQP_URL", "AMQP_QUEUE")])
def test_url_and_queue(bench, queue, url, name):
    """The setting precedes variables that other programs read as well, and it is withheld from the worker."""
    queue.put(b"apple")
    env = {url: bench.broker.url, name: queue.name, "BROKER_URL": "amqp://127.0.0.1:1", "QUEUE": "other"}
    result = bench.run(worker=["sh", "-c", f"cat; echo ${url} ${name}"], url=None, env=env)
    assert (result.status, result.stdout, result.stderr) == (0, b"apple\n", ""), result


@pytest.mark.parametrize("command, arguments", [
    ("status", []), ("dead", ["list"]), ("declare", []), ("declare", ["--plain"]), ("publish", ["x"]),
])
def test_the_queue_by_option(bench, command, arguments):
    queue = bench.name_queue() if "--plain" in arguments else bench.work_queue("quorum", declare=command != "declare")
    result = bench.run(*arguments, "-q", queue.name, command=command, env={"QUEUE": "other"})
    assert result.status == 0, result
    assert queue.exists()
    if command != "publish":
        bench.run(*arguments, queue.name, "-q", queue.name, command=command).assert_error(64, "given twice")


def test_the_queue_from_the_environment(bench):
    queue = bench.work_queue("quorum", declare=False)
    assert bench.run(command="declare", env={"QUEUE": queue.name}).status == 0
    assert queue.dead.exists()
    bench.run("--delete", command="declare", env={"QUEUE": queue.name}).assert_error(64, "--delete")
    assert queue.exists()


def test_what_removes_items_takes_no_queue_from_the_environment(bench, queue):
    queue.dead.put(b"apple")
    for name in "QUEUE", "AMQP_QUEUE", "AMQP_JOB_QUEUE":
        for options in [], ["--dry-run"]:
            bench.run("purge", *options, command="dead", env={name: queue.name}).assert_error(64, "dead purge wants the queue")
    queue.dead.assert_back()
    assert bench.run("purge", "-q", queue.name, command="dead").status == 0
    queue.dead.assert_empty()


def test_the_queue_as_an_item(bench, queue):
    """Other commands accept the option there."""
    result = bench.run(queue.name, "apple", command="publish", env={"QUEUE": queue.name})
    assert result.status == 0 and len(result.lines) == 1, result
    assert f"the first item is '{queue.name}', which is the name of the queue" in result.stderr
    queue.assert_back(2)
    assert bench.run("apple", command="publish", env={"QUEUE": queue.name}).stderr == ""


@pytest.mark.parametrize("words, advice", [
    (["./w.py --fast"], "write its words without quotes around them all: ./w.py --fast"),
    (["cat | wc -l"], "write: sh -c 'cat | wc -l'"), (["FAST=1", "./w.py"], "write: env FAST=1 ./w.py"),
])
def test_a_command_in_quotes(bench, words, advice):
    bench.run("-q", "any", worker=words).assert_error(127, "command not found", advice)


def test_a_command_that_is_a_file_of_this_directory(bench):
    bench.script("cat", name="worker.sh")
    bench.run("-q", "any", worker=["worker.sh"], cwd=bench.directory).assert_error(127, "write ./worker.sh")


def test_a_queue_in_the_place_of_the_command(bench):
    for options in [], ["--drain"]:
        bench.run("fruits", *options, "--", "cat", env={"QUEUE": "any"}).assert_error(
            127, "if it is the queue, write -q fruits")


def test_dead_letters_of_the_dead_letter_queue(bench, queue):
    bench.run("list", queue.dead.name, command="dead").assert_error(66, f"'amqp-job dead list {queue.name}'")
