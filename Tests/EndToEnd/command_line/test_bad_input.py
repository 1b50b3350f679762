"""Command lines, settings and queues that cannot be right: one line that says so, and a status that says which kind."""

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
    """Nobody knows which of its values is meant. An option of another name, or a variable, is no second one."""
    result = bench.run(*arguments, command=command, env={"AMQP_QUEUE": "c", "AMQP_JOB_COUNT": "3"})
    if option:
        result.assert_error(64, option, "twice")
    else:
        assert "twice" not in result.stderr, result


@pytest.mark.parametrize("arguments", [["-q", b"a\xff"], [b"--queue=a\xff"], ["-q", "a", "--spool-dir", b"\xc3"]], ids=str)
def test_an_option_that_is_not_utf8(bench, arguments):
    """It would be repaired, and so be another queue or path."""
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
    """The one line stays one line, whatever it quotes."""
    for value in "1\n2", "no\x1b[31mtime":
        result = bench.run("-q", "any", "--timeout", value, worker=TRUE)
        result.assert_error(64)
        assert "\x1b" not in result.stderr


# Bad URLs: 64


@pytest.mark.parametrize(
    "url",
    [
        "redis://:Sup3rSecret@host:6379",
        "http://user:Sup3rSecret@host/",
        "host:5672",
        "amqp://",
        "amqp:guest:Sup3rSecret@host",
        "amqp://guest:Sup3rSecret@host:port",
        "amqp://guest:Sup3rSecret@host:99999",
        "amqp://guest:Sup3rSecret@host:0x10",
        "amqp://guest:Sup3rSecret@ho st",
        "amqp://guest:Sup3rSecret%zz@host",
        "amqp://guest:Sup3rSecret@host/a/b",
        "amqp://guest:Sup3rSecret@[::1",
        "",
        "\n",
        ",",
        "amqp://guest:Sup3rSecret@host,redis://x",
    ],
)
def test_bad_url(bench, url):
    result = bench.run("-q", "any", "--connect-timeout", "2s", "--url", url, url=None, worker=TRUE)
    assert result.status == 64, result
    assert any(line.startswith("amqp-job: ") for line in result.lines), result
    assert "Sup3rSecret" not in result.stderr, result


def test_broker_url_of_another_scheme(bench):
    """BROKER_URL is Celery's name, too."""
    result = bench.run("-q", "any", url=None, env={"BROKER_URL": "redis://:Sup3rSecret@cache:6379/0"}, worker=TRUE)
    result.assert_error(64, "BROKER_URL", "redis")
    assert "Sup3rSecret" not in result.stderr


def test_url_file(bench):
    missing = bench.path("missing")
    for path in missing, bench.directory:
        bench.run("-q", "any", "--url-file", path, url=None, worker=TRUE).assert_error(64, path)
    empty = bench.file("empty", "")
    bench.run("-q", "any", "--url-file", empty, url=None, worker=TRUE).assert_error(64, "--url-file")
    binary = bench.file("binary", b"\xff\xfe\0\0")
    bench.run("-q", "any", "--url-file", binary, url=None, worker=TRUE).assert_error(64)


def test_password_file(bench):
    missing = bench.path("missing")
    bench.run("-q", "any", "--password-file", missing, worker=TRUE).assert_error(64, missing)
    for name, content in ("binary", b"pass\xffword"), ("large", b"x" * 65_537):
        path = bench.file(name, content)
        result = bench.run("-q", "any", "--password-file", path, worker=TRUE)
        result.assert_error(64, "--password-file", path)
        assert "pass" not in result.stderr.replace("--password-file", ""), result


def test_token_file(bench):
    missing, empty = bench.path("missing"), bench.file("empty", "\n")
    for path in missing, empty:
        bench.run("-q", "any", "--token-file", path, worker=TRUE).assert_error(64, "--token-file", path)
    token = bench.file("token", "a.b.c")
    for others, env in ([["--password-file", token], {}], [["--auth-mechanism", "external"], {}],
                        [[], {"AMQP_JOB_PASSWORD_FILE": str(token), "AMQP_JOB_TOKEN_FILE": str(token)}]):
        options = [] if env else ["--token-file", token]
        result = bench.run("-q", "any", *options, *others, env=env, worker=TRUE)
        result.assert_error(64, "--token-file", "exclude each other")
        assert "a.b.c" not in result.stderr


