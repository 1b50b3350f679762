/// An encoded field table (<https://www.rabbitmq.com/docs/amqp-0-9-1-errata#section_3>), examined without recursion.
/// librabbitmq recurses for each level of arrays and tables, and so do the values that are made of them. Without a limit,
/// the sender of a message would decide how much stack that takes.
struct EncodedTable {
  /// The positions of the kinds (type octets) of the table's own values, in order.
  private(set) var kinds: [Int] = []
  /// The indices in `kinds` of arrays and tables that cannot be decoded, because they nest deeper than
  /// `FieldTable.maxDepth` or contain an invalid value.
  private(set) var undecodable: [Int] = []

  /// The table that begins at `start`; nil if there is no valid table.
  init?(_ bytes: ArraySlice<UInt8>, at start: Int) {
    guard start + 4 <= bytes.endIndex else { return nil }
    var position = start + 4
    let end = position + bytes.number(at: start)
    guard end <= bytes.endIndex else { return nil }
    while position < end {
      position += 1 + Int(bytes[position])
      guard let next = bytes.endOfValue(at: position, before: end) else { return nil }
      if bytes.isContainer(at: position), !bytes.isDecodable(at: position) { undecodable.append(kinds.count) }
      kinds.append(position)
      position = next
    }
  }
}

extension ArraySlice<UInt8> {
  fileprivate func number(at position: Int) -> Int {
    Int(UInt32(bigEndianBytes: self[position..<position + 4]))
  }

  fileprivate func isContainer(at position: Int) -> Bool {
    self[position] == UInt8(ascii: "A") || self[position] == UInt8(ascii: "F")
  }

  /// The end of the value whose kind is at `position`; nil if the kind is unknown or the value ends after `limit`.
  fileprivate func endOfValue(at position: Int, before limit: Int) -> Int? {
    guard position < limit else { return nil }
    let size: Int
    switch UnicodeScalar(self[position]) {
    case "V": size = 0
    case "t", "b", "B": size = 1
    case "s", "u": size = 2
    case "I", "i", "f": size = 4
    case "D": size = 5
    case "l", "L", "d", "T": size = 8
    case "S", "x", "A", "F":
      guard position + 5 <= limit else { return nil }
      size = 4 + number(at: position + 1)
    default: return nil
    }
    let end = position + 1 + size
    return end <= limit ? end : nil
  }

  /// Whether the array or table whose kind is at `start` can be decoded.
  fileprivate func isDecodable(at start: Int) -> Bool {
    var open: [(end: Int, hasNames: Bool)] = []
    var position = start
    repeat {
      guard let end = endOfValue(at: position, before: open.last?.end ?? endIndex) else { return false }
      if isContainer(at: position) {
        guard open.count < FieldTable.maxDepth else { return false }
        open.append((end, hasNames: self[position] == UInt8(ascii: "F")))
        position += 5
      } else {
        position = end
      }
      while open.last?.end == position { open.removeLast() }
      if open.last?.hasNames == true { position += 1 + Int(self[position]) }
    } while !open.isEmpty
    return true
  }
}
