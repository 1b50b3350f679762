/// Finds variables of the environment that look like a tool's options, as `TOOL_SOME_THING` does, but are none.
package struct UnknownVariables: Sendable {
  private let prefix: String
  private let options: [String]

  /// A variable that looks like an option, but is none.
  package struct Found: Hashable, Sendable {
    package let name: String
    /// The name of the option that was probably meant.
    package let meant: String?
  }
  /// Other words for options, with the names of their variables.
  private let synonyms: [String: String]

  /// - Parameters:
  ///   - tool: the tool's name, such as `some-tool`.
  ///   - options: the names of its options.
  ///   - synonyms: other words for some of them.
  package init(tool: String, options: some Sequence<String>, synonyms: [String: String] = [:]) {
    prefix = Self.variable(tool) + "_"
    self.options = Array(options)
    let words = synonyms.map { (Self.variable($0).lowercased(), Self.variable($1)) }
    self.synonyms = Dictionary(words) { first, _ in first }
  }

  /// The name of an option as a variable has it: `SOME_THING` for `some-thing`.
  package static func variable(_ name: String) -> String { String(name.uppercased().map { $0 == "-" ? "_" : $0 }) }

  /// A warning for each unknown variable among the entries `NAME=value`. It leaves out the value.
  package func warnings(_ environment: [[UInt8]]) -> [String] {
    find(in: environment).map { found in
      let advice = found.meant.map { ": did you mean \(prefix)\(Self.variable($0))?" } ?? ""
      return "\(found.name) is no setting, and is ignored\(advice)"
    }
  }

  /// The unknown variables among the entries `NAME=value`.
  package func find(in environment: [[UInt8]]) -> [Found] {
    let known = options.map(Self.variable)
    return environment.compactMap { entry in
      let bytes = entry.prefix { $0 != .equals }
      guard let name = String(validating: bytes, as: UTF8.self), name.hasPrefix(prefix), name.isPlain else {
        return nil
      }
      let option = String(name.dropFirst(prefix.count))
      guard !known.contains(option), !isInjected(name, value: entry[bytes.endIndex...].dropFirst()) else { return nil }
      let meant = Suggestion(for: option, among: known, synonyms: synonyms).flatMap { known.firstIndex(of: $0.word) }
      return Found(name: name, meant: meant.map { options[$0] })
    }
  }

  /// Whether Kubernetes sets the variable for a Service whose name begins with the tool's
  /// (<https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables>).
  private func isInjected(_ name: String, value: ArraySlice<UInt8>) -> Bool {
    let protocols = ["TCP", "UDP", "SCTP"]
    if protocols.contains(where: { value.starts(with: "\($0.lowercased())://".utf8) }) { return true }
    let words = name.split(separator: "_")
    return words.indices.dropLast().contains { index in
      switch (words[index], words[index + 1]) {
      case ("SERVICE", "HOST"), ("SERVICE", "PORT"): true
      case ("PORT", let number):
        number.allSatisfy(\.isWholeNumber) && index + 2 < words.count && protocols.contains(String(words[index + 2]))
      default: false
      }
    }
  }
}

extension String {
  /// Whether the text is short, and safe to show.
  fileprivate var isPlain: Bool {
    utf8.count <= 100
      && unicodeScalars.allSatisfy {
        $0.isASCII && ($0 == "_" || $0.properties.isAlphabetic || ("0"..."9").contains($0))
      }
  }
}
