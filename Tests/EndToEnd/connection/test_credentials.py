"""Passwords and URLs in files that are replaced while a program runs."""

import subprocess

import pytest

from support.processes import PROMPT, wait_until
from support.tokens import MountedSecret
from support.users import user

pytestmark = pytest.mark.any_broker

NEW = "n3w-s3cret"


@pytest.fixture
def account(bench):
    """A user whose password is 'secret'."""
    with user(bench, ".*", ".*", ".*") as made:
        yield made


def url(account, password, port):
    return f"amqp://{account.name}:{password}@127.0.0.1:{port}"


WAYS = ["--url-file", "--password-file"]


def start(bench, account, way, *arguments, through, **options):
    """A program whose secret is in a file. `replace` puts another password there."""
    text = (lambda password: url(account, password, through.port)) if way == "--url-file" else (lambda password: password)
    secret = MountedSecret(bench.path("secret"), "content", text("secret"))
    host = None if way == "--url-file" else f"amqp://{account.name}@127.0.0.1:{through.port}"
    runner = bench.start(*arguments, way, secret.path, url=host, **options)
    runner.replace = lambda password: secret.replace(text(password))
    return runner


@pytest.mark.parametrize("way", WAYS)
def test_a_new_password_is_used_after_a_reconnect(bench, account, way):
    queue = bench.queue("quorum")
    proxy = bench.proxy()
    runner = start(bench, account, way, "-q", queue.name, through=proxy, worker=["cat"])
    queue.wait_for_consumer()
    account.change_password(NEW)
    runner.replace(NEW)
    proxy.cut()
    wait_until(lambda: proxy.accepted == 2, what="a new connection")
    queue.wait_for_consumer()
    queue.put(b"apple")
    result = runner.finish()
    assert (result.status, result.stdout) == (0, b"apple"), result
    assert "refused" not in result.stderr and NEW not in result.stderr, result


def test_a_file_that_is_replaced_after_the_brokers_password(bench, account):
    """The kubelet takes a minute or more to update a file."""
    queue = bench.queue("quorum")
    proxy = bench.proxy()
    runner = start(bench, account, "--password-file", "-q", queue.name, through=proxy, worker=["cat"])
    queue.wait_for_consumer()
    account.change_password(NEW)
    proxy.cut()
    wait_until(lambda: "refused the login" in runner.stderr, what="a refusal")
    runner.replace(NEW)
    queue.wait_for_consumer()
    queue.put(b"apple")
    assert runner.finish().status == 0


def test_a_file_that_is_not_replaced(bench, account):
    queue = bench.queue("quorum")
    proxy = bench.proxy()
    runner = start(
        bench, account, "--password-file", "-q", queue.name, "--forever", "--connect-timeout", "1s", through=proxy,
        worker=["cat"])
    queue.wait_for_consumer()
    account.change_password(NEW)
    proxy.cut()
    result = runner.finish(10 + PROMPT)
    assert result.status == 77 and "check user, password" in result.lines[-1], result


@pytest.mark.parametrize("content", [None, "no URL"])
def test_the_former_content_is_used_while_the_file_is_unusable(bench, account, content):
    queue = bench.queue("quorum")
    proxy = bench.proxy()
    file = bench.file("url", url(account, "secret", proxy.port))
    runner = bench.start("-q", queue.name, "--url-file", file, url=None, worker=["cat"])
    queue.wait_for_consumer()
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    proxy.cut()
    wait_until(lambda: proxy.accepted == 2, what="a new connection")
    queue.wait_for_consumer()
    queue.put(b"apple")
    result = runner.finish()
    assert result.status == 0, result
    warnings = [line for line in result.lines if "it goes on with what was read before" in line]
    assert len(warnings) == 1 and "--url-file" in warnings[0] and "secret@" not in result.stderr, result


def test_a_file_that_names_another_broker(bench):
    queue = bench.queue("quorum")
    first, second = bench.proxy(), bench.proxy()
    file = bench.file("url", first.url)
    runner = bench.start("-q", queue.name, "--url-file", file, url=None, worker=["cat"])
    queue.wait_for_consumer()
    file.write_text(second.url)
    first.close()
    wait_until(lambda: second.accepted, what="a connection to the other one")
    queue.put(b"apple")
    assert runner.finish().status == 0


def test_copies_go_out_with_the_new_password(bench, account):
    """The connection for copies is opened when the first item fails, long after the other one."""
    queue = bench.work_queue("quorum", b"apple")
    proxy = bench.proxy()
    worker = bench.worker("hold", "exit:3")
    runner = start(
        bench, account, "--password-file", "-q", queue.name, "--max-attempts", "1", through=proxy, worker=worker)
    worker.wait_for("holding")
    account.change_password(NEW)
    runner.replace(NEW)
    worker.go()
    assert runner.finish().status == 3
    queue.dead.assert_back()


@pytest.mark.parametrize("is_late", [False, True])
def test_status_watch(bench, account, is_late):
    queue = bench.queue("quorum")
    proxy = bench.proxy()
    runner = start(
        bench, account, "--password-file", queue.name, "--watch", "--interval", "100ms", through=proxy, command="status")
    wait_until(lambda: runner.stdout, what="a look")
    account.change_password(NEW)
    if not is_late:
        runner.replace(NEW)
    proxy.cut()
    wait_until(lambda: ("refused the login" if is_late else "connecting again") in runner.stderr, what="the loss")
    seen = len(runner.stdout)
    if is_late:
        runner.replace(NEW)
    wait_until(lambda: len(runner.stdout) > seen, what="another look")
    runner.send(15)
    assert runner.finish().status == 143


@pytest.mark.parametrize("is_late", [False, True])
def test_publish(bench, account, is_late):
    queue = bench.queue("quorum")
    proxy = bench.proxy()
    runner = start(
        bench, account, "--url-file", "-q", queue.name, through=proxy, command="publish", stdin=subprocess.PIPE)
    writer = runner.process.stdin
    writer.write(b"apple\n")
    writer.flush()
    queue.assert_back()
    account.change_password(NEW)
    if not is_late:
        runner.replace(NEW)
    proxy.cut()
    wait_until(lambda: proxy.accepted >= 2 + is_late, what="a new connection")
    if is_late:
        runner.replace(NEW)
    writer.write(b"pear\n")
    writer.close()
    assert runner.finish().status == 0
    queue.assert_back(2)
