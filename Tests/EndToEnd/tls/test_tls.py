"""TLS: whom amqp-job trusts, what it says of others, and that it never falls back to plain text."""

import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import threading

import pytest

from support.processes import PROMPT, holds_for, wait_until
from support.tcp_proxy import Proxy
from support.tls import pem, port, url
from support.tls_proxy import TLSProxy

pytestmark = pytest.mark.any_broker

CA = pem("ca")


@pytest.fixture
def proxy(bench):
    def make(certificate, **options):
        target = ("127.0.0.1", int(bench.broker.url.rsplit(":", 1)[1]))
        made = TLSProxy(target, pem(certificate), **options)
        bench.closers.append(made.close)
        return made

    return make


def run(bench, queue, address, *arguments, ca=CA, **options):
    trust = ["--tls-ca", ca] if ca else []
    return bench.run(
        "-q", getattr(queue, "name", queue), *trust, "--connect-timeout", "1s", *arguments, "--", "cat", url=address, **options)


# The broker's own TLS


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_good(bench, kind, host):
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
    """By the user whom the certificate names; the password is not looked at."""
    queue = bench.queue("classic", b"apple", b"pear")
    external = ["--tls-cert", pem("client"), "--auth-mechanism", "external"]
    result = run(bench, queue, url(port(bench), user=""), *external)
    assert (result.status, result.stdout) == (0, b"apple"), result
    result = run(bench, queue, url(port(bench)), "--tls-cert", pem("cert"), "--tls-key", pem("key"))
    assert (result.status, result.stdout) == (0, b"pear"), result


def test_a_certificate_that_is_replaced(bench):
    """As cert-manager does it: by the next connection it is another one. The stranger shows whose is used."""
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
    """Many small ones and a large one, in and out: nothing stays behind in a buffer."""
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


# Servers of other kinds


@pytest.mark.parametrize(
    ("certificate", "host", "words"),
    [
        ("expired", "localhost", ["expired on 20"]), ("future", "localhost", ["not valid yet"]),
        ("elsewhere", "localhost", ["not for 'localhost' but for 'broker.example'", "--tls-server-name"]),
        ("common-name-only", "localhost", ["not for 'localhost', nor for any host", "subjectAltName"]),
        ("no-address", "127.0.0.1", ["not for '127.0.0.1' but for 'localhost'"]),
        ("address-as-name", "127.0.0.1", [
            "not for '127.0.0.1', which it has as a DNS name and not as an IP address, and for nothing else", "IP:127.0.0.1"]),
        ("address-as-name-and-others", "127.0.0.1", [
            "not for '127.0.0.1', which it has as a DNS name and not as an IP address, "
            "but for 'broker-0.example', 'broker-1.example', 'broker-2.example', ...;", "--tls-server-name"]),
        ("common-address-only", "127.0.0.1", ["not for '127.0.0.1', nor for any host", "a common name does not count"]),
        ("self-signed", "localhost", ["authority", "--tls-ca"]),
    ],
)
def test_a_certificate_that_cannot_be_trusted(bench, proxy, certificate, host, words):
    server = proxy(certificate)
    run(bench, "queue", url(server.port, host)).assert_error(77, *words)
    bench.run("-q", "queue", "a", "--tls-ca", CA, command="publish", url=url(server.port, host)).assert_error(77, *words)
    assert not server.plaintext


def test_a_server_name_of_its_own(bench, proxy):
    queue = bench.queue("classic", b"apple")
    result = run(bench, queue, url(proxy("elsewhere").port), "--tls-server-name", "broker.example")
    assert result.status == 0, result


def test_insecure_warns(bench, proxy):
    queue = bench.queue("classic", b"apple")
    result = run(bench, queue, url(proxy("self-signed").port, "127.0.0.1"), "--tls-insecure", ca=None)
    assert result.status == 0 and len(result.lines) == 1 and "--tls-insecure" in result.lines[0], result


def test_what_the_query_of_the_url_says(bench, proxy):
    """As with the options of the same meaning, which outweigh it."""
    queue = bench.queue("classic", *[b"apple"] * 3)
    trusted = f"?cacertfile={CA}&verify=verify_peer"
    elsewhere = url(proxy("elsewhere").port) + trusted + "&server_name_indication=broker.example"
    for address in url(port(bench)) + trusted, elsewhere:
        result = run(bench, queue, address, ca=None)
        assert (result.status, result.stderr) == (0, ""), result
    unverified = url(proxy("self-signed").port) + "?verify=verify_none"
    run(bench, queue, unverified, ca=None, env={"AMQP_JOB_TLS_INSECURE": "false"}).assert_error(77)
    result = run(bench, queue, unverified, ca=None)
    assert result.status == 0 and len(result.lines) == 1 and "verify_none" in result.lines[0], result


def test_the_certificate_in_the_query_of_the_url(bench, proxy):
    queue = bench.queue("classic", b"apple")
    server = proxy("server", client_ca=CA)
    files = f"?certfile={pem('client')}&keyfile={pem('client')}"
    assert run(bench, queue, url(server.port) + files).status == 0
    run(bench, queue, url(server.port) + files, "--tls-cert", pem("self-signed")).assert_error(77, "does not accept")


