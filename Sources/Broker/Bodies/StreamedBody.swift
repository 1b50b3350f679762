package import Linux

/// A body that cannot be stored and is passed on from the broker into a copy. It is read once, from its beginning. Only
/// the bytes that have arrived and have not been read yet are in memory.
package final class StreamedBody: MessageBody {
  /// The maximum number of unread bytes of all such bodies. Beyond that nothing more is read from the broker.
  package static let maxWaiting = 1 << 20

  package let size: UInt64
  /// The part that was stored before storing failed.
  private let stored: SpoolFile?
  private var parts: [ArraySlice<UInt8>] = []
  package private(set) var waitingCount = 0
  package private(set) var availableSize: UInt64
  private var isDiscarded = false

  package init(size: UInt64, stored: SpoolFile?) {
    self.size = size
    self.stored = stored
    availableSize = stored?.writtenCount ?? 0
  }

  /// Takes the next bytes.
  package func append(_ part: [UInt8]) {
    guard !isDiscarded, UInt64(part.count) <= size - availableSize else { return }
    parts.append(part[...])
    waitingCount += part.count
    availableSize += UInt64(part.count)
  }

  /// Drops the body, because nobody needs it or because its rest will not arrive.
  package func discard() {
    isDiscarded = true
    parts = []
    waitingCount = 0
    // A reader that waits for more must try to read, so that it gets the error.
    availableSize = size
  }

  package func read(at offset: UInt64, atMost count: Int) throws(SystemError) -> [UInt8] {
    guard !isDiscarded else { throw SystemError.readFailed }
    if let stored, offset < stored.writtenCount { return try stored.read(at: offset, count: count) }
    guard offset == availableSize - UInt64(waitingCount), count > 0 else { throw SystemError.readFailed }
    guard let part = parts.first else { return [] }
    let bytes = Array(part.prefix(count))
    parts[0] = part.dropFirst(count)
    if parts[0].isEmpty { parts.removeFirst() }
    waitingCount -= bytes.count
    return bytes
  }
}
