/// The name of an object, which is at once a label of its pods and the beginning of their names
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>).
package struct ObjectName: Hashable, Sendable, CustomStringConvertible {
  /// That of a CronJob, to which its controller appends 11 characters.
  package static let longest = 52

  package let description: String

  /// nil for what cannot be a name.
  package init?(_ text: String) {
    guard text.isDNSLabel, text.utf8.count <= Self.longest else { return nil }
    description = text
  }

  /// One that resembles a queue's name, which may be any text. Where not much of that is left, it ends in a hash of
  /// the queue's name.
  package init(resembling queue: String) {
    let words = queue.lowercased().utf8.split { !$0.isLowerCaseOrDigit }.map { String(Substring($0)) }
    let text = words.joined(separator: "-")
    if let name = Self(text) {
      self = name
      return
    }
    let hash = String(Self.hash(queue), radix: 36)
    let start = text.utf8.isEmpty ? "queue" : String(text.prefix(Self.longest - 1 - hash.count))
    description = (start.hasSuffix("-") ? start : start + "-") + hash
  }

  /// FNV-1a (<http://www.isthe.com/chongo/tech/comp/fnv/>).
  private static func hash(_ text: String) -> UInt32 {
    text.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
  }
}

extension String {
  /// As RFC 1123 has it.
  package var isDNSLabel: Bool { Substring(self).isDNSLabel }

  /// Labels with dots between them, 253 characters at most.
  package var isDNSSubdomain: Bool {
    utf8.count <= 253 && split(separator: ".", omittingEmptySubsequences: false).allSatisfy(\.isDNSLabel)
  }

  /// What a label may have for its value, other than nothing.
  package var isLabelValue: Bool {
    guard (1...63).contains(utf8.count), let first = utf8.first, let last = utf8.last else { return false }
    return first.isAlphanumeric && last.isAlphanumeric
      && utf8.allSatisfy { $0.isAlphanumeric || "-_.".utf8.contains($0) }
  }

  /// The key of a label or a taint: a name, and perhaps before it whose that is, as in `example.com/name`.
  package var isQualifiedName: Bool {
    let parts = split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    return parts.count <= 2 && (parts.last?.isLabelValue ?? false) && (parts.count == 1 || parts[0].isDNSSubdomain)
  }

  /// What Kubernetes takes for the name of a metric: a part of a path.
  package var isMetricName: Bool {
    !isEmpty && self != "." && self != ".." && utf8.allSatisfy { $0.isAlphanumeric || "-_.:".utf8.contains($0) }
  }

  /// A variable's name as every version of Kubernetes takes it.
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
