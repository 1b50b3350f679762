"""Every reason that is printed or written into a dead letter is the true one."""

import json

import pika
import pytest

from support.dead_letters import dead
from support.processes import wait_until
from support.users import user

CAME_BACK = "came back"


def dead_letter(bench, queue):
    queue.dead.assert_back()
    result = dead(bench, "list", queue.name, "--json")
    assert result.status == 0, result
    return json.loads(result.stdout)


def run(bench, queue, *options, url=True, script="exit 7", status=None):
    result = bench.run("-q", queue.name, *options, url=url, worker=["sh", "-c", script])
    if status is not None:
        assert result.status == status, result
    return result


# No copy can be published


def test_no_permission_to_publish_copies(bench, kind):
    """Each message says so, whatever happened to the item before. The item goes back."""
    queue = bench.work_queue(kind, b"apple")
    with user(bench, configure=".*", read=".*") as someone:
        for _ in range(5):
            result = run(bench, queue, "--max-attempts", "1", url=someone.url, script="exit 7", status=77)
            assert "lost" not in result.stderr and "no permission to publish" in result.stderr, result
            queue.assert_back()
    # A runner that may publish cannot know which failure it was.
    result = run(bench, queue, "--max-attempts", "1", script="echo ran", status=1)
    assert result.stdout == b"" and "took no copy" in result.stderr and "was not run" in result.stderr, result
    assert dead_letter(bench, queue)["reason"] == CAME_BACK


def test_one_connection_is_all_that_a_user_may_have(bench):
    queue = bench.work_queue("quorum", b"apple")
    with user(bench, configure=".*", write=".*", read=".*") as someone:
        someone.limit_connections(1)
        for _ in range(3):
            result = run(bench, queue, "--max-attempts", "1", url=someone.url, script="echo ran; exit 7", status=7)
            assert result.stdout == b"ran\n" and "limit" in result.stderr, result
            assert "cannot reach" not in result.stderr and "lost" not in result.stderr, result
            queue.assert_back()


def test_a_full_retry_queue(bench):
    queue = bench.work_queue("quorum", b"apple")
    with bench.broker.policy(bench.marker, f"^{queue.retry.name}$", '{"max-length": 1}'):
        wait_until(lambda: rejects(queue.retry), what="a retry queue that takes nothing")
        result = run(bench, queue, "--max-attempts", "3", status=7)
        assert "rejected" in result.stderr and "lost" not in result.stderr, result
    queue.assert_back()
    result = run(bench, queue, "--max-attempts", "1", script="echo ran", status=1)
    assert result.stdout == b"" and "took no copy" in result.stderr, result


def rejects(queue):
    try:
        queue.put(b"x")
    except pika.exceptions.NackError:
        return True
    return False


def test_an_item_that_kills_its_runner_each_time_ends_as_a_dead_letter(bench, kind):
    queue = bench.work_queue(kind, b"apple")
    for _ in range(3):
        assert run(bench, queue, script="kill -9 $PPID; sleep 60").status == -9
    result = run(bench, queue, script="echo ran", status=1)
    assert result.stdout == b"" and "3 of 3 used" in result.stderr, result
    letter = dead_letter(bench, queue)
    assert (letter["reason"], letter["attempts"]) == (CAME_BACK, 3)


# What a copy says of the last attempt


@pytest.mark.parametrize("script, options, reason, end, text", [
    ("exit 7", (), "failed", ("status", 7), "exited with 7"),
    ("kill -SEGV $$", (), "killed", ("signal", "SEGV"), "killed by SEGV"),
    ("sleep 60", ("--timeout", "200ms"), "timed out", ("signal", "TERM"), "too long"),
], ids=["failed", "killed", "timed out"])
def test_a_later_runner_allows_fewer_attempts(bench, kind, script, options, reason, end, text):
    queue = bench.work_queue(kind, b"apple")
    run(bench, queue, "--retry-delay", "50ms", *options, script=script)
    result = run(bench, queue, "--max-attempts", "1", script="echo ran", status=1)
    assert result.stdout == b"" and "1 of 1 used" in result.stderr and text in result.stderr, result
    assert "lost" not in result.stderr, result
    letter = dead_letter(bench, queue)
    assert (letter["reason"], letter[end[0]], letter["attempts"]) == (reason, end[1], 1)


