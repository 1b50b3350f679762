"""A Kubernetes Job with parallelism, as its controller runs it: as many pods as completions are still wanted."""

import signal

import pytest

from processes import holds_for, wait_until


class Job:
    """Starts a pod for each completion that is still wanted, `parallelism` of them at a time, and a new one for each
    that failed."""

    def __init__(self, bench, completions, parallelism, *arguments, worker):
        self.bench, self.completions, self.parallelism = bench, completions, parallelism
        self.arguments, self.worker = arguments, worker
        self.succeeded = self.failed = 0
        self.pods = []

    def step(self):
        """One look of the controller; whether the Job is complete."""
        for pod in [pod for pod in self.pods if not pod.runs()]:
            self.pods.remove(pod)
            if pod.finish().status == 0:
                self.succeeded += 1
            else:
                self.failed += 1
        wanted = min(self.parallelism, self.completions - self.succeeded) - len(self.pods)
        self.pods += [self.bench.start(*self.arguments, worker=self.worker) for _ in range(wanted)]
        return self.succeeded >= self.completions

    def run(self, timeout=60):
        wait_until(self.step, timeout, "the Job's completion")


@pytest.mark.slow
@pytest.mark.parametrize("items", [8, 6, 0])
def test_a_job_ends_with_as_many_items_as_completions_or_fewer(bench, items):
    queue = bench.work_queue("quorum")
    if items:
        queue.put(*[b"%d" % n for n in range(items)])
    log = bench.path("log")
    worker = bench.script(f'echo "$(cat)" >>{log}')
    job = Job(bench, 8, 3, "-q", queue.name, "--when-empty", "exit", worker=worker)
    job.run()
    done = log.read_text().split() if log.exists() else []
    assert sorted(done, key=int) == [str(n) for n in range(items)]
    assert job.failed == 0
    queue.assert_empty()


@pytest.mark.slow
@pytest.mark.parametrize("end", ["kill", "fail"])
def test_no_runner_ends_before_the_last_item_is_done(bench, kind, end):
    """Two pods have nothing to do, and wait for the one that may still give its item back: and take it."""
    queue = bench.work_queue(kind, b"apple")
    log = bench.path("log")
    holding = bench.worker("hold", "exit:1")
    first = bench.start("-q", queue.name, "--when-empty", "exit", "--retry-delay", "1s", worker=holding)
    holding.wait_for("holding")
    worker = bench.script(f'echo "$(cat)" >>{log}')
    others = [
        bench.start("-q", queue.name, "--when-empty", "exit", "--retry-delay", "1s", worker=worker) for _ in range(2)
    ]
    holds_for(lambda: all(other.runs() for other in others), 5, "the two pods")
    if end == "kill":
        first.send(signal.SIGKILL)
    else:
        holding.go()
    assert first.finish().status != 0
    assert [other.finish(30).status for other in others] == [0, 0]
    assert log.read_text().split() == ["apple"]
    queue.assert_empty()


@pytest.mark.slow
def test_a_job_without_completions_ends_when_the_queue_is_drained(bench):
    queue = bench.work_queue("quorum", *[b"%d" % n for n in range(30)])
    log = bench.path("log")
    worker = bench.script(f'body=$(cat); echo "$body" >>{log}; [ $((body % 7)) != 0 ] || [ "$WORK_ITEM_ATTEMPT" = 2 ]')
    pods = [
        bench.start("-q", queue.name, "--drain", "-j", "2", "--retry-delay", "300ms", worker=worker) for _ in range(3)
    ]
    assert [pod.finish(60).status for pod in pods] == [0] * 3
    done = log.read_text().split()
    assert sorted(done, key=int) == sorted([str(n) for n in range(30)] + ["0", "7", "14", "21", "28"], key=int)
    queue.assert_empty()
