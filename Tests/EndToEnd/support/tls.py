"""The tests' certificates, which certificates.py makes, and the broker's TLS port."""

import os
import pathlib

CERTIFICATES = pathlib.Path(os.environ["TEST_CERTIFICATES"])


def pem(name):
    return str(CERTIFICATES / f"{name}.pem")


def port(bench):
    """The broker's TLS port."""
    return int(bench.broker.url.rsplit(":", 1)[1]) + 3


def url(number, host="localhost", user="guest:guest@"):
    return f"amqps://{user}{host}:{number}"
