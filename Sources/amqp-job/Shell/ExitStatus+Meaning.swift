import Console

extension ExitStatus {
  /// What each status means to a user, for the manual.
  static let meanings: [(status: ExitStatus, meaning: String)] = [
    (
      success,
      "Everything that was asked for is done. The worker exited 0 on each item that was taken, and the item was acked."
    ),
    (failure, "The worker failed, or the answer to a question is no: no runner is alive, say, or items are left."),
    (usage, "An option, an argument or a setting cannot be understood."),
    (refusedData, "The broker refused a body, or a line of --jsonl is not an item."),
    (noQueue, "There is no such queue or exchange."),
    (unreachable, "The broker, or the queue's node, was out of reach for --connect-timeout."),
    (
      internalError,
      "The system has no process, memory or file descriptor for the runner or a worker. This does not count as an attempt."
    ),
    (
      inputOutputError,
      "An item cannot be stored, an input cannot be read, or a file or standard output cannot be written."
    ),
    (
      temporaryFailure,
      "The connection was lost, a queue is full, another consumer has exclusive access to it, or it was not drained in time. "
        + "The item may be run again."
    ),
    (itemTakenBack, "The broker took the item back from the worker, or refused the ack."),
    (
      notPermitted,
      "The login or a permission was refused, a token expired, the vhost does not exist, or TLS found no reason to trust "
        + "the other side."
    ),
    (wrongQueue, "The queue is of an unsupported kind, or was declared with other properties."),
    (timedOut, "The worker ran past --timeout."),
    (notExecutable, "The worker's command is not executable."),
    (commandNotFound, "The worker's command was not found."),
  ]
}
