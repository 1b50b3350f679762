import AMQP
import Broker
import Console
import Linux

/// How a short command talks to the broker: it connects, opens one channel, asks what it has to ask, and closes.
///
/// A `BrokerFailure` ends the connection and a `BrokerSession.Stopped` ends the command. Both are thrown as they are, because a
/// command that goes on for longer may connect again. Any other error is thrown as a `Failure` that names the queue.
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
  /// - Throws: `BrokerFailure`, `BrokerSession.Stopped`
  func connect(
    largestBodyInMemory: Int = .max, signals: SignalReceiver? = nil, isSilent: Bool = false,
    advice: @escaping (BrokerURL) -> LogMessage = { _ in "" }
  ) throws -> BrokerSession {
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
  /// - Throws: `BrokerFailure`, `BrokerSession.Stopped`, `Failure`
  func hold<Result>(
    about queue: String, largestBodyInMemory: Int = .max, _ body: (BrokerSession) throws -> Result
  ) throws -> Result {
    let session = try connect(largestBodyInMemory: largestBodyInMemory)
    defer { session.close() }
    return try explaining(queue, session) {
      try session.openChannel(Self.channel)
      return try body(session)
    }
  }

  private func explaining<Result>(
    _ queue: String, _ session: BrokerSession, _ body: () throws -> Result
  ) throws -> Result {
    switch client {
    case .command: try session.explainingErrors(about: queue, body)
    case .tool: try session.explainingErrors(body) { Failure($0, subject: "queue '\(queue)' at \(session.broker)") }
    }
  }
}

extension BrokerSession {
  /// Runs `body`, which asks the broker about a queue. An error other than the loss of the connection and a signal becomes a
  /// `Failure` that names the queue.
  /// - Throws: `BrokerFailure`, `BrokerSession.Stopped`, `Failure`
  func explainingErrors<Result>(about queue: String, _ body: () throws -> Result) throws -> Result {
    try explainingErrors(body) { Failure($0, queue: queue, broker: broker) }
  }

  fileprivate func explainingErrors<Result>(
    _ body: () throws -> Result, _ explain: (any Error) -> Failure
  ) throws -> Result {
    do { return try body() } catch  where error is BrokerFailure || error is Stopped {
      throw error
    } catch {
      throw explain(error)
    }
  }
}
