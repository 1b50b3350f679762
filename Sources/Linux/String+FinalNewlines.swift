extension String {
  /// Without the newlines (LF or CRLF) at its end, which `echo`, editors and YAML leave.
  package var withoutFinalNewlines: String {
    var rest = utf8[...]
    while rest.last == UInt8(ascii: "\n") {
      rest.removeLast()
      if rest.last == UInt8(ascii: "\r") { rest.removeLast() }
    }
    return String(Substring(rest))
  }
}
