import AMQP
import Broker
import Console
import Linux

/// How a short command talks to the broker: it connects, opens one channel, asks what it has to ask, and closes.
struct BrokerConversation {
  static let channel: UInt16 = 1

  private enum Client {
    /// A command of amqp-job. It tries the brokers in turn until `--connect-timeout` has passed.
    case command(BrokerOptions, Reporter)
    /// A program of amqp-tools. It tries its one broker once.
    case tool(ConnectionOptions)
  }

  private let client: Client
  /// The name of the connection, which the broker's management pages show.
  private let name: String

  init(_ name: String, _ options: BrokerOptions, _ reporter: Reporter) {
    self.name = name
    client = .command(options, reporter)
  }

  init(program: String, _ options: ConnectionOptions) {
    name = program
    client = .tool(options)
  }

  /// Connects. A command of amqp-job reports what it waits for, with `advice`, unless `isSilent`.
  func connect(
    largestBodyInMemory: Int = .max, signals: SignalReceiver? = nil, isSilent: Bool = false,
    advice: @escaping (BrokerURL) -> LogMessage = { _ in "" }
  ) throws(ConversationError) -> BrokerSession {
    do {
      return try session(
        largestBodyInMemory: largestBodyInMemory, signals: signals, isSilent: isSilent, advice: advice)
    } catch {
      throw error.explained { Failure(.internalError, "\($0)") }
    }
  }

  /// The same, with the error as the session has it.
  func session(
    largestBodyInMemory: Int = .max, signals: SignalReceiver? = nil, isSilent: Bool = false,
    advice: @escaping (BrokerURL) -> LogMessage = { _ in "" }
  ) throws(SessionError) -> BrokerSession {
    switch client {
    case .command(let options, let reporter):
      try options.connect(
        name: name, isSilent ? nil : reporter, largestBodyInMemory: largestBodyInMemory, signals: signals,
        advice: advice)
    case .tool(let options):
      try BrokerSession.connect(
        to: options.broker, heartbeat: options.heartbeat, name: name, access: options.access,
        maxBodySizeInMemory: largestBodyInMemory)
    }
  }

  /// Runs `body` on a connection of its own, whose channel `channel` is open.
  func hold<Result>(
    about queue: String, largestBodyInMemory: Int = .max,
    _ body: (QueueConversation) throws(ConversationError) -> Result
  ) throws(ConversationError) -> Result {
    let session = try connect(largestBodyInMemory: largestBodyInMemory)
    defer { session.close() }
    let conversation = QueueConversation(session) { failure($0, queue, session.broker) }
    try conversation.ask { session throws(SessionError) in try session.openChannel(Self.channel) }
    return try body(conversation)
  }

  private func failure(_ error: SessionError, _ queue: String, _ broker: BrokerURL) -> Failure {
    switch client {
    case .command: Failure(error, queue: queue, broker: broker)
    case .tool: Failure(error, subject: "queue '\(queue)' at \(broker)")
    }
  }
}

/// A conversation about one queue, over a connection that somebody else closes.
struct QueueConversation {
  let session: BrokerSession
  private let explain: (SessionError) -> Failure

  /// `explain` names the queue in an error of the session.
  init(_ session: BrokerSession, explain: @escaping (SessionError) -> Failure) {
    (self.session, self.explain) = (session, explain)
  }

  /// Asks the broker something.
  func ask<Answer>(
    _ question: (BrokerSession) throws(SessionError) -> Answer
  ) throws(ConversationError) -> Answer {
    do { return try question(session) } catch { throw explained(error) }
  }

  func explained(_ error: SessionError) -> ConversationError { error.explained(explain) }
}
