"""URLs, password files and token files that cannot be right are refused (64)."""

import pytest

pytestmark = pytest.mark.any_broker

TRUE = ["true"]


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
    """Celery uses the name BROKER_URL, too."""
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
    """A password file does, too. An option for one of them outweighs a variable for the other."""
    peer = bench.peer(b"apple")
    token, password = bench.file("token", "a.b.c\n"), bench.file("password", "x")
    bench.run(
        "-q", "queue", "--token-file", token, url=peer.url, env={"AMQP_JOB_PASSWORD_FILE": str(password)}, worker=TRUE)
    start = next(method for name, method in peer.seen if name == "Connection.StartOk")
    assert start.response in ("\0guest\0a.b.c", b"\0guest\0a.b.c"), start


def test_a_password_that_ends_in_a_space(bench):
    """Only line ends are removed."""
    peer = bench.peer(b"apple")
    password = bench.file("password", b"se cret \r\n\n")
    bench.run("-q", "queue", "--password-file", password, url=peer.url, worker=TRUE)
    start = next(method for name, method in peer.seen if name == "Connection.StartOk")
    assert start.response in ("\0guest\0se cret ", b"\0guest\0se cret "), start
