package import Linux

/// A body that cannot be stored, on its way from the broker into a copy. It is read once, from its beginning; of what
/// comes only that is kept which has not been read yet.
package final class PassingBody: BodySource {
  /// How much of all such bodies may wait to be read before no more is taken from the broker.
  package static let mostWaiting = 1 << 20

  package let size: UInt64
  /// What had been stored before that failed.
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

  /// Nobody wants it any more, or its rest will not come.
  package func discard() {
    isDiscarded = true
    parts = []
    waitingCount = 0
    // Whoever reads on is told.
    availableSize = size
  }

  /// - Throws: `SystemError`
  package func read(at offset: UInt64, atMost count: Int) throws -> [UInt8] {
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
