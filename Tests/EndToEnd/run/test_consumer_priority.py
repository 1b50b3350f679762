"""run --consumer-priority: which of several runners gets the next item."""

import pytest

from support.processes import wait_until


def test_the_runner_with_the_higher_priority_gets_the_item(bench, kind):
    queue = bench.queue(kind)
    runners = {}
    for priority in "-1", "7", "0":
        worker = bench.worker("read")
        options = () if priority == "0" else ("--consumer-priority", priority)
        runners[priority] = bench.start("-q", queue.name, *options, worker=worker)
        queue.wait_for_consumer(len(runners))
    for rest in ("-1", "0"), ("-1",), ():
        queue.put(b"apple")
        wait_until(
            lambda: {name for name, runner in runners.items() if runner.runs()} == set(rest),
            what=f"the end of all but {rest}")
    assert all(runner.finish().status == 0 for runner in runners.values())


@pytest.mark.any_broker
@pytest.mark.parametrize("value", ["high", "", "2147483648", "1.5"])
def test_a_value_that_is_not_a_priority(bench, value):
    result = bench.run("-q", "any", "--consumer-priority", value, worker=["true"])
    result.assert_error(64, "--consumer-priority", "whole number")
