import Arguments
import Console

/// The parts of the manual page of `amqp-job run` other than its options.
extension Run {
  static let exitStatuses = [
    Explained(
      .success,
      "The command exited 0 on every item that was taken, and the broker took every ack. With --when-empty exit, the "
        + "queue may have been drained before -n items were taken. With --drain, the status instead means that the queue "
        + "is drained and that this runner dead-lettered no item. With --forever, it means that a signal ended the "
        + "runner."),
    Explained(
      .failure,
      "The command failed on one of several items. Or the command could not be started with the only item, its result "
        + "could not be published, its step was lost, or it was dead-lettered without being run. Or, with --drain, this "
        + "runner dead-lettered an item. Or items were lost with a queue that deletes itself."),
    StatusMeaning.usage,
    Explained(.noQueue, "There is no such queue, after --wait-first."),
    Explained(
      .unreachable,
      "The broker, or the queue's node, was out of reach for --connect-timeout. Or a step did not answer for that long."
    ),
    Explained(
      .internalError,
      "The system has no process, memory or file descriptor for the runner or a worker. This does not count as an "
        + "attempt."),
    Explained(
      .inputOutputError,
      "An item cannot be stored, or what the command writes cannot be written to where --output says. Or the "
        + "--liveness-file cannot be made, the --log-file or --joblog cannot be opened, or the address of --metrics cannot be had."
    ),
    Explained(
      .temporaryFailure,
      "The connection was lost while the command ran or before the ack was confirmed, so the item may be run again. "
        + "Or another consumer has exclusive access to the queue. Or the queue was not drained within --drain-timeout."),
    Explained(.itemTakenBack, "The broker took the item back while the command ran, or it refused the ack."),
    StatusMeaning.notPermitted,
    Explained(
      .wrongQueue,
      "The queue is of an unsupported kind, or was declared with other properties. Or options ask for retries, and the "
        + "queue has none. Or a step speaks another version of the protocol."),
    Explained(.timedOut, "The command ran past --timeout."),
    Explained(.notExecutable, "The command is not executable."),
    Explained(.commandNotFound, "The command, or its interpreter, was not found."),
    Explained("128 + N", "Signal N ended the runner (without --forever) or the command."),
    Explained(
      "other",
      "The status is the command's own. A command's 64 to 78 and 124 to 128 become 1, unless --raw-status is given."),
  ]

  static let environment =
    workerEnvironment + [
      Explained("WORK_ITEM_FILE", "With --feed file, this is the path of the item's file. It is set for the command."),
      Explained(
        "WORK_ITEM_COUNT, WORK_ITEM_QUEUE, WORK_ITEM_DIR",
        "With --batch, these are the number of the batch's items, their queue, and with --feed dir the path of the directory "
          + "with their files. The variables about a single item are not set then."),
      Explained(
        "OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, ...",
        "A collector of OpenTelemetry that gets a span for each item, over HTTP in JSON. The other variables are "
          + "OTEL_EXPORTER_OTLP_HEADERS, _TIMEOUT, _PROTOCOL (http/json), _CERTIFICATE, _CLIENT_CERTIFICATE and "
          + "_CLIENT_KEY, OTEL_BSP_SCHEDULE_DELAY, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG, "
          + "OTEL_TRACES_EXPORTER and OTEL_SDK_DISABLED. The command sees them, too."),
    ]

  /// The variables in the environment of every command that is run on items.
  static let workerEnvironment = [
    Explained(
      "WORK_ITEM_ID, WORK_ITEM_ATTEMPT, ...",
      "Properties of the item, set for the command: ID, ATTEMPT (the first is 1), REDELIVERED, QUEUE, EXCHANGE, "
        + "ROUTING_KEY, CONTENT_TYPE, CONTENT_ENCODING, CORRELATION_ID, REPLY_TO, TIMESTAMP, TYPE, APP_ID and PRIORITY. A "
        + "property that the item does not have is not set."),
    Explained(
      "WORK_ITEM_HEADER_NAME",
      "A header of the item that is a number, text, a time or a boolean, set for the command. The name is in upper "
        + "case, with _ for each character that is neither a letter nor a digit. WORK_ITEM_HEADERS_OMITTED names the "
        + "headers that are left out, as they are too large or share a name."),
    Explained(
      "TRACEPARENT, TRACESTATE, BAGGAGE",
      "The item's headers traceparent, tracestate and baggage, set for the command if the item has them. Where run sends "
        + "traces, TRACEPARENT is the item's span."),
  ]
}
