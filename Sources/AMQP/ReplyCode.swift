/// The code with which a broker explains a close or a return
/// (AMQP 0-9-1, 1.2 "AMQP-defined constants"; values unknown to us survive).
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

/// Why a broker closed a channel or a connection, in its own words.
package struct CloseReason: Hashable, Sendable, CustomStringConvertible {
  package var code: ReplyCode
  package var text: String

  package init(code: ReplyCode, text: String) {
    self.code = code
    self.text = text
  }

  package var description: String { "\(code) \(text)" }

  /// Whether a message was larger than the broker takes: RabbitMQ has no code of its own for that.
  package var isAboutTheSizeOfAMessage: Bool {
    code == .contentTooLarge || code == .preconditionFailed && text.contains("message size")
  }

  /// Whether a close during the login is for good: wrong credentials, or a virtual host that is not
  /// there or not for us. A broker that is shutting down, has too many connections, or whose virtual host is down may take
  /// us later; that the latter two have the same code as a virtual host that is not there stands in the text alone.
  var refusesLogin: Bool {
    switch code {
    case .accessRefused: true
    case .notAllowed: !text.split(separator: " ").contains("limit") && !text.hasSuffix("is down")
    default: false
    }
  }
}
