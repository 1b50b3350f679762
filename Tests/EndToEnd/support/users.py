"""Users of the broker who have only the permissions that a test gives them."""

import contextlib
import re
import urllib.parse

from support.brokers import ROOT, TEST, binary

BACKEND = "rabbit_auth_backend_internal"


class User:
    def __init__(self, bench, password):
        self.bench, self.name = bench, bench.marker
        self.url = bench.broker.url.replace("guest:guest", f"{self.name}:{urllib.parse.quote(password, safe='')}")

    def run(self, *arguments, **options):
        return self.bench.run(*arguments, url=self.url, **options)

    def start(self, *arguments, **options):
        return self.bench.start(*arguments, url=self.url, **options)

    def change_password(self, password):
        self.bench.broker.eval(f"{BACKEND}:change_password({binary(self.name)}, {binary(password)}, {TEST}).")

    def limit_connections(self, count):
        limits = binary(f'{{"max-connections": {count}}}')
        self.bench.broker.eval(f"{BACKEND}:set_user_limits({binary(self.name)}, {limits}, {TEST}).")


@contextlib.contextmanager
def user(bench, configure=(), write=(), read=(), password="secret"):
    """A user for as long as the context lasts. Each permission is a list of names, or a pattern."""
    made = User(bench, password)
    patterns = [each if isinstance(each, str) else "|".join(re.escape(name) for name in each)
                for each in (configure, write, read)]
    name, password = binary(made.name), binary(password)
    permissions = ", ".join(binary(f"^({pattern})$") for pattern in patterns)
    bench.broker.eval(
        f"{BACKEND}:add_user({name}, {password}, {TEST}), "
        f"{BACKEND}:set_permissions({name}, {ROOT}, {permissions}, {TEST}).")
    try:
        yield made
    finally:
        bench.broker.eval(f"{BACKEND}:delete_user({name}, {TEST}).")
