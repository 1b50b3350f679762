"""TLS to a broker with a trusted certificate."""

import os
import pathlib
import shutil
import signal

import pytest

from support.processes import PROMPT, holds_for, wait_until
from support.tcp_proxy import Proxy
from support.tls import CA, pem, port, run, url

pytestmark = pytest.mark.any_broker


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_trusted_certificate(bench, kind, host):
    queue = bench.queue(kind, b"apple")
    result = run(bench, queue, url(port(bench), host))
    assert (result.status, result.stdout, result.stderr) == (0, b"apple", ""), result
    queue.assert_empty()


def test_tls_is_ended_before_the_connection(bench, proxy):
    way = proxy("server")
    queue = bench.queue("classic", b"apple")
    assert run(bench, queue, url(way.port)).status == 0
    wait_until(lambda: way.farewells == 1, what="close_notify")


def test_unknown_authority(bench):
    queue = bench.queue("classic", b"apple")
    run(bench, queue, url(port(bench)), ca=pem("other-ca")).assert_error(77, "authority", "--tls-ca", "localhost")
    queue.assert_untouched()


def test_external(bench):
    """The login is that of the user whom the certificate names. The password is ignored."""
    queue = bench.queue("classic", b"apple", b"pear")
    external = ["--tls-cert", pem("client"), "--auth-mechanism", "external"]
    result = run(bench, queue, url(port(bench), user=""), *external)
    assert (result.status, result.stdout) == (0, b"apple"), result
    result = run(bench, queue, url(port(bench)), "--tls-cert", pem("cert"), "--tls-key", pem("key"))
    assert (result.status, result.stdout) == (0, b"pear"), result


def test_a_certificate_that_is_replaced(bench):
    """cert-manager replaces files like this. The next connection uses the new certificate, which names a stranger to
    make that visible."""
    queue = bench.queue("quorum")
    way = Proxy(("127.0.0.1", port(bench)))
    bench.closers.append(way.close)
    certificate = bench.file("client.pem", pathlib.Path(pem("client")).read_bytes())
    runner = bench.start(
        "-q", queue.name, "--tls-ca", CA, "--tls-cert", certificate, "--auth-mechanism", "external", worker=["cat"],
        url=url(way.port, user=""))
    queue.wait_for_consumer()
    shutil.copy(pem("stranger"), certificate)
    way.cut()
    wait_until(lambda: "refused the login" in runner.stderr, what="a refusal")
    shutil.copy(pem("client"), certificate)
    queue.wait_for_consumer()
    certificate.write_text("nonsense")
    way.cut()
    wait_until(lambda: "it goes on with what was read before" in runner.stderr, what="a warning")
    queue.wait_for_consumer()
    queue.put(b"apple")
    result = runner.finish()
    assert (result.status, result.stdout) == (0, b"apple"), result


def test_external_of_a_stranger(bench):
    result = run(bench, "queue", url(port(bench)), "--tls-cert", pem("stranger"), "--auth-mechanism", "external")
    result.assert_error(77, "login")


def test_external_that_is_not_offered(bench, proxy):
    external = ["--tls-cert", pem("client"), "--auth-mechanism", "external"]
    run(bench, "queue", url(proxy("server").port), *external).assert_error(77, "EXTERNAL")


def test_items_of_all_sizes(bench):
    """Many small items and a large one go in and out. Nothing stays in a buffer."""
    queue = bench.queue("classic")
    address = url(port(bench))
    large = os.urandom(20_000_000)
    lines = b"".join(b"%d\n" % number for number in range(2000))
    common = ["-q", queue.name, "--tls-ca", CA]
    assert bench.run(*common, command="publish", stdin=bench.input(lines), url=address).status == 0
    assert bench.run(*common, "--whole", command="publish", stdin=bench.input(large), url=address).status == 0
    result = bench.run(*common, "-n", "2001", "--", "sh", "-c", "cat; echo", url=address, timeout=60)
    assert result.status == 0, result
    assert result.stdout == lines + large + b"\n"


def test_a_large_item_is_not_whole_in_memory(bench):
    queue = bench.queue("classic")
    with open(bench.path("large"), "wb") as file:
        file.truncate(60 << 20)
    address = url(port(bench))
    published = bench.run("-q", queue.name, "--tls-ca", CA, "--file", str(bench.path("large")), command="publish", url=address)
    assert published.status == 0, published
    peak = bench.path("peak")
    script = f'wc -c; grep VmHWM "/proc/$PPID/status" >{peak}'
    result = bench.run("-q", queue.name, "--tls-ca", CA, "--", "sh", "-c", script, url=address)
    assert (result.status, result.stdout.strip()) == (0, b"%d" % (60 << 20)), result
    assert int(peak.read_text().split()[1]) < 24 << 10


def test_heartbeats_and_long_work(bench):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("read", "hold")
    runner = bench.start("-q", queue.name, "--tls-ca", CA, "--heartbeat", "1s", worker=worker, url=url(port(bench)))
    worker.wait_for("holding")
    holds_for(runner.runs, 4, "the runner, longer than two heartbeats")
    worker.go()
    assert runner.finish().status == 0
    queue.assert_empty()


def test_term_while_idle(bench):
    queue = bench.queue("quorum")
    runner = bench.start("-q", queue.name, "--tls-ca", CA, "--", "cat", url=url(port(bench)))
    queue.wait_for_consumer()
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 143


def test_retries_go_by_tls_too(bench):
    queue = bench.work_queue("quorum", b"apple")
    address = url(port(bench))
    runner = bench.run("-q", queue.name, "--tls-ca", CA, "--retry-delay", "100ms", "--", "false", url=address)
    assert runner.status == 1, runner
    queue.assert_back(1)
