internal import Linux

/// A file with a secret, which may be replaced at any time. It is read by its path each time: Kubernetes replaces what it has mounted
/// by renaming a symbolic link. What is no regular file (a pipe) can be read once only, and stays as it was.
package struct SecretFile: Sendable {
  /// Why a file gives no secret. It repeats nothing of what is in there.
  package struct Unreadable: Error, Hashable, Sendable {
    package let reason: String
    /// The system is short of what reading takes.
    package var mayPass = false
  }

  package let path: String
  /// As it was at first, without the newlines at its end.
  package let first: String
  private let isReplaceable: Bool

  /// - Throws: `Unreadable`
  package init(_ path: String) throws(Unreadable) {
    self.path = path
    isReplaceable = SmallFile.isRegular(path)
    first = try Self.content(path)
  }

  /// What is there now.
  /// - Throws: `Unreadable`
  package func read() throws(Unreadable) -> String {
    guard isReplaceable else { return first }
    // A pipe in its place might have us wait for ever.
    guard SmallFile.isRegular(path) else { throw Unreadable(reason: "it is not there, or no regular file any more") }
    return try Self.content(path)
  }

  private static func content(_ path: String) throws(Unreadable) -> String {
    let bytes: [UInt8]
    do { bytes = try SmallFile.read(path) } catch {
      throw Unreadable(reason: error.reason, mayPass: error.isTemporary)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Unreadable(reason: "it is not text in UTF-8")
    }
    return text.withoutTrailingNewlines
  }
}
