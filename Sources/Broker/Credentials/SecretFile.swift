internal import Linux

/// A file with a secret, which may be replaced at any time. It is opened by its path each time, because Kubernetes
/// replaces a mounted file by renaming a symbolic link. A file that is not regular, such as a pipe, is read only once.
package struct SecretFile: Sendable {
  /// The reason why the secret cannot be read. The text does not quote the contents of the file.
  package struct Unreadable: Error, Hashable, Sendable {
    package let reason: String
    /// Whether the system lacks the resources for reading, which may pass.
    package var mayPass = false
  }

  package let path: String
  /// The first secret, without newlines at its end.
  package let first: String
  private let isReplaceable: Bool

  package init(_ path: String) throws(Unreadable) {
    self.path = path
    isReplaceable = SmallFile.isRegular(path)
    first = try Self.content(path)
  }

  /// Reads the present secret.
  package func read() throws(Unreadable) -> String {
    guard isReplaceable else { return first }
    // Opening a pipe could block for ever.
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
