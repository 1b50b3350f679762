"""The fixtures of the tests of TLS."""

import pytest

from support.tls import pem
from support.tls_proxy import TLSProxy


@pytest.fixture
def proxy(bench):
    """Makes a TLS server in front of the broker: proxy(certificate)."""
    def make(certificate, **options):
        target = ("127.0.0.1", int(bench.broker.url.rsplit(":", 1)[1]))
        made = TLSProxy(target, pem(certificate), **options)
        bench.closers.append(made.close)
        return made

    return make
