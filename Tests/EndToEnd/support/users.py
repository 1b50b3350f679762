"""Users of the broker who have only the permissions that a test gives them."""

import contextlib
import re
import urllib.parse

BACKEND = "rabbit_auth_backend_internal"


class User:
    def __init__(self, bench, password):
        self.bench, self.name = bench, bench.marker
        self.url = bench.broker.url.replace("guest:guest", f"{self.name}:{urllib.parse.quote(password, safe='')}")

    def run(self, *arguments, **options):
        return self.bench.run(*arguments, url=self.url, **options)

    def change_password(self, password):
        name, password, actor = map(_binary, (self.name, password, "test"))
        self.bench.broker.eval(f"{BACKEND}:change_password({name}, {password}, {actor}).")


@contextlib.contextmanager
def user(bench, configure=(), write=(), read=(), password="secret"):
    """A user for as long as the context lasts. Each permission is a list of names, or a pattern."""
    made = User(bench, password)
    patterns = [each if isinstance(each, str) else "|".join(re.escape(name) for name in each)
                for each in (configure, write, read)]
    name, password, vhost, actor = map(_binary, (made.name, password, "/", "test"))
    permissions = ", ".join(_binary(f"^({pattern})$") for pattern in patterns)
    bench.broker.eval(
        f"{BACKEND}:add_user({name}, {password}, {actor}), "
        f"{BACKEND}:set_permissions({name}, {vhost}, {permissions}, {actor}).")
    try:
        yield made
    finally:
        bench.broker.eval(f"{BACKEND}:delete_user({name}, {actor}).")


def _binary(text):
    """The text in UTF-8 as an Erlang binary."""
    return f"<<{','.join(map(str, text.encode()))}>>"
