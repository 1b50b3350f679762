"""The tests' certificates, which certificates.py makes, and the broker's TLS port."""

import os
import pathlib

CERTIFICATES = pathlib.Path(os.environ["TEST_CERTIFICATES"])


def pem(name):
    return str(CERTIFICATES / f"{name}.pem")


CA = pem("ca")


def port(bench):
    """The broker's TLS port."""
    return int(bench.broker.url.rsplit(":", 1)[1]) + 3


def url(number, host="localhost", user="guest:guest@"):
    return f"amqps://{user}{host}:{number}"


def run(bench, queue, address, *arguments, ca=CA, **options):
    """Runs `cat` on an item, and trusts the tests' authority."""
    trust = ["--tls-ca", ca] if ca else []
    return bench.run(
        "-q", getattr(queue, "name", queue), *trust, "--connect-timeout", "1s", *arguments, "--", "cat", url=address, **options)
