/// The first line of a script, `#!INTERPRETER ARGUMENT`, as Linux reads it (load_script in fs/binfmt_script.c). Blanks
/// around both are dropped, and everything after the interpreter is a single argument. A carriage return is not a blank.
struct ScriptLine: Hashable {
  /// The number of bytes at the beginning of a file that the kernel examines (BINPRM_BUF_SIZE).
  static let examinedSize = 256

  let interpreter: String
  let argument: String?

  /// `start` is the first `examinedSize` bytes of a file, or the whole file if it is smaller. The result is nil if they do
  /// not name an interpreter.
  init?(_ start: [UInt8]) throws(InterpreterTooLong) {
    guard start.starts(with: "#!".utf8) else { return nil }
    let end = start.firstIndex(of: UInt8(ascii: "\n"))
    let line = start[2..<(end ?? start.count)].drop(while: \.isBlank)
    let name = line.prefix { !$0.isBlank && $0 != 0 }
    guard !name.isEmpty else { return nil }
    if end == nil, start.count >= Self.examinedSize, name.endIndex == start.endIndex { throw InterpreterTooLong() }
    guard let interpreter = String(validating: name, as: UTF8.self) else { return nil }
    self.interpreter = interpreter
    var argument = line[name.endIndex...].drop(while: \.isBlank).prefix { $0 != 0 }
    while argument.last?.isBlank == true { argument.removeLast() }
    self.argument = argument.isEmpty ? nil : String(validating: argument, as: UTF8.self)
  }

  /// The interpreter's name extends beyond the bytes that the kernel examines. The kernel does not run such a script.
  struct InterpreterTooLong: Error {}

  /// Whether the argument ends in a carriage return, because the script has Windows line endings.
  var argumentEndsInCarriageReturn: Bool { argument?.utf8.last == UInt8(ascii: "\r") }

  /// Whether the interpreter is known to fail on an argument that ends in a carriage return. Others accept it, such as
  /// Perl.
  var interpreterRejectsCarriageReturn: Bool {
    let name = interpreter.split(separator: "/").last ?? ""
    return ["sh", "ash", "bash", "dash", "ksh", "zsh"].contains(name) || name.hasPrefix("python")
  }

  /// The program that env(1) runs if it is the interpreter: the argument, or with -S the argument's first word.
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
