extension String {
  /// The text without the newlines (LF or CRLF) at its end, which `echo`, editors and YAML add.
  package var withoutTrailingNewlines: String {
    var rest = utf8[...]
    while rest.last == UInt8(ascii: "\n") {
      rest.removeLast()
      if rest.last == UInt8(ascii: "\r") { rest.removeLast() }
    }
    return String(Substring(rest))
  }
}
