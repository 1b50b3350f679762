"""Users of the broker with just the permissions that a test gives them."""

import contextlib
import re


class User:
    def __init__(self, bench):
        self.bench, self.name = bench, bench.marker
        self.url = bench.broker.url.replace("guest:guest", f"{self.name}:secret")

    def run(self, *arguments, **options):
        return self.bench.run(*arguments, url=self.url, **options)


@contextlib.contextmanager
def user(bench, configure=(), write=(), read=()):
    """A user for as long as the context lasts. Each permission is a list of names, or a pattern."""
    made = User(bench)
    patterns = [each if isinstance(each, str) else "|".join(re.escape(name) for name in each)
                for each in (configure, write, read)]
    backend, name = "rabbit_auth_backend_internal", _text(made.name)
    permissions = ", ".join(_text(f"^({pattern})$") for pattern in patterns)
    # In one call: each starts an Erlang machine.
    bench.broker.ctl(
        "eval",
        f"{backend}:add_user({name}, {_text('secret')}, {_text('test')}), "
        f"{backend}:set_permissions({name}, {_text('/')}, {permissions}, {_text('test')}).")
    try:
        yield made
    finally:
        bench.broker.ctl("eval", f"{backend}:delete_user({name}, {_text('test')}).")


def _text(text):
    """As an Erlang term."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'<<"{escaped}">>'
