import Arguments
import Console

extension ExitStatus {
  /// What each status means to a user, for the manual.
  static let meanings: [Explained] = [
    Explained(
      .success,
      "Everything that was asked for is done. The worker exited 0 on each item that was taken, and the item was acked."
    ),
    Explained(
      .failure, "The worker failed, or the answer to a question is no: no runner is alive, say, or items are left."),
    StatusMeaning.usage,
    Explained(.refusedData, "The broker refused a body, or a line of --jsonl is not an item."),
    Explained(.noQueue, "There is no such queue or exchange."),
    Explained(
      .unreachable, "The broker, the queue's node or a step was out of reach for --connect-timeout."),
    Explained(
      .internalError,
      "The system has no process, memory or file descriptor for the runner or a worker. This does not count as an attempt."
    ),
    Explained(
      .inputOutputError,
      "An item cannot be stored, an input cannot be read, or a file or standard output cannot be written."
    ),
    Explained(
      .temporaryFailure,
      "The connection was lost, a queue is full, another consumer has exclusive access to it, or it was not drained in time. "
        + "The item may be run again."
    ),
    Explained(.itemTakenBack, "The broker took the item back from the worker, or refused the ack."),
    StatusMeaning.notPermitted,
    Explained(
      .wrongQueue,
      "The queue is of an unsupported kind, or was declared with other properties. Or a step speaks another version of the protocol."
    ),
    Explained(.timedOut, "The worker ran past --timeout."),
    Explained(.notExecutable, "The worker's command is not executable."),
    Explained(.commandNotFound, "The worker's command was not found."),
  ]
}