def test_a_token_outweighs_the_urls_password(bench):
    """As a password file does; and what an option says, what the environment says of the other."""
    peer = bench.peer(b"apple")
    token, password = bench.file("token", "a.b.c\n"), bench.file("password", "x")
    bench.run(
        "-q", "queue", "--token-file", token, url=peer.url, env={"AMQP_JOB_PASSWORD_FILE": str(password)}, worker=TRUE)
    start = next(method for name, method in peer.seen if name == "Connection.StartOk")
    assert start.response in ("\0guest\0a.b.c", b"\0guest\0a.b.c"), start


def test_a_password_that_ends_in_a_space(bench):
    """Only the ends of lines are no part of it."""
    peer = bench.peer(b"apple")
    password = bench.file("password", b"se cret \r\n\n")
    bench.run("-q", "queue", "--password-file", password, url=peer.url, worker=TRUE)
    start = next(method for name, method in peer.seen if name == "Connection.StartOk")
    assert start.response in ("\0guest\0se cret ", b"\0guest\0se cret "), start


# Settings from the environment


def test_settings_from_the_environment(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    result = bench.run(
        url=None, worker=worker,
        env={
            "AMQP_URL": bench.broker.url,
            "AMQP_QUEUE": queue.name,
            "AMQP_JOB_TIMEOUT": "300ms",
            "AMQP_JOB_GRACE": "300ms",
        },
    )
    assert result.status == 124, result
    queue.assert_back()
    result = bench.run(
        url=None, worker=["sh", "-c", "exit 75"],
        env={"BROKER_URL": bench.broker.url, "QUEUE": queue.name, "AMQP_JOB_RAW_STATUS": "true"},
    )
    assert result.status == 75, result
    result = bench.run(
        url=None, worker=["sh", "-c", "exit 75"],
        env={"BROKER_URL": bench.broker.url, "QUEUE": queue.name, "AMQP_JOB_RAW_STATUS": "false"},
    )
    assert result.status == 1, result


def test_the_flag_comes_first(bench):
    queue = bench.queue("quorum", b"apple")
    dead = "amqp://guest:guest@127.0.0.1:1"
    result = bench.run(
        "-q", queue.name, "--timeout", "20s", url=True, worker=TRUE,
        env={
            "AMQP_URL": dead, "BROKER_URL": dead, "AMQP_QUEUE": "other", "QUEUE": "other", "AMQP_JOB_TIMEOUT": "soon",
        },
    )
    assert result.status == 0, result
    queue.assert_empty()


def test_amqp_names_come_before_the_tutorials(bench):
    queue = bench.queue("quorum", b"apple")
    result = bench.run(
        url=None, worker=TRUE,
        env={
            "AMQP_URL": bench.broker.url, "BROKER_URL": "redis://cache",
            "AMQP_QUEUE": queue.name, "QUEUE": "other",
        },
    )
    assert result.status == 0, result
    queue.assert_empty()


def test_what_kubernetes_injects_for_a_service_is_ignored(bench):
    """A Service named `amqp-job-timeout`, or `amqp-job` with a port named so."""
    queue = bench.queue("quorum", b"apple")
    result = bench.run(
        "-q", queue.name, worker=TRUE,
        env={"AMQP_JOB_TIMEOUT": "tcp://10.0.0.1:5672", "AMQP_JOB_PORT": "tcp://10.0.0.1:80"},
    )
    assert result.status == 0, result
    queue.assert_empty()


# Queues of the wrong kind: 78


def test_stream(bench):
    queue = bench.name_queue()
    bench.client.channel.queue_declare(queue.name, durable=True, arguments={"x-queue-type": "stream"})
    queue.put(b"apple")
    for mode in "wait", "exit":
        bench.run("-q", queue.name, "--when-empty", mode, worker=TRUE).assert_error(78, queue.name, "stream")


def test_auto_delete_queue(bench):
    """It would go, with all that is in it, as soon as the runner's consumer is cancelled."""
    queue = bench.name_queue("classic")
    bench.client.channel.queue_declare(queue.name, durable=True, auto_delete=True)
    queue.put(b"apple", b"pear")
    bench.run("-q", queue.name, worker=TRUE).assert_error(78, queue.name)
    queue.assert_untouched(2)


def test_exclusive_queue_of_another_connection(bench):
    queue = bench.name_queue("classic")
    bench.client.channel.queue_declare(queue.name, exclusive=True)
    bench.run("-q", queue.name, worker=TRUE).assert_error(78, queue.name)


def test_queue_with_an_exclusive_consumer(bench):
    """403: someone else has it for himself."""
    queue = bench.queue("classic", b"apple")
    channel = bench.client.connection.channel()
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume(queue.name, lambda *_: None, exclusive=True)
    result = bench.run("-q", queue.name, "--connect-timeout", "2s", worker=TRUE)
    assert result.status not in (0, 66), result
    result.assert_error(result.status, queue.name)
