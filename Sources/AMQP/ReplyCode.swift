/// The code with which a broker explains a close or a return
/// (AMQP 0-9-1, 1.2 "AMQP-defined constants"; values unknown to us survive).
public struct ReplyCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: UInt16

  public init(rawValue: UInt16) { self.rawValue = rawValue }

  public static let success = ReplyCode(rawValue: 200)
  public static let contentTooLarge = ReplyCode(rawValue: 311)
  public static let noRoute = ReplyCode(rawValue: 312)
  public static let connectionForced = ReplyCode(rawValue: 320)
  public static let accessRefused = ReplyCode(rawValue: 403)
  public static let notFound = ReplyCode(rawValue: 404)
  public static let resourceLocked = ReplyCode(rawValue: 405)
  public static let preconditionFailed = ReplyCode(rawValue: 406)
  public static let notAllowed = ReplyCode(rawValue: 530)
  public static let notImplemented = ReplyCode(rawValue: 540)
  public static let internalError = ReplyCode(rawValue: 541)

  public var description: String { "\(rawValue)" }
}

/// Why a broker closed a channel or a connection, in its own words.
public struct CloseReason: Hashable, Sendable, CustomStringConvertible {
  public var code: ReplyCode
  public var text: String

  public init(code: ReplyCode, text: String) {
    self.code = code
    self.text = text
  }

  public var description: String { "\(code) \(text)" }

  /// Whether a message was larger than the broker takes: RabbitMQ has no code of its own for that.
  public var isAboutTheSizeOfAMessage: Bool {
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
