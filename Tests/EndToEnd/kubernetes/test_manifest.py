"""amqp-job manifest job: what it asks the broker. And the pods of every kind: their command does the work."""

import signal

import pytest

from support import manifests
from support.processes import PROMPT, wait_until
from support.manifests import arguments, container, make


def ask(bench, queue, *options, **more):
    """Asks for a Job for the items in the queue."""
    return manifests.run(bench, "job", *options, queue=getattr(queue, "name", queue), **{"url": True, **more})


def asked(bench, queue, *options):
    (job,) = manifests.objects(ask(bench, queue, *options))
    assert job["kind"] == "Job"
    return job


def test_a_job_for_eight_items(bench):
    queue = bench.work_queue("quorum", *[b"x"] * 8)
    result = bench.run(
        "job", "--queue", queue.name, "--image", "python:3.13-alpine", "--inject", "--", "./worker.py",
        command="manifest")
    (job,) = manifests.objects(result)
    assert job["spec"]["completions"] == 8
    worker = container("job", [job])
    assert worker["image"] == "python:3.13-alpine"
    assert worker["command"] == [
        "/opt/amqp-job/amqp-job", "run", "--wait-first=0s", "--when-empty=exit", "--grace=20s", "--max-attempts=3",
        "--retry-delay=10s", "--", "./worker.py"]
    queue.assert_untouched(8)


def test_items_that_wait_for_a_retry_are_counted(bench, kind):
    queue = bench.work_queue(kind, b"a", b"b")
    queue.retry.put(b"c", expiration="600000")
    queue.dead.put(b"d")
    assert asked(bench, queue)["spec"]["completions"] == 3


def test_a_queue_without_retries(bench):
    queue = bench.queue("quorum", b"a")
    words = arguments("job", [asked(bench, queue)])
    assert words == ["--wait-first=0s", "--when-empty=exit", "--grace=20s"]
    ask(bench, queue, "--max-attempts", "3").assert_error(78, queue.name, "declare")


def test_an_empty_queue(bench):
    queue = bench.work_queue()
    result = ask(bench, queue)
    result.assert_error(1, queue.name, "empty", "--completions")
    assert result.stdout == b""


def test_no_such_queue(bench):
    ask(bench, "no-such-queue").assert_error(66, "no-such-queue", "declare")


def test_an_unreachable_broker(bench):
    result = ask(bench, "q", "--connect-timeout", "1s", url="amqp://guest:guest@127.0.0.1:1")
    result.assert_error(69, "127.0.0.1")
    assert result.stdout == b""


def test_settings_from_the_environment(bench):
    queue = bench.work_queue("quorum", b"a")
    (job,) = manifests.objects(bench.run(
        "job", "--", "x", command="manifest", url=None,
        env={"BROKER_URL": bench.broker.url, "QUEUE": queue.name, "AMQP_JOB_NAME": "named", "AMQP_JOB_IMAGE": "a"}))
    assert (job["metadata"]["name"], job["spec"]["completions"]) == ("named", 1)


def test_no_broker_is_asked_without_a_url(bench):
    """There is no URL, and none is needed."""
    (job,) = make(bench, "job", "--completions", "3")
    assert job["spec"]["completions"] == 3
    assert arguments("job", [job])[:2] == ["--wait-first=60s", "--when-empty=exit"]
    (job,) = make(bench, "job", "--drain")
    assert "completions" not in job["spec"] and arguments("job", [job])[:2] == ["--wait-first=60s", "--drain"]


def test_a_job_for_what_was_found_waits_if_it_is_told_to(bench):
    queue = bench.work_queue("quorum", b"a")
    assert arguments("job", [asked(bench, queue, "--wait-first", "2m")])[0] == "--wait-first=120s"


@pytest.mark.parametrize("kind", ["cronjob", "scaledjob"])
def test_a_pod_for_what_is_there_waits_for_nothing_else(bench, kind):
    """The runner ends well before the minute of --wait-first."""
    queue = bench.work_queue()
    result = start(bench, kind, queue).finish()
    assert result.status == 0 and all("is drained" in line for line in result.lines), result
    assert not bench.path("done").exists()


