/// The first line of a script, `#!INTERPRETER ARGUMENT`, as Linux reads it (load_script in fs/binfmt_script.c): blanks
/// around both are left out, and all that follows the interpreter is one argument. A carriage return is no blank.
struct ScriptLine: Hashable {
  /// What there is of the file for the kernel to read, in bytes.
  static let window = 256

  let interpreter: String
  let argument: String?

  /// `start` is the beginning of a file, of `window` bytes or else the whole. nil for what names no interpreter.
  /// - Throws: `Cut`
  init?(_ start: [UInt8]) throws(Cut) {
    guard start.starts(with: "#!".utf8) else { return nil }
    let end = start.firstIndex(of: UInt8(ascii: "\n"))
    let line = start[2..<(end ?? start.count)].drop(while: \.isBlank)
    let name = line.prefix { !$0.isBlank && $0 != 0 }
    guard !name.isEmpty else { return nil }
    if end == nil, start.count >= Self.window, name.endIndex == start.endIndex { throw Cut() }
    guard let interpreter = String(validating: name, as: UTF8.self) else { return nil }
    self.interpreter = interpreter
    var argument = line[name.endIndex...].drop(while: \.isBlank).prefix { $0 != 0 }
    while argument.last?.isBlank == true { argument.removeLast() }
    self.argument = argument.isEmpty ? nil : String(validating: argument, as: UTF8.self)
  }

  /// The kernel would see a part of the interpreter's name, and takes the file for no script.
  struct Cut: Error {}

  /// Where the line ends as Windows has it, and an argument is there.
  var argumentEndsInCarriageReturn: Bool { argument?.utf8.last == UInt8(ascii: "\r") }

  /// Whether the interpreter is known to fail over that. Others, as Perl, let it go.
  var interpreterMindsThat: Bool {
    let name = interpreter.split(separator: "/").last ?? ""
    return ["sh", "ash", "bash", "dash", "ksh", "zsh"].contains(name) || name.hasPrefix("python")
  }

  /// What env(1) is to look for, where it is the interpreter: the argument, or with -S its first word.
  var nameForEnv: String? {
    guard interpreter.split(separator: "/").last == "env", var name = argument?[...] else { return nil }
    if name.hasPrefix("-S") {
      name = name.dropFirst(2).split(whereSeparator: \.isWhitespace).first ?? ""
      guard !name.contains(where: { "$\\'\"#".contains($0) }) else { return nil }
    }
    return name.isEmpty || name.hasPrefix("-") || name.contains("=") ? nil : String(name)
  }
}

extension UInt8 {
  fileprivate var isBlank: Bool { self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") }
}
