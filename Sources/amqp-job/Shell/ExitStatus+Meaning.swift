import Console

extension ExitStatus {
  /// What each status means to a user, for the manual.
  static let meanings: [(status: ExitStatus, meaning: String)] = [
    (success, "All that was asked for is done: the worker exited 0 on everything that was taken, and it was acked."),
    (failure, "The worker failed; or what was asked for or after is not so: no runner is alive, items are left."),
    (usage, "Bad usage: an option, an argument or a setting cannot be understood."),
    (refusedData, "The broker refuses a body, or a line of --jsonl is no item."),
    (noQueue, "There is no such queue or exchange."),
    (unreachable, "The broker, or the queue's node, was out of reach for --connect-timeout."),
    (internalError, "The system has no process, memory or descriptors for the runner or a worker. It is no attempt."),
    (inputOutputError, "An item cannot be stored, an input not be read, or a file or standard output not be written."),
    (
      temporaryFailure,
      "The connection was lost, or a queue full, another consumer's alone, or not drained in time. The item may be run again."
    ),
    (itemTakenBack, "The broker took the item back from the worker, or refused the ack."),
    (
      notPermitted,
      "Login or permission is refused, a token ran out, there is no such vhost, or TLS finds that one cannot be trusted."
    ),
    (wrongQueue, "The queue is of a kind that cannot be used, or was declared otherwise."),
    (timedOut, "The worker ran past --timeout."),
    (notExecutable, "The worker's command is not executable."),
    (commandNotFound, "The worker's command was not found."),
  ]
}
