extension Int {
  /// Reads a number of bytes: `64KiB`, `16MiB`, `1GiB`, `512B`. A number without a unit is bytes.
  package init?(byteCount text: String) {
    let units = ["": 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30]
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits), let shift = units[String(text.dropFirst(digits.count))], number <= 1 << 32 else {
      return nil
    }
    self = number << shift
  }
}
