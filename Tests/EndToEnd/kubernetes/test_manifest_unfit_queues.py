"""amqp-job manifest job refuses a queue on which its pods would end with 78."""

import pytest

from support import manifests
from support.manifests import arguments, run

pytestmark = pytest.mark.any_broker

ANY_QUEUE = "AMQP_JOB_ANY_QUEUE=true"
UNFIT = {
    "a stream": ({"durable": True, "arguments": {"x-queue-type": "stream"}}, "it is a stream", None),
    "not durable": ({}, "is not durable", ANY_QUEUE),
    "auto-delete": ({"durable": True, "auto_delete": True}, "deletes itself", None),
}


def unfit(bench, name):
    queue = bench.name_queue("classic")
    options, why, cure = UNFIT[name]
    bench.client.channel.queue_declare(queue.name, **options)
    queue.put(b"apple")
    return queue, why, cure


def ask(bench, queue, *options):
    return run(bench, "job", *options, queue=queue.name, url=True)


@pytest.mark.parametrize("name", UNFIT)
def test_a_queue_that_the_pods_would_refuse_is_refused_in_the_words_of_run(bench, name):
    queue, why, cure = unfit(bench, name)
    result = ask(bench, queue)
    result.assert_error(78, queue.name, why, *([f"--env {cure}"] if cure else []))
    assert result.stdout == b""
    in_pod = bench.run("-q", queue.name, worker=["true"])
    assert in_pod.status == 78
    assert result.stderr.partition(";")[0].strip() == in_pod.stderr.partition(";")[0].strip()


@pytest.mark.parametrize("name", [name for name, (_, _, cure) in UNFIT.items() if cure])
def test_the_cure_makes_the_job(bench, name):
    queue, _, cure = unfit(bench, name)
    (job,) = manifests.objects(ask(bench, queue, "--env", cure))
    assert job["spec"]["completions"] == 1


@pytest.mark.parametrize("name", [name for name, (_, _, cure) in UNFIT.items() if not cure])
def test_nothing_makes_a_job_for_a_queue_that_no_pod_could_serve_or_see_drained(bench, name):
    queue, why, _ = unfit(bench, name)
    result = ask(bench, queue, "--env", ANY_QUEUE)
    result.assert_error(78, why)
    assert "ANY_QUEUE" not in result.stderr, result


@pytest.mark.parametrize("option", ["--max-attempts=2", "--env=AMQP_JOB_ON_FAILURE=reject"])
def test_a_dead_letter_exchange_that_is_missing_is_told(bench, option):
    queue = bench.queue("classic", b"apple", **{"x-dead-letter-exchange": bench.marker})
    ask(bench, queue, option).assert_error(78, queue.name, f"exchange '{bench.marker}', which is not there")
    assert ask(bench, queue).status == 0


def test_a_queue_that_is_there_for_runners_is_refused(bench):
    queue = bench.work_queue("quorum")
    ask(bench, queue.retry).assert_error(78, queue.retry.name, f"the items to serve are in queue '{queue.name}'")


def test_a_queue_that_stands_alone_among_queues_of_the_names_of_others_is_refused(bench):
    queue = bench.work_queue("classic", declare=False)
    for each in queue, queue.retry, queue.dead:
        bench.client.channel.queue_declare(each.name, durable=True)
    queue.put(b"apple")
    removal = f"amqp-job declare {queue.name} --delete --if-empty"
    ask(bench, queue).assert_error(78, queue.retry.name, "it is not what 'amqp-job declare' makes", f"remove them all ('{removal}')")
    queue.take()
    bench.run("--drained", queue.name, command="status").assert_error(78, f"remove them all ('{removal}')")
    for command in removal, f"amqp-job declare {queue.name}":
        assert bench.run(*command.split()[2:], command="declare").status == 0
    assert bench.run("--drained", queue.name, command="status").status == 0


@pytest.mark.parametrize("variable", ["AMQP_JOB_REJECT_ON=2", "AMQP_JOB_KEEP_STDERR=1KiB"])
def test_a_setting_that_needs_dead_letters_is_refused_for_a_queue_without(bench, variable):
    queue = bench.queue("quorum", b"apple")
    ask(bench, queue, "--env", variable).assert_error(78, queue.name, "amqp-job declare")


def test_a_variable_that_the_runner_would_refuse_is_refused(bench, queue):
    queue.put(b"apple")
    ask(bench, queue, "--env", "AMQP_JOB_REJECT_ON=x").assert_error(64, "AMQP_JOB_REJECT_ON is to be exit statuses")
    assert ask(bench, queue, "--env", "AMQP_JOB_REJECT_ON=$(CODES)").status == 0


def test_a_dead_letter_exchange_of_the_queues_own_takes_attempts_without_a_delay(bench):
    arguments_ = {"x-dead-letter-exchange": "amq.fanout"}
    queue = bench.queue("classic", b"apple", **arguments_)
    words = arguments("job", manifests.objects(ask(bench, queue)))
    assert not [word for word in words if "attempts" in word or "delay" in word]
    words = arguments("job", manifests.objects(ask(bench, queue, "--max-attempts", "5")))
    assert "--max-attempts=5" in words and not [word for word in words if "delay" in word]
    ask(bench, queue, "--retry-delay", "5s").assert_error(78, "dead-letter exchange of its own", "go without a delay")


def test_delays_that_grow_need_their_retry_queues(bench):
    growing = ("--retry-delay", "1s", "--retry-backoff", "2", "--retry-max", "2s")
    queue = bench.work_queue("quorum", b"apple", levels=2)
    cure = f"amqp-job declare {queue.name} {' '.join(growing)}"
    ask(bench, queue, *growing).assert_error(78, queue.levels[1].name, cure)
    assert bench.run(*cure.split()[2:], command="declare").status == 0
    made = ask(bench, queue, *growing)
    assert made.status == 0 and cure in made.stderr, made
