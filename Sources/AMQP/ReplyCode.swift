/// The reply code of a close or a return (AMQP 0-9-1, 1.2 "AMQP-defined constants"). Codes that are not listed here are
/// kept.
package struct ReplyCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  package let rawValue: UInt16

  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package static let success = ReplyCode(rawValue: 200)
  package static let contentTooLarge = ReplyCode(rawValue: 311)
  package static let noRoute = ReplyCode(rawValue: 312)
  package static let connectionForced = ReplyCode(rawValue: 320)
  package static let accessRefused = ReplyCode(rawValue: 403)
  package static let notFound = ReplyCode(rawValue: 404)
  package static let resourceLocked = ReplyCode(rawValue: 405)
  package static let preconditionFailed = ReplyCode(rawValue: 406)
  package static let notAllowed = ReplyCode(rawValue: 530)
  package static let notImplemented = ReplyCode(rawValue: 540)
  package static let internalError = ReplyCode(rawValue: 541)

  package var description: String { "\(rawValue)" }
}

/// Why a broker closed a channel or a connection, or returned a message: its reply code and reply text.
package struct CloseReason: Hashable, Sendable, CustomStringConvertible {
  package var code: ReplyCode
  package var text: String

  package init(code: ReplyCode, text: String) {
    self.code = code
    self.text = text
  }

  package var description: String { "\(code) \(text)" }

  /// Whether the text contains these words.
  package func says(_ words: String) -> Bool {
    let text = Array(text.utf8)
    return text.indices.contains { text[$0...].starts(with: words.utf8) }
  }

  /// Whether a message exceeds the broker's size limit. RabbitMQ has no reply code of its own for that, so the text
  /// decides.
  package var isMessageTooLarge: Bool {
    code == .contentTooLarge || code == .preconditionFailed && says("message size")
  }

  /// Whether a close during the login is permanent: the credentials are wrong, or the virtual host does not exist or is
  /// not permitted. A later login may succeed if the broker is shutting down, has too many connections, or the virtual
  /// host is down. The last two have the reply code of a missing virtual host, so only the text tells them apart.
  var refusesLogin: Bool {
    switch code {
    case .accessRefused: true
    case .notAllowed: !text.split(separator: " ").contains("limit") && !text.hasSuffix("is down")
    default: false
    }
  }
}
