/// The variables of the environment, including those that are not settings of this program.
struct Environment {
  /// Each is `NAME=value`.
  let entries: [[UInt8]]

  init(_ entries: [[UInt8]]) { self.entries = entries }

  /// The variable's value, which need not be UTF-8.
  func bytes(of name: String) -> ArraySlice<UInt8>? {
    let start = Array("\(name)=".utf8)
    return entries.first { $0.starts(with: start) }?[start.count...]
  }

  /// The variable's value as text. Bytes that are not UTF-8 become U+FFFD.
  subscript(name: String) -> String? { bytes(of: name).map { String(decoding: $0, as: UTF8.self) } }

  var temporaryDirectory: String { self["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp" }
  var path: String { self["PATH"] ?? "/usr/local/bin:/usr/bin:/bin" }
}
