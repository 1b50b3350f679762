"""Fixtures. The tests get what they work on from these variables, which scripts/test sets:

    TEST_BINARY        the amqp-job to test
    TEST_BROKER_NAME   the broker (of scripts/broker) that the tests share
    TEST_BROKER_URL    its URL
    TEST_CERTIFICATES  the certificates that certificates.py made, which that broker uses
    TEST_RABBITMQ      the version of RabbitMQ to start others with; "" is the one that is installed
    TEST_KUBECTL       kubectl, for its kustomize; "" where there is none
    TEST_HADOLINT      hadolint; "" where there is none
"""

import faulthandler
import os
import pathlib
import signal
import sys

import pytest

sys.dont_write_bytecode = True

from support import brokers  # noqa: E402
from support import harness  # noqa: E402
from support import manual  # noqa: E402
from support.terminal import Terminal  # noqa: E402


def pytest_configure(config):
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        # In the background of a shell they are ignored, which every process here would inherit.
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    needed = ("TEST_BINARY", "TEST_BROKER_NAME", "TEST_BROKER_URL", "TEST_CERTIFICATES")
    missing = [name for name in needed if not os.environ.get(name)]
    if missing:
        pytest.exit(f"{', '.join(missing)} not set; scripts/test sets all that these tests need", returncode=64)
    config.figures = []


def pytest_terminal_summary(terminalreporter, config):
    for line in config.figures:
        terminalreporter.write_line(f"measured: {line}")


@pytest.fixture
def figures(request):
    """Lines that are shown after the tests."""
    return request.config.figures


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, "failed_in_" + call.when, outcome.get_result().failed)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("background") is not None)


@pytest.fixture(autouse=True)
def time_limit(request):
    """No test runs longer than its limit."""
    marker = request.node.get_closest_marker("limit")
    seconds = marker.args[0] if marker else 60

    def expire(_number, _frame):
        faulthandler.dump_traceback(all_threads=True)
        raise TimeoutError(f"the test ran for more than {seconds} s")

    former = signal.signal(signal.SIGALRM, expire)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, former)


@pytest.fixture(scope="session")
def binary():
    path = pathlib.Path(os.environ["TEST_BINARY"])
    if not os.access(path, os.X_OK):
        pytest.exit(f"TEST_BINARY={path} is not executable", returncode=64)
    return path


@pytest.fixture(scope="session")
def links(binary, tmp_path_factory):
    """A directory with the binary by the names of amqp-tools."""
    directory = tmp_path_factory.mktemp("links")
    for name in manual.TOOLS:
        (directory / name).symlink_to(binary)
    return directory


@pytest.fixture(scope="session")
def broker():
    """The broker that all tests share; none of them changes its settings or stops it."""
    return brokers.Broker(os.environ["TEST_BROKER_NAME"], os.environ["TEST_BROKER_URL"])


@pytest.fixture(scope="session")
def spare_broker():
    """One that a test may kill, start again and misconfigure, as long as it runs again afterwards."""
    # Each of the processes that run tests side by side has its own.
    spare = brokers.Broker(f"{os.environ['TEST_BROKER_NAME']}-spare{os.environ.get('PYTEST_XDIST_WORKER', '')}")
    yield spare
    spare.stop()


@pytest.fixture(scope="session")
def issuer():
    """Whose tokens `token_broker` takes."""
    from support import tokens

    return tokens.Issuer()


@pytest.fixture(scope="session")
def token_broker(issuer, tmp_path_factory):
    """One that takes OAuth 2 access tokens, too."""
    key = tmp_path_factory.mktemp("tokens") / "public.pem"
    key.write_bytes(issuer.public_key)
    name = f"{os.environ['TEST_BROKER_NAME']}-tokens{os.environ.get('PYTEST_XDIST_WORKER', '')}"
    made = brokers.Broker(name, options=["--tokens", str(key)])
    yield made
    made.stop()


@pytest.fixture
def token_bench(binary, token_broker, time_limit, request):
    """A bench on that broker."""
    made = harness.Bench(binary, token_broker)
    yield made
    _close(made, request)


def _close(bench, request):
    undocumented, left = bench.undocumented(), bench.close()
    if getattr(request.node, "failed_in_call", True):
        return
    if left:
        pytest.fail("the test left processes behind:\n" + "\n".join(left))
    if undocumented:
        pytest.fail("the manual does not have these exit statuses:\n" + "\n".join(undocumented))


@pytest.fixture
def bench(binary, broker, time_limit, request):
    made = harness.Bench(binary, broker)
    yield made
    _close(made, request)


@pytest.fixture
def spare(binary, spare_broker, time_limit, request):
    """A bench on the spare broker."""
    spare_broker.start()
    made = harness.Bench(binary, spare_broker)
    yield made
    spare_broker.start()
    _close(made, request)


@pytest.fixture
def make_cluster(bench):
    """make_cluster(worker) makes a cluster.Cluster."""
    from support import cluster  # needs packages that the other tests do not need

    made = []

    def make(worker=None):
        made.append(cluster.Cluster(bench, worker))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def queue(bench):
    """An empty one with a retry and a dead-letter queue."""
    return bench.work_queue("quorum")


@pytest.fixture
def terminal(bench):
    """One of 100 columns."""
    made = Terminal(100, 24)
    bench.closers.append(made.close)
    return made


@pytest.fixture(params=["quorum", "classic"])
def kind(request):
    """Both kinds of queue, for the tests where it may matter."""
    return request.param


@pytest.fixture(scope="session", autouse=True)
def _prepared(request):
    """What takes long is started before the first test, and looked at by the last ones."""
    prepared = {}
    for item in request.session.items:
        marker = item.get_closest_marker("background")
        if marker:
            made = harness.Bench(request.getfixturevalue("binary"), request.getfixturevalue("broker"))
            prepared[item.nodeid] = made, marker.kwargs["prepare"](made)
    yield prepared
    for made, _ in prepared.values():  # those that never came to be looked at
        made.close()


@pytest.fixture
def prepared(_prepared, time_limit, request):
    """What the test's `prepare` returned."""
    made, value = _prepared.pop(request.node.nodeid)
    yield value
    _close(made, request)
