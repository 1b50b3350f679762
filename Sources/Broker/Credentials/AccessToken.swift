internal import JSONText

/// An OAuth 2 access token, which is given as the password. It is the broker that verifies it: nothing of it is looked at but the
/// time when it runs out.
struct AccessToken: Hashable, Sendable {
  let text: String
  /// When it runs out, in seconds since 1970; nil for what is no JWT (RFC 7519) whose claim `exp` says so.
  let expiry: Double?

  init(_ text: String) {
    self.text = text
    expiry = Self.expiry(of: text)
  }

  private static func expiry(of text: String) -> Double? {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 3, let claims = Base64.decodedURL(parts[1]),
      case .object(let members)? = try? JSONReader.read(claims)
    else { return nil }
    return switch members.first(where: { $0.name == "exp" })?.value {
    case .integer(let seconds): Double(seconds)
    case .number(let seconds): seconds
    default: nil
    }
  }
}
