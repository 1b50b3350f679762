"""`amqp-job check --socket`, the startup probe of a step."""

import socket

import pytest

from support.processes import wait_until

pytestmark = pytest.mark.any_broker


def check(bench, *arguments, **more):
    return bench.run(*arguments, command="check", url=None, **more)


@pytest.fixture
def step(bench):
    """A step that waits for items."""
    path = bench.path("blur.sock")
    runner = bench.start("--socket", path, command="step", url=None, worker=["cat"])
    wait_until(path.exists, what="the step's socket")
    yield path
    runner.process.terminate()
    assert runner.finish().status == 0


def test_a_step_that_waits_for_items(bench, step):
    for _ in range(3):  # The step waits for a runner as before.
        assert (check(bench, "--socket", step).status, check(bench, env={"AMQP_JOB_SOCKET": str(step)}).status) == (0, 0)


def test_a_step_that_is_not_there(bench):
    path = bench.path("blur.sock")
    check(bench, "--socket", path).assert_error(1, path, "does not answer", "No such file")


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET], ids=["stream", "packets"])
def test_a_socket_of_another_program(bench, kind):
    path = bench.path("other.sock")
    with socket.socket(socket.AF_UNIX, kind) as server:
        server.bind(str(path))
        server.listen()
        check(bench, "--socket", path).assert_error(1, path, "does not answer")


def test_a_socket_that_nobody_listens_on(bench):
    path = bench.path("left.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(str(path))
    check(bench, "--socket", path).assert_error(1, path, "refused")


@pytest.mark.parametrize("option", [["--ready"], ["--liveness-file", "alive"], ["--max-age", "20s"]], ids=" ".join)
def test_it_is_either_a_runner_or_a_step_that_is_checked(bench, option):
    check(bench, "--socket", "blur.sock", *option).assert_error(64, option[0], "--socket")


def test_an_option_about_a_runner_outweighs_the_variable_of_a_step(bench):
    result = check(bench, "--liveness-file", "alive", env={"AMQP_JOB_SOCKET": "blur.sock"})
    result.assert_error(1, "alive", "no runner")
