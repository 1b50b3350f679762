internal import Broker

/// A digest of a body, for comparisons within this process only. Its key belongs to the process (`Hasher` uses SipHash). The digest
/// does not depend on how the bytes are split into pieces. `Hasher` promises that only for whole numbers, so eight bytes at a time
/// are combined as one.
struct ItemDigest {
  private var hasher = Hasher()
  private var size: UInt64 = 0
  private var lastEight: UInt64 = 0

  mutating func append(_ bytes: [UInt8]) {
    for byte in bytes {
      lastEight = lastEight << 8 | UInt64(byte)
      size += 1
      if size % 8 == 0 { hasher.combine(lastEight) }
    }
  }

  var value: Int {
    var hasher = hasher
    hasher.combine(lastEight)
    hasher.combine(size)
    return hasher.finalize()
  }
}

extension ReceivedBody {
  /// - Throws: `SystemError`
  func digest() throws -> Int {
    var digest = ItemDigest()
    for offset in stride(from: 0, to: size, by: 65_536) { digest.append(try read(at: offset, atMost: 65_536)) }
    return digest.value
  }
}
