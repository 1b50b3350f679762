"""OAuth 2 access tokens that expire before the work is done."""

import subprocess

import pytest

from support.processes import holds_for, wait_until
from support.tokens import MountedSecret

LIFE = 10  # The seconds until a short-lived token expires.


@pytest.fixture
def secret(token_bench, issuer):
    """A file with a short-lived token. `token` is the token that is in it."""
    made = MountedSecret(token_bench.path("secret"), "token", issuer.token(3600))

    def put(seconds):
        made.token = issuer.token(seconds)
        made.replace(made.token)

    made.put = put
    put(LIFE)
    return made


def place(bench):
    """The broker's URL without a user."""
    host, port = bench.broker.address
    return f"amqp://{host}:{port}"


def outlive(runner, token):
    """Waits until the broker no longer accepts the token, and a second longer. A broker may then close the connection."""
    holds_for(runner.runs, token.left + 1.5, "the runner")


def closes_connections(bench):
    """Whether the broker closes the connections of users whose token has expired. Other versions refuse whatever needs
    a permission, and go on delivering."""
    return bench.broker.version >= (4, 3)


@pytest.mark.parametrize("steps, status", [((), 0), (("exit:3",), 3)])
def test_a_worker_that_runs_longer_than_its_token(token_bench, secret, steps, status):
    """If the worker fails, the copy of its item goes out on another connection."""
    bench = token_bench
    queue = bench.work_queue("quorum", b"apple")
    worker = bench.worker("hold", *steps)
    runner = bench.start(
        "-v", "-q", queue.name, "--max-attempts", "1", "--token-file", secret.path, url=place(bench), worker=worker)
    worker.wait_for("holding")
    first = secret.token
    secret.put(3600)
    wait_until(lambda: "has taken the new token" in runner.stderr, what="the new token")
    outlive(runner, first)
    worker.go()
    result = runner.finish()
    assert result.status == status, result
    queue.assert_empty()
    queue.dead.assert_back(1 if status else 0)
    assert "lost" not in result.stderr, result
    assert not any(part in result.stderr for token in (first, secret.token) for part in token.split(".")), result
    assert not any(first in value for value in worker.environment.values())


def test_the_connection_for_copies_outlives_its_token(token_bench, secret):
    bench = token_bench
    queue = bench.work_queue("quorum", b"apple")
    runner = bench.start(
        "-v", "-q", queue.name, "-n", "2", "--max-attempts", "1", "--token-file", secret.path, url=place(bench),
        worker=["false"])
    queue.dead.assert_back(1)
    first = secret.token
    secret.put(3600)
    wait_until(lambda: runner.stderr.count("has taken the new token") == 2, what="the new token on both connections")
    outlive(runner, first)
    queue.put(b"pear")
    result = runner.finish()
    assert result.status == 1 and "lost" not in result.stderr, result
    queue.dead.assert_back(2)


def test_a_token_that_is_not_replaced(token_bench, secret):
    bench = token_bench
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, "--token-file", secret.path, url=place(bench), worker=worker)
    worker.wait_for("holding")
    warning = f"the token from {secret.path} runs out in "
    wait_until(lambda: warning in runner.stderr, what="a warning before the end")
    if closes_connections(bench):
        result = runner.finish()
        assert result.status == 77, result
        assert str(secret.path) in result.lines[-1] and "has run out" in result.lines[-1], result
        queue.assert_back()
    else:
        outlive(runner, secret.token)
        worker.go()
        assert runner.finish().status == 0
        queue.assert_empty()


def test_an_idle_runner_waits_for_a_new_token(token_bench, secret):
    """The connection is lost, and the next login is refused, until the file has another token."""
    bench = token_bench
    queue = bench.queue("quorum")
    way = bench.proxy()
    host, port = way.url.rpartition("@")[2].split(":")
    runner = bench.start(
        "-q", queue.name, "--token-file", secret.path, url=f"amqp://{host}:{port}", worker=["cat"])
    queue.wait_for_consumer()
    outlive(runner, secret.token)
    way.cut()
    wait_until(lambda: "refused the token" in runner.stderr, what="a refusal")
    secret.put(3600)
    queue.wait_for_consumer()
    queue.put(b"apple")
    result = runner.finish()
    assert (result.status, result.stdout) == (0, b"apple"), result


def test_a_token_that_is_refused(token_bench, issuer):
    bench = token_bench
    queue = bench.queue("quorum", b"apple")
    token = bench.file("token", issuer.token(-5))
    result = bench.run("-q", queue.name, "--token-file", token, url=place(bench), worker=["true"])
    result.assert_error(77, token, "has run out")
    queue.assert_untouched()


def test_a_token_that_is_too_long_for_a_login(token_bench, issuer):
    """RabbitMQ takes 3 s to close the connection, and gives no reason."""
    bench = token_bench
    token = bench.file("token", issuer.token(3600, padding=9000))
    result = bench.run(
        "-q", "any", "--token-file", token, "--connect-timeout", "5s", url=place(bench), worker=["true"])
    result.assert_error(69, "too long", "initial_frame_max")


def test_what_is_no_token_is_not_sent(token_bench, secret, issuer):
    """A broker would close the connection because of it. Part of a token would have the same effect, and that is what a
    file contains while it is written in place."""
    bench = token_bench
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    runner = bench.start(
        "-v", "-q", queue.name, "--token-file", secret.path, url=place(bench), worker=worker)
    worker.wait_for("holding")
    secret.replace("nonsense")
    wait_until(lambda: "no token with an 'exp'" in runner.stderr, what="a warning")
    secret.put(3600)
    wait_until(lambda: "has taken the new token" in runner.stderr, what="the new token")
    worker.go()
    assert runner.finish().status == 0


def test_a_publisher_that_outlives_its_token(token_bench, secret):
    bench = token_bench
    queue = bench.queue("quorum")
    runner = bench.start(
        "-v", "-q", queue.name, "--token-file", secret.path, command="publish", url=place(bench),
        stdin=subprocess.PIPE)
    runner.process.stdin.write(b"apple\n")
    runner.process.stdin.flush()
    queue.assert_back()
    first = secret.token
    secret.put(3600)
    wait_until(lambda: "has taken the new token" in runner.stderr, what="the new token")
    outlive(runner, first)
    runner.process.stdin.write(b"pear\n")
    runner.process.stdin.close()
    result = runner.finish()
    assert result.status == 0 and "lost" not in result.stderr, result
    queue.assert_back(2)
