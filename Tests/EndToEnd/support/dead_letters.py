"""How the tests of `amqp-job dead` make dead letters and look at them."""

import datetime

TIME = datetime.datetime(2026, 2, 28, 23, 59, 58)
ENDED = {
    "x-amqp-job-queue": "fruits", "x-amqp-job-reason": "failed", "x-amqp-job-status": 3, "x-amqp-job-attempts": 4,
    "x-amqp-job-host": "pod-1", "x-amqp-job-time": TIME,
}


def dead(bench, action, *arguments, **options):
    return bench.run(action, *arguments, command="dead", **options)


def numbers(*parts):
    return [b"%d" % number for part in parts for number in part]


def content(queue):
    return [body for _, _, body in queue.take_all()]


def content_of_many(queue):
    """The same as `content`, with one consumer instead of one request per item. Nobody else may use the queue
    meanwhile."""
    left = queue.depth()
    channel = queue.client.channel
    bodies = [body for _, (_, _, body) in zip(range(left), channel.consume(queue.name, auto_ack=True))] if left else []
    channel.cancel()
    return bodies


def put_many(bench, queue, count, *options):
    """Publishes the bodies of `numbers(range(count))`."""
    with open(bench.file("items", b"".join(b"%d\n" % number for number in range(count)))) as items:
        result = bench.run("-q", queue.name, *options, command="publish", stdin=items)
    assert result.status == 0, result


def cells(line):
    return [cell for cell in line.split("  ") if cell]