def test_what_the_broker_dead_letters_after_a_retry_is_its_own(bench):
    """The outcome of the last attempt is not the reason why the item is dead."""
    queue = bench.work_queue("quorum", b"apple", options=("--arg", "x-delivery-limit=1"))
    run(bench, queue, "--retry-delay", "50ms", status=7)
    for _ in range(2):
        queue.assert_back()
        method, _, _ = queue.client.channel.basic_get(queue.name)
        queue.client.channel.basic_reject(method.delivery_tag, requeue=True)
    letter = dead_letter(bench, queue)
    assert (letter["reason"], letter["by"]) == ("delivery_limit", "broker")


def test_a_failure_that_a_runner_without_attempts_gave_back(bench):
    """Nothing in the item tells how its last attempt ended, so no cause is claimed."""
    dead = bench.queue("quorum")
    queue = bench.queue("quorum", b"apple", **{"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead.name})
    run(bench, queue, status=7)
    result = run(bench, queue, "--max-attempts", "1", script="echo ran", status=1)
    assert result.stdout == b"" and "1 of 1 used" in result.stderr, result
    assert "nothing tells why" in result.stderr and "gave it back after a failure" in result.stderr, result
    dead.assert_back()


# What a refusal means


def test_a_reader_is_not_told_that_somebody_else_made_the_dead_letter_queue(bench):
    queue = bench.work_queue("quorum")
    queue.dead.put(b"apple")
    with user(bench, read=".*") as someone:
        result = dead(bench, "list", queue.name, url=someone.url)
        if bench.broker.version >= (4, 3):
            assert result.status == 0, result
        else:
            result.assert_error(77, queue.dead.name, "cannot tell whether", "configure permission")
            assert "was not made" not in result.stderr
            queue.dead.assert_untouched()


@pytest.fixture
def exclusive_consumer(bench):
    """A classic queue with an item, and with an exclusive consumer."""
    queue = bench.queue("classic")
    connection = pika.BlockingConnection(bench.client.parameters)
    connection.channel().basic_consume(queue.name, lambda *_: None, exclusive=True)
    queue.wait_for_consumer()
    yield queue
    connection.close()


def test_an_exclusive_consumer_elsewhere(bench, exclusive_consumer):
    queue = exclusive_consumer
    result = bench.run("-q", queue.name, worker=["cat"])
    result.assert_error(75, queue.name, "exclusive consumer")
    assert "permission" not in result.stderr
    bench.run(queue.name, "--drained", command="status").assert_error(75, queue.name, "exclusive consumer")


def test_an_exclusive_queue_elsewhere(bench):
    name = bench.marker + "-exclusive"
    connection = pika.BlockingConnection(bench.client.parameters)
    connection.channel().queue_declare(name, exclusive=True)
    bench.run("-q", name, worker=["cat"]).assert_error(78, name, "exclusive")
    bench.run(name, command="status").assert_error(78, name, "exclusive", "another connection")
    bench.run("-q", name, "x", command="publish").assert_error(78, name, "exclusive", "another connection")
    connection.close()


# These tests need a broker of their own


@pytest.fixture
def small_messages(spare_broker):
    """Makes the broker refuse messages above 1 MB. From RabbitMQ 4 on it also keeps the limit in a second place, where
    reading is faster."""
    limit = "(fun(Size) -> application:set_env(rabbit,max_message_size,Size), persistent_term:put(max_message_size,Size) end)"
    before = spare_broker.eval("{ok, Size} = application:get_env(rabbit,max_message_size), Size.")
    yield lambda: spare_broker.eval(f"{limit}(1000000).")
    spare_broker.eval(f"{limit}({before}).")


@pytest.mark.slow
def test_an_item_larger_than_the_broker_takes_by_now(spare, small_messages):
    queue = spare.work_queue("quorum", b"x" * 2_000_000)
    small_messages()
    for _ in range(3):
        result = run(spare, queue, "--max-attempts", "1", script="cat >/dev/null; echo ran; exit 7", status=7)
        assert result.stdout == b"ran\n", result
        assert "larger than" in result.stderr and "lost" not in result.stderr, result
        queue.assert_back()
