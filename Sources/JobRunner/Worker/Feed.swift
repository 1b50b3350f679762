internal import Broker
internal import Linux

/// How a worker gets its item.
package enum Feed: String, Hashable, Sendable, CaseIterable {
  /// As its standard input.
  case stdin
  /// In a file that `WORK_ITEM_FILE` names.
  case file
  /// In its arguments, in the place of each `{}`.
  case arg
}

/// The arguments of a command, with places for an item.
package struct ArgumentTemplate: Sendable {
  enum Failure: Error, CustomStringConvertible {
    case holdsNUL

    var description: String { "the item holds a NUL byte, which no argument can" }
  }

  private static let place = Array("{}".utf8)

  private let words: [[UInt8]]

  /// The command's own name, which comes first, has no place for an item.
  package init(_ words: [[UInt8]]) { self.words = words }

  package var hasPlace: Bool { words.dropFirst().contains { Self.firstPlace(in: $0[...]) != nil } }

  /// The arguments for one item.
  /// - Throws: `SystemError`, or `Failure`: the item is none that an argument can hold.
  func filled(with body: ReceivedBody) throws -> [[UInt8]] {
    guard body.size <= ProcessGroups.maxArgumentLength else { throw SystemError.argumentTooLong }
    let bytes = try body.read(at: 0, atMost: Int(body.size))
    guard !bytes.contains(0) else { throw Failure.holdsNUL }
    return words.prefix(1) + words.dropFirst().map { Self.filled($0, with: bytes) }
  }

  private static func filled(_ word: [UInt8], with bytes: [UInt8]) -> [UInt8] {
    var filled: [UInt8] = []
    var rest = word[...]
    while let position = firstPlace(in: rest) {
      filled += rest[..<position] + bytes
      rest = rest[(position + place.count)...]
    }
    return filled + rest
  }

  private static func firstPlace(in word: ArraySlice<UInt8>) -> Int? {
    word.indices.first { word[$0...].starts(with: place) }
  }
}
