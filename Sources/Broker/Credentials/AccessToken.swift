internal import JSONText

/// An OAuth 2 access token, which is used as the password. The broker verifies it; this program reads only its expiry
/// time.
struct AccessToken: Hashable, Sendable {
  let text: String
  /// The expiry time in seconds since 1970. It is nil if the token is not a JWT (RFC 7519) with an `exp` claim.
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
