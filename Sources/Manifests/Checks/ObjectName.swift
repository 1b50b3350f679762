/// The name of an object. It is also the value of a label on the object's pods, and the beginning of their names
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>).
package struct ObjectName: Hashable, Sendable, CustomStringConvertible {
  /// The maximum length for a CronJob, whose controller appends 11 characters. The limit applies to every kind.
  package static let maxLength = 52

  package let description: String

  /// nil if the text is not a valid name.
  package init?(_ text: String) {
    guard text.isDNSLabel, text.utf8.count <= Self.maxLength else { return nil }
    description = text
  }

  /// Makes a name that resembles the name of a queue, which may be any text. If the queue's name has to be shortened, or
  /// nothing of it remains, the result ends with its hash.
  package init(resembling queue: String) {
    let words = queue.lowercased().utf8.split { !$0.isLowerCaseOrDigit }.map { String(Substring($0)) }
    let text = words.joined(separator: "-")
    if let name = Self(text) {
      self = name
      return
    }
    let hash = String(Self.hash(queue), radix: 36)
    let start = text.utf8.isEmpty ? "queue" : String(text.prefix(Self.maxLength - 1 - hash.count))
    description = (start.hasSuffix("-") ? start : start + "-") + hash
  }

  /// FNV-1a (<http://www.isthe.com/chongo/tech/comp/fnv/>).
  private static func hash(_ text: String) -> UInt32 {
    text.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
  }
}

extension String {
  /// Whether this is a DNS label as defined by RFC 1123, in lower case.
  package var isDNSLabel: Bool { Substring(self).isDNSLabel }

  /// Whether this consists of DNS labels with dots between them, with at most 253 characters.
  package var isDNSSubdomain: Bool {
    utf8.count <= 253 && split(separator: ".", omittingEmptySubsequences: false).allSatisfy(\.isDNSLabel)
  }

  /// Whether this is a valid value of a Kubernetes label and not empty.
  package var isLabelValue: Bool {
    guard (1...63).contains(utf8.count), let first = utf8.first, let last = utf8.last else { return false }
    return first.isAlphanumeric && last.isAlphanumeric
      && utf8.allSatisfy { $0.isAlphanumeric || "-_.".utf8.contains($0) }
  }

  /// Whether this is a valid key of a label or a taint: a name with an optional prefix, as in `example.com/name`.
  package var isQualifiedName: Bool {
    let parts = split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    return parts.count <= 2 && (parts.last?.isLabelValue ?? false) && (parts.count == 1 || parts[0].isDNSSubdomain)
  }

  /// Whether Kubernetes accepts this as the name of a metric, which becomes a segment of a URL path.
  package var isMetricName: Bool {
    !isEmpty && self != "." && self != ".." && utf8.allSatisfy { $0.isAlphanumeric || "-_.:".utf8.contains($0) }
  }

  /// Whether every version of Kubernetes accepts this as the name of an environment variable.
  package var isVariableName: Bool {
    guard let first = utf8.first, !first.isDigit else { return false }
    return utf8.allSatisfy { $0.isAlphanumeric || "-_.".utf8.contains($0) }
  }
}

extension Substring {
  var isDNSLabel: Bool {
    guard (1...63).contains(utf8.count), let first = utf8.first, let last = utf8.last else { return false }
    return first.isLowerCaseOrDigit && last.isLowerCaseOrDigit
      && utf8.allSatisfy { $0.isLowerCaseOrDigit || $0 == UInt8(ascii: "-") }
  }
}
