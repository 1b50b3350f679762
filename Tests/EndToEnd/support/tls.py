"""The tests' certificates (certificates.py makes them), and where the broker speaks TLS."""

import os
import pathlib

CERTIFICATES = pathlib.Path(os.environ["TEST_CERTIFICATES"])


def pem(name):
    return str(CERTIFICATES / f"{name}.pem")


def port(bench):
    """The broker's for TLS."""
    return int(bench.broker.url.rsplit(":", 1)[1]) + 3


def url(number, host="localhost", user="guest:guest@"):
    return f"amqps://{user}{host}:{number}"
