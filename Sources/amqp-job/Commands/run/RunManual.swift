import Arguments
import Console

/// The parts of the manual page of `amqp-job run` other than its options.
extension Run {
  static let exitStatuses = [
    Explained(
      .success,
      "The command exited 0 on all that was taken, and each ack was taken; or the queue is drained, where that was "
        + "asked for, and with --drain no item was dead-lettered here."),
    Explained(
      .failure,
      "The command failed on one of several items, or could not be started with the only one, or that was "
        + "dead-lettered unrun; with --drain, an item was dead-lettered here."),
    StatusMeaning.usage,
    Explained(.noQueue, "There is no such queue, after --wait-first."), StatusMeaning.unreachable,
    Explained(
      .internalError, "The system has no process, memory or descriptors for it or for a worker. It is no attempt."),
    Explained(.inputOutputError, "An item cannot be stored, or --liveness-file or --log-file not be made."),
    Explained(
      .temporaryFailure,
      "The connection was lost while the command ran, or before the ack was confirmed: the item may be run again. Or "
        + "another consumer has the queue to itself, or it is not drained in --drain-timeout."),
    Explained(.itemTakenBack, "The broker took the item back from the command, or refused the ack."),
    StatusMeaning.notPermitted,
    Explained(
      .wrongQueue,
      "The queue is of a kind that cannot be used, or was declared otherwise, or has no retries where they are asked for."
    ),
    Explained(.timedOut, "The command ran past --timeout."),
    Explained(.notExecutable, "The command is not executable."),
    Explained(.commandNotFound, "The command, or its interpreter, was not found."),
    Explained("128 + N", "Signal N ended it, or the command."),
    Explained("other", "The command's own; of these 64 to 78 and 124 to 128 become 1, unless --raw-status is given."),
  ]

  static let environment =
    workerEnvironment + [Explained("WORK_ITEM_FILE", "For the command, with --feed file: the path of the item.")]

  /// The variables in the environment of every command that is run on items.
  static let workerEnvironment = [
    Explained(
      "WORK_ITEM_ID, WORK_ITEM_ATTEMPT, ...",
      "For the command: what the item has of ID, ATTEMPT (1 the first), REDELIVERED, QUEUE, EXCHANGE, ROUTING_KEY, "
        + "CONTENT_TYPE, CONTENT_ENCODING, CORRELATION_ID, REPLY_TO, TIMESTAMP, TYPE, APP_ID and PRIORITY."),
    Explained(
      "WORK_ITEM_HEADER_NAME",
      "For the command: a header that is a number, text, time or boolean, its name in upper case with _ for what is "
        + "neither letter nor digit. WORK_ITEM_HEADERS_OMITTED names those that are too large or of one name."),
    Explained("TRACEPARENT", "For the command: the item's header traceparent, where it has one."),
  ]
}
