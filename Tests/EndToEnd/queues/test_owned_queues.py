"""The queues that `amqp-job declare` makes beside another one, for the use of runners."""

import pytest

TRUE = ["true"]


@pytest.mark.parametrize("end", ["retry", "marks"])
def test_such_a_queue_is_neither_served_nor_published_to(bench, end):
    queue = bench.work_queue("quorum")
    other = getattr(queue, end)
    bench.run("-q", other.name, worker=TRUE).assert_error(78, f"'{other.name}'", f"queue '{queue.name}'")
    bench.run("-q", other.name, "apple", command="publish").assert_error(
        78, f"'{other.name}'", f"publish to queue '{queue.name}'")
    assert other.depth() == 0


@pytest.mark.parametrize("end", [".retry", ".marks"])
@pytest.mark.parametrize("has_other", [False, True])
def test_a_queue_that_has_only_the_name_is_like_any_other(bench, end, has_other):
    plain = bench.queue("quorum") if has_other else bench.name_queue()
    queue = bench.name_queue("quorum")
    queue.name = plain.name + end
    bench.client.channel.queue_declare(queue.name, durable=True, arguments={"x-queue-type": "quorum"})
    assert bench.run("-q", queue.name, "apple", command="publish").status == 0
    result = bench.run("-q", queue.name, worker=["cat"])
    assert (result.status, result.stdout) == (0, b"apple"), result


def test_dead_letters_may_be_served(bench):
    queue = bench.work_queue("quorum")
    queue.dead.put(b"apple")
    assert bench.run("-q", queue.dead.name, worker=["cat"]).stdout == b"apple"
