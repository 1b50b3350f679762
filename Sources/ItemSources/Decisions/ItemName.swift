internal import AMQP

/// Names as a source gives them. A name becomes a message id, and is kept in the ledger, so not every text will do.
enum ItemName {
  /// Why this cannot be a name; nil if it can.
  static func flaw(_ bytes: some Collection<UInt8>) -> String? {
    if bytes.isEmpty { return "a name is empty" }
    if bytes.count > ShortString.maxSize { return "a name is longer than \(ShortString.maxSize) bytes" }
    if bytes.contains(0) { return "a name holds a NUL" }
    return nil
  }
}
