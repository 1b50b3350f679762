"""Users of the shared broker that one test has to itself."""

import contextlib
import itertools

_numbers = itertools.count()


@contextlib.contextmanager
def user(bench, configure="", write="", read=""):
    """A new user's name, and the broker's URL for it. The permissions are regular expressions; "" allows nothing."""
    name = f"{bench.marker}-{next(_numbers)}"
    bench.broker.ctl("add_user", name, "secret")
    try:
        bench.broker.ctl("set_permissions", name, configure, write, read)
        yield name, bench.broker.url.replace("guest:guest", f"{name}:secret")
    finally:
        bench.broker.ctl("delete_user", name)
