internal import Broker

/// A digest of a body, for comparisons within this process only: its key is the process's own (SipHash, as `Hasher` has
/// it). How the bytes are cut into pieces makes no difference, which `Hasher` promises of whole numbers alone.
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