def test_a_client_certificate_that_is_required(bench, proxy):
    queue = bench.queue("classic", b"apple")
    server = proxy("server", client_ca=CA)
    run(bench, queue, url(server.port)).assert_error(77, "requires a certificate", "--tls-cert")
    run(bench, queue, url(server.port), "--tls-cert", pem("self-signed")).assert_error(77, "does not accept", "--tls-cert")
    result = run(bench, queue, url(server.port), "--tls-cert", pem("client"))
    assert result.status == 0, result


def test_an_old_version(bench, proxy):
    server = proxy("server", version=ssl.TLSVersion.TLSv1_1)
    result = run(bench, "queue", url(server.port))
    result.assert_error(69, "neither TLS 1.2 nor 1.3")
    assert not server.plaintext


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_authorities_from_the_environment(bench, variable):
    queue = bench.queue("classic", b"apple")
    address = url(port(bench))
    trusted = CA
    if variable == "SSL_CERT_DIR":
        directory = bench.path("hashed")
        directory.mkdir()
        subject = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", CA], capture_output=True, check=True)
        shutil.copy(CA, directory / f"{subject.stdout.decode().strip()}.0")
        trusted = f"/nonexistent:{directory}"
    result = run(bench, queue, address, ca=None, env={variable: trusted})
    assert result.status == 0, result
    run(bench, queue, address, ca=None, env={variable: "/nonexistent"}).assert_error(64, variable, "/nonexistent")


def test_a_name_that_ends_in_a_dot(bench):
    """As absolute names do, which are written to be looked up once."""
    queue = bench.queue("classic", b"apple")
    result = run(bench, queue, url(port(bench)), "--tls-server-name", "localhost.")
    assert result.status == 0, result


@pytest.mark.parametrize("name", ["ca.crt", "ca.pem"])
def test_a_directory_of_authorities(bench, name):
    """As Kubernetes mounts a Secret: without OpenSSL's names for them."""
    queue = bench.queue("classic", b"apple")
    trusted = bench.path("authorities")
    trusted.mkdir()
    shutil.copy(CA, trusted / name)
    shutil.copy(pem("key"), trusted / "tls.key")
    assert run(bench, queue, url(port(bench)), ca=str(trusted)).status == 0


def test_the_systems_authorities(bench):
    """They do not know ours."""
    run(bench, "queue", url(port(bench)), ca=None).assert_error(77, "authority")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--tls-ca", "/nonexistent.pem"], ["--tls-ca", "/nonexistent.pem", "No such file"]),
        (["--tls-cert", "/nonexistent.pem"], ["--tls-cert", "/nonexistent.pem", "No such file"]),
        (["--tls-cert", "cert", "--tls-key", "/nonexistent.pem"], ["--tls-key", "No such file"]),
        (["--tls-ca", "key"], ["--tls-ca", "no certificate"]),
        (["--tls-cert", "key"], ["--tls-cert", "no certificate"]),
        (["--tls-cert", "cert"], ["--tls-cert", "no private key"]),
        (["--tls-cert", "cert", "--tls-key", "other-key"], ["--tls-key", "not the one"]),
        (["--tls-cert", "cert", "--tls-key", "locked-key"], ["--tls-key", "passphrase"]),
        (["--tls-key", "key"], ["--tls-key goes with --tls-cert"]),
        (["--auth-mechanism", "external"], ["--tls-cert"]),
        (["--auth-mechanism", "kerberos"], ["plain or external"]),
        (["--tls-server-name", ""], ["--tls-server-name"]),
        (["--tls-ca", "/usr/bin"], ["--tls-ca /usr/bin", "no certificate"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_settings_that_cannot_be_used(bench, options, words):
    """Found out before a connection is made."""
    proxy = bench.proxy()
    options = [word if word[:1] in ("-", "/", "") or word in ("external", "kerberos") else pem(word) for word in options]
    address = url(proxy.port)
    trust = None if "--tls-ca" in options else CA
    run(bench, "queue", address, *options, ca=trust).assert_error(64, *words)
    assert proxy.accepted == 0


def test_tls_options_without_tls(bench):
    """Who asks for TLS never gets plain text."""
    proxy = bench.proxy()
    run(bench, "queue", proxy.url).assert_error(64, "amqps://")
    assert proxy.accepted == 0


def test_a_silent_server(bench):
    """The handshake has the login's limit."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held = []
        threading.Thread(target=lambda: held.append(listener.accept()), daemon=True).start()
        result = run(bench, "queue", url(listener.getsockname()[1]))
        result.assert_error(69, "does not answer")
        for each, _ in held:
            each.close()


def test_tls_to_a_port_without(bench):
    plain = int(bench.broker.url.rsplit(":", 1)[1])
    run(bench, "queue", url(plain)).assert_error(69, "TLS", str(plain))


def test_no_tls_to_a_port_with(bench):
    bench.run(
        "-q", "queue", "--connect-timeout", "1s", "--", "cat", url=url(port(bench)).replace("amqps", "amqp")
    ).assert_error(69, "amqps://")


def test_a_connection_cut_in_mid_work(bench, proxy):
    queue = bench.queue("quorum", b"apple")
    server = proxy("server")
    worker = bench.worker("read", "hold")
    runner = bench.start("-q", queue.name, "--tls-ca", CA, worker=worker, url=url(server.port))
    worker.wait_for("holding")
    server.cut()
    assert runner.finish().status == 75
    queue.assert_back(1)