@pytest.mark.parametrize("kind", ["cronjob", "scaledjob"])
def test_where_its_queue_is_missing_it_fails_at_once(bench, kind):
    queue = bench.name_queue()
    start(bench, kind, queue).finish().assert_error(66, queue.name)


def test_no_password_is_written(bench):
    queue = bench.work_queue("quorum", b"a")
    assert b"guest" not in ask(bench, queue).stdout
    secret = "amqp://me:s3cr3t@broker.example"
    for kind in manifests.KINDS:
        result = manifests.run(bench, kind, env={"BROKER_URL": secret, "AMQP_URL": secret})
        assert result.status == 0 and b"s3cr3t" not in result.stdout and "s3cr3t" not in result.stderr, result
        variables = {each["name"]: each for each in container(kind, manifests.objects(result))["env"]}
        assert variables["BROKER_URL"]["valueFrom"]["secretKeyRef"] == {"name": "rabbitmq", "key": "BROKER_URL"}


# The command of the pods

def start(bench, kind, queue, *options, script=None):
    """Starts the command of a pod of this kind on this machine."""
    worker = bench.script(script or f"cat >> '{bench.path('done')}'")
    found = make(bench, kind, *options, queue=queue.name, command=worker)
    words, variables = manifests.command(container(kind, found), {"BROKER_URL": bench.broker.url})
    assert words[:2] == ["amqp-job", "run"]
    for name in ("AMQP_JOB_SPOOL_DIR", "AMQP_JOB_LIVENESS_FILE"):
        variables[name] = variables[name].replace("/run/amqp-job", str(bench.directory))
    return bench.start(*words[2:], url=None, env=variables)


@pytest.mark.parametrize("kind, options", [
    ("job", []), ("scaledjob", []), ("job", ["--on-term", "finish", "--timeout", "1m"])], ids=str)
def test_a_pod_takes_one_item(bench, kind, options):
    queue = bench.work_queue("quorum", b"apple", b"fig")
    result = start(bench, kind, queue, *options).finish()
    assert (result.status, result.stderr) == (0, ""), result
    assert bench.path("done").read_bytes() == b"apple"
    queue.assert_back(1)


@pytest.mark.parametrize("kind, options", [("cronjob", []), ("job", ["--drain"])], ids=str)
def test_a_pod_drains_the_queue(bench, kind, options):
    queue = bench.work_queue("quorum", b"apple", b"fig")
    assert start(bench, kind, queue, *options).finish().status == 0
    assert bench.path("done").read_bytes() == b"applefig"
    queue.assert_empty()


@pytest.mark.parametrize("kind", ["deployment", "scaledobject"])
def test_a_pod_serves(bench, kind):
    queue = bench.work_queue()
    runner = start(bench, kind, queue)
    queue.wait_for_consumer()
    queue.put(b"apple")
    wait_until(lambda: bench.path("done").exists() and bench.path("done").read_bytes(), what="the item's end")
    runner.send(signal.SIGTERM)
    assert runner.finish(PROMPT).status == 0
    queue.assert_empty()


@pytest.mark.parametrize("kind", ["job", "scaledjob"])
def test_a_pod_publishes_its_result(bench, kind):
    queue, results = bench.work_queue("quorum", b"apple"), bench.queue()
    assert start(bench, kind, queue, "--result-queue", results.name, script="cat; echo !").finish().status == 0
    assert results.take()[2] == b"apple!\n"


def test_what_a_pod_does_not_do_comes_back(bench):
    queue = bench.work_queue("quorum", b"apple")
    assert start(bench, "job", queue, "--retry-delay", "1s", script="exit 3").finish().status == 3
    queue.assert_back(1)
    assert start(bench, "job", queue).finish().status == 0
    assert bench.path("done").read_bytes() == b"apple"
