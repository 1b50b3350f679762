"""Command lines, settings and queues that cannot be right. One line says so, and the status says which kind of error it
is."""

import json

import pytest

pytestmark = pytest.mark.any_broker

TRUE = ["true"]


def refused(bench, *arguments, words=(), **options):
    options.setdefault("worker", TRUE)
    bench.run(*arguments, **options).assert_error(64, *words)


# Bad usage: 64


def test_no_queue(bench):
    refused(bench, words=["queue"])


def test_no_broker(bench):
    """There is no default broker."""
    refused(bench, "-q", "any", url=None, words=["--url"])


def test_no_command(bench):
    refused(bench, "-q", "any", worker=None, words=["command"])
    refused(bench, "-q", "any", worker=[], words=["command"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-such-option"],
        ["--no-such-option=1"],
        ["-n", "0"],
        ["-n", "-1"],
        ["-n", "many"],
        ["-n", "1.5"],
        ["-n", "99999999999999999999"],
        ["-n", ""],
        ["--timeout", "soon"],
        ["--timeout", "-5s"],
        ["--timeout", "5x"],
        ["--timeout", ""],
        ["--timeout", "99999999999999999999h"],
        ["--timeout", "1e400"],
        ["--timeout", "nan"],
        ["--grace", "1 s"],
        ["--heartbeat", "x"],
        ["--connect-timeout", "x"],
        ["--when-empty", "explode"],
        ["--log-format", "xml"],
        ["--feed", "telepathy"],
        ["--timeout"],
    ],
    ids=" ".join,
)
def test_bad_option(bench, arguments):
    refused(bench, "-q", "any", *arguments, worker=TRUE if len(arguments) > 1 or "no-such" in arguments[0] else None)


@pytest.mark.any_broker
@pytest.mark.parametrize("command, arguments, option", [
    ("run", ["-q", "a", "-q", "b", "--", "true"], "--queue"),
    ("run", ["-q", "a", "-n", "1", "--count=2", "true"], "--count"),
    ("run", ["-q", "a", "--url", "amqp://127.0.0.1:1", "--connect-timeout", "1ms", "true"], None),
    ("publish", ["-q", "a", "--header", "a=1", "--header", "a=2"], "--header a"),
    ("publish", ["-q", "a", "--skip", "1", "--skip", "1"], "--skip"),
    ("declare", ["a", "--type", "quorum", "--type", "classic"], "--type"),
    ("declare", ["a", "--arg", "x=1", "--arg", "x=2"], "--arg x"), ("status", ["a", "--url-file", "b"], "--url-file"),
], ids=str)
def test_an_option_that_is_given_twice(bench, command, arguments, option):
    """It is unknown which of the two values is meant. The same setting as another option or as a variable does not
    count as a second value."""
    result = bench.run(*arguments, command=command, env={"AMQP_QUEUE": "c", "AMQP_JOB_COUNT": "3"})
    if option:
        result.assert_error(64, option, "twice")
    else:
        assert "twice" not in result.stderr, result


@pytest.mark.parametrize("arguments", [["-q", b"a\xff"], [b"--queue=a\xff"], ["-q", "a", "--spool-dir", b"\xc3"]], ids=str)
def test_an_option_that_is_not_utf8(bench, arguments):
    """A repaired name would be another queue or path."""
    refused(bench, *arguments, words=[arguments[-2] if len(arguments) > 1 else "--queue", "UTF-8"])


@pytest.mark.parametrize("name", ["AMQP_QUEUE", "AMQP_JOB_SPOOL_DIR", "BROKER_URL"])
def test_a_variable_that_is_not_utf8(bench, name):
    arguments = [] if name == "AMQP_QUEUE" else ["-q", "any"]
    url = None if name == "BROKER_URL" else "amqp://127.0.0.1:1"
    refused(bench, *arguments, url=url, env={name: "a\udcff"}, words=[name, "UTF-8"])


