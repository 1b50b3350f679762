import AMQP
import Broker
import Linux

/// Why a command's conversation with the broker ended early.
enum ConversationError: Error {
  /// The connection could not be made, or was lost. A command that goes on for longer may connect again.
  case connection(BrokerFailure)
  /// A signal ends the command.
  case stopped(Signal)
  /// The command fails.
  case failed(Failure)
}

extension SessionError {
  /// The error for a command, in which `explain` names what the broker was asked about.
  func explained(_ explain: (SessionError) -> Failure) -> ConversationError {
    switch self {
    case .connection(let failure): .connection(failure)
    case .stopped(let signal): .stopped(signal)
    case .refused, .unanswered, .unsendable, .system: .failed(explain(self))
    }
  }
}

extension BrokerSession {
  /// Runs `body`, which asks the broker about a queue. The failure names that queue.
  func explainingErrors<Result>(
    about queue: String, _ body: () throws(SessionError) -> Result
  ) throws(ConversationError) -> Result {
    do { return try body() } catch { throw error.explained { Failure($0, queue: queue, broker: broker) } }
  }
}
