"""Servers with all kinds of certificates and TLS versions: which of them amqp-job trusts, and what it says of the others."""

import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from support.tls import CA, pem, port, run, url

pytestmark = pytest.mark.any_broker


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
    """The query does the same as the options, and the options outweigh it."""
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


def test_an_old_version_of_tls(bench, proxy):
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
    """An absolute name ends in a dot, so that it is looked up only once."""
    queue = bench.queue("classic", b"apple")
    result = run(bench, queue, url(port(bench)), "--tls-server-name", "localhost.")
    assert result.status == 0, result


@pytest.mark.parametrize("name", ["ca.crt", "ca.pem"])
def test_a_directory_of_authorities(bench, name):
    """Kubernetes mounts a Secret like this, without OpenSSL's names for the files."""
    queue = bench.queue("classic", b"apple")
    trusted = bench.path("authorities")
    trusted.mkdir()
    shutil.copy(CA, trusted / name)
    shutil.copy(pem("key"), trusted / "tls.key")
    assert run(bench, queue, url(port(bench)), ca=str(trusted)).status == 0


def test_the_systems_authorities(bench):
    """They do not include our CA."""
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
    """This is found before a connection is made."""
    proxy = bench.proxy()
    options = [word if word[:1] in ("-", "/", "") or word in ("external", "kerberos") else pem(word) for word in options]
    address = url(proxy.port)
    trust = None if "--tls-ca" in options else CA
    run(bench, "queue", address, *options, ca=trust).assert_error(64, *words)
    assert proxy.accepted == 0


def test_tls_options_without_tls(bench):
    """A client that asks for TLS never gets plain text."""
    proxy = bench.proxy()
    run(bench, "queue", proxy.url).assert_error(64, "amqps://")
    assert proxy.accepted == 0


def test_a_silent_server(bench):
    """The handshake has the same time limit as the login."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held = []
        threading.Thread(target=lambda: held.append(listener.accept()), daemon=True).start()
        result = run(bench, "queue", url(listener.getsockname()[1]))
        result.assert_error(69, "does not answer")
        for each, _ in held:
            each.close()


def test_tls_to_a_port_without_tls(bench):
    plain = int(bench.broker.url.rsplit(":", 1)[1])
    run(bench, "queue", url(plain)).assert_error(69, "TLS", str(plain))


def test_no_tls_to_a_port_with_tls(bench):
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
