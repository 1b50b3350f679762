"""Runs `amqp-job declare`, and checks how queues are declared."""

import pika.exceptions


def declared(queue, **expected):
    """Whether the broker accepts a declaration with exactly these arguments as equivalent."""
    try:
        queue.client.channel.queue_declare(queue.name, durable=True, arguments=expected or None)
    except pika.exceptions.ChannelClosedByBroker as error:
        raise AssertionError(f"declared otherwise: {error.reply_text}") from None
    return True


def declare(bench, *arguments, **options):
    """Runs `amqp-job declare`."""
    return bench.run(*arguments, command="declare", **options)


def dead_lettering(target, kind="quorum"):
    """The arguments of a queue that `amqp-job declare` makes with `target` as its dead-letter queue."""
    safe = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
    return {
        "x-queue-type": kind, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": target,
        **(safe if kind == "quorum" else {}),
    }
