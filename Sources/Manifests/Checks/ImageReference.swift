/// The name of a container image, as in `registry.example:5000/team/image:1@sha256:...`
/// (<https://github.com/distribution/reference/blob/main/reference.go>).
package struct ImageReference: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  /// nil if the text is not a valid reference.
  package init?(_ text: String) {
    var name = Substring(text)
    if let at = name.firstIndex(of: "@") {
      guard Self.isDigest(name[at...].dropFirst()) else { return nil }
      name = name[..<at]
    }
    if let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") {
      guard Self.isTag(name[colon...].dropFirst()) else { return nil }
      name = name[..<colon]
    }
    var components = name.split(separator: "/", omittingEmptySubsequences: false)
    if components.count > 1, let host = components.first, Self.isHost(host) { components.removeFirst() }
    guard name.utf8.count <= 255, components.allSatisfy(Self.isPathComponent) else { return nil }
    description = text
  }

  private static func isDigest(_ text: Substring) -> Bool {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    return parts.count == 2 && parts[0].utf8.first?.isAlphanumeric == true
      && parts[0].utf8.allSatisfy { $0.isAlphanumeric || "+._-".utf8.contains($0) }
      && parts[1].utf8.count >= 32 && parts[1].allSatisfy(\.isHexDigit)
  }

  private static func isTag(_ text: Substring) -> Bool {
    guard (1...128).contains(text.utf8.count), let first = text.utf8.first else { return false }
    return (first.isAlphanumeric || first == UInt8(ascii: "_"))
      && text.utf8.allSatisfy { $0.isAlphanumeric || "_.-".utf8.contains($0) }
  }

  /// Whether the first component is a host. It is one if it contains a dot, a port or a capital letter, or is `localhost`.
  /// Otherwise it is a part of the path.
  private static func isHost(_ text: Substring) -> Bool {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let isNamed = !parts[0].isEmpty && parts[0].utf8.allSatisfy { $0.isAlphanumeric || ".-".utf8.contains($0) }
    guard parts.count == 1 else { return isNamed && UInt16(parts[1]) != nil }
    return isNamed && (text.contains(".") || text == "localhost" || text.lowercased() != text)
  }

  /// Whether this consists of lower-case letters and digits with separators between them.
  private static func isPathComponent(_ text: Substring) -> Bool {
    guard let first = text.utf8.first, let last = text.utf8.last else { return false }
    return first.isLowerCaseOrDigit && last.isLowerCaseOrDigit
      && text.utf8.allSatisfy { $0.isLowerCaseOrDigit || "._-".utf8.contains($0) }
  }
}
