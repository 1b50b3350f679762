"""The fixtures, and the order in which tests run. scripts/test sets these variables:

    TEST_BINARY        the amqp-job to test
    TEST_BROKER_NAME   the name, to scripts/broker, of the broker that all tests share
    TEST_BROKER_URL    the URL of that broker
    TEST_CERTIFICATES  the folder of certificates that support/certificates.py made and that broker uses
    TEST_RABBITMQ      the version of RabbitMQ for further brokers; empty for the installed one
    TEST_KUBECTL       the path of kubectl; empty where there is none
    TEST_HADOLINT      the path of hadolint; empty where there is none
"""

import faulthandler
import os
import pathlib
import signal
import sys

import pytest

sys.dont_write_bytecode = True

from support import bench as benches, brokers, manual  # noqa: E402
from support.terminal import Terminal  # noqa: E402

# pytest-xdist runs all tests of a group in one process, so that they share one broker.
GROUP_OF_FIXTURE = {"spare_broker": "spare", "token_broker": "tokens", "broker_cluster": "cluster"}


def pytest_configure(config):
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        # A shell starts background commands with these signals ignored, and every process here would inherit that.
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


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook.
def pytest_collection_modifyitems(items):
    """Puts what takes longest first: the groups, then the slow tests. No process then works alone at the end."""
    for item in items:
        for fixture, group in GROUP_OF_FIXTURE.items():
            if fixture in item.fixturenames:
                item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: (not item.get_closest_marker("xdist_group"), not item.get_closest_marker("slow")))


@pytest.fixture(autouse=True)
def time_limit(request):
    """Fails a test that runs for longer than its limit."""
    marker = request.node.get_closest_marker("limit")
    seconds = marker.args[0] if marker else 180

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
    """A directory that has the binary under the names of the amqp-tools."""
    directory = tmp_path_factory.mktemp("links")
    for name in manual.TOOLS:
        (directory / name).symlink_to(binary)
    return directory


@pytest.fixture(scope="session")
def broker():
    """The broker that all tests share. No test changes its settings or stops it."""
    return brokers.Broker(os.environ["TEST_BROKER_NAME"], os.environ["TEST_BROKER_URL"])


@pytest.fixture(scope="session")
def spare_broker():
    """A broker that a test may kill, restart and misconfigure. After the test it has to work as before."""
    spare = brokers.Broker(f"{os.environ['TEST_BROKER_NAME']}-spare{os.environ.get('PYTEST_XDIST_WORKER', '')}")
    yield spare
    spare.stop()


@pytest.fixture(scope="session")
def issuer():
    """Signs the tokens that `token_broker` accepts."""
    from support import tokens

    return tokens.Issuer()


@pytest.fixture(scope="session")
def token_broker(issuer, tmp_path_factory):
    """A broker that accepts OAuth 2 access tokens, too."""
    key = tmp_path_factory.mktemp("tokens") / "public.pem"
    key.write_bytes(issuer.public_key)
    name = f"{os.environ['TEST_BROKER_NAME']}-tokens{os.environ.get('PYTEST_XDIST_WORKER', '')}"
    made = brokers.Broker(name, options=["--tokens", str(key)])
    yield made
    made.stop()


@pytest.fixture(scope="session")
def broker_cluster():
    """Three nodes that a test may kill and part. After the test they have to see each other."""
    from support.broker_cluster import BrokerCluster

    made = BrokerCluster(f"{os.environ['TEST_BROKER_NAME']}-node{os.environ.get('PYTEST_XDIST_WORKER', '')}-")
    yield made
    made.close()


@pytest.fixture
def cluster_bench(binary, broker_cluster, time_limit, request):
    """A bench at the cluster's first node."""
    broker_cluster.wait_for_all()
    made = benches.Bench(binary, broker_cluster.nodes[0])
    yield made
    _close(made, request)


@pytest.fixture
def token_bench(binary, token_broker, time_limit, request):
    """A bench on `token_broker`."""
    made = benches.Bench(binary, token_broker)
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
    made = benches.Bench(binary, broker)
    yield made
    _close(made, request)


@pytest.fixture
def spare(binary, spare_broker, time_limit, request):
    """A bench on `spare_broker`."""
    spare_broker.start()
    made = benches.Bench(binary, spare_broker)
    yield made
    spare_broker.start()
    _close(made, request)


@pytest.fixture
def make_cluster(bench):
    """Makes a cluster.Cluster: make_cluster(worker)."""
    from support import cluster  # It needs packages that most tests do not need.

    made = []

    def make(worker=None):
        made.append(cluster.Cluster(bench, worker))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def queue(bench):
    """An empty queue that has a retry queue and a dead-letter queue."""
    return bench.work_queue("quorum")


@pytest.fixture
def terminal(bench):
    """A terminal of 100 columns."""
    made = Terminal(100, 24)
    bench.closers.append(made.close)
    return made


@pytest.fixture(params=["quorum", "classic"])
def kind(request):
    """Both kinds of queue, for tests where the kind may matter."""
    return request.param
