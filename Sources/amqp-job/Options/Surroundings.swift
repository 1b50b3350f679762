/// The variables of the environment, of which some are no settings of ours.
struct Surroundings {
  /// `NAME=value` each.
  let environment: [[UInt8]]

  init(_ environment: [[UInt8]]) { self.environment = environment }

  /// The variable's value, which need not be text.
  func bytes(of name: String) -> ArraySlice<UInt8>? {
    let start = Array("\(name)=".utf8)
    return environment.first { $0.starts(with: start) }?[start.count...]
  }

  /// The same as text, in which what is not UTF-8 becomes U+FFFD.
  subscript(name: String) -> String? { bytes(of: name).map { String(decoding: $0, as: UTF8.self) } }

  var temporaryDirectory: String { self["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp" }
  var path: String { self["PATH"] ?? "/usr/local/bin:/usr/bin:/bin" }
}