@pytest.mark.parametrize("command", ["declare", "status", "install", "completion", "man"])
def test_an_operand_that_is_not_utf8(bench, command):
    bench.run(b"a\xff", command=command, url=None).assert_error(64, "argument 1", "UTF-8")


@pytest.mark.parametrize("queue", ["", "x" * 256, "ä" * 128], ids=["empty", "256 bytes", "256 bytes of UTF-8"])
def test_impossible_queue_name(bench, queue):
    refused(bench, "-q", queue, words=["queue"])


def test_longest_queue_name(bench):
    bench.run("-q", "x" * 255, worker=TRUE).assert_error(66)


@pytest.mark.parametrize(
    "command, arguments", [("run", ["-q", "any"]), ("publish", ["-q", "any", "body"]), ("declare", ["any"])]
)
def test_unknown_option_of_each_command(bench, command, arguments):
    bench.run(*arguments, "--no-such-option", command=command).assert_error(64, "--no-such-option")


def test_unknown_command(bench):
    bench.run(command="frobnicate", url=None).assert_error(64, "frobnicate")


@pytest.mark.parametrize("command", ["run", "publish", "declare"])
def test_help(bench, command):
    result = bench.run("--help", command=command, url=None)
    assert (result.status, result.stderr) == (0, ""), result
    assert b"--url" in result.stdout


def test_bad_value_in_the_environment_is_named(bench):
    refused(bench, "-q", "any", env={"AMQP_JOB_TIMEOUT": "soon"}, words=["AMQP_JOB_TIMEOUT", "soon"])


@pytest.mark.parametrize("variable, option", [
    ("AMQP_JOB_DRAIN=true", ["-n", "3"]), ("AMQP_JOB_DRAIN=true", ["--forever"]), ("AMQP_JOB_COUNT=3", ["--drain"]),
    ("AMQP_JOB_FOREVER=1", ["--drain"]),
], ids=str)
def test_an_option_outweighs_what_it_excludes_in_the_environment(bench, variable, option):
    result = bench.run(
        "-q", "any", "--url", "amqp://127.0.0.1:1", "--connect-timeout", "1ms", *option, worker=TRUE, url=None,
        env=dict([variable.split("=")]))
    result.assert_error(69, "127.0.0.1:1")


def test_options_that_exclude_each_other_are_refused(bench):
    refused(bench, "-q", "any", "--drain", "--forever", words=["--drain", "--forever"])
    refused(bench, "-q", "any", env={"AMQP_JOB_DRAIN": "1", "AMQP_JOB_FOREVER": "1"}, words=["--drain", "--forever"])


def test_control_characters_are_not_printed(bench):
    """The message stays one line, whatever it quotes."""
    for value in "1\n2", "no\x1b[31mtime":
        result = bench.run("-q", "any", "--timeout", value, worker=TRUE)
        result.assert_error(64)
        assert "\x1b" not in result.stderr


@pytest.mark.parametrize("words", [
    ["--log-format", "json", "--no-such-option"], ["--no-such-option", "--log-format=json"], ["--log-format=json", "-n"],
    ["--log-format", "json", "--drain", "--forever"],
], ids=" ".join)
def test_an_error_in_the_words_is_told_in_the_format_of_the_log(bench, words):
    result = bench.run("-q", "any", *words, worker=None if words[-1] == "-n" else TRUE)
    assert result.status == 64 and json.loads(result.stderr)["level"] == "error", result


@pytest.mark.parametrize("command, words", [("run", ["--no-such-option"]), ("frobnicate", []), ("status", ["a", "--watch=x"])])
def test_the_format_may_stand_in_the_environment(bench, command, words):
    result = bench.run(*words, command=command, url=None, env={"AMQP_JOB_LOG_FORMAT": "json"})
    assert result.status == 64 and "--help" in json.loads(result.stderr)["message"], result


def test_the_options_of_the_worker_are_its_own(bench):
    result = bench.run("-q", "any", "--no-such-option", worker=["worker", "--log-format", "json"])
    result.assert_error(64, "--no-such-option")
