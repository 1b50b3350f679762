internal import Broker
internal import Linux

/// How a worker gets the body of its item.
package enum Feed: String, Hashable, Sendable, CaseIterable {
  /// On its standard input.
  case stdin
  /// In a file that `WORK_ITEM_FILE` names.
  case file
  /// In its arguments, where the body replaces each `{}`.
  case arg
  /// Each body as a line on its standard input.
  case lines
  /// Each item as a line of JSON on its standard input.
  case json
  /// In files of a directory that `WORK_ITEM_DIR` names.
  case dir

  /// A worker gets its item in a file that has a name.
  package var needsFiles: Bool { self == .file || self == .dir }

  /// A worker can get several items at once.
  package var isForBatches: Bool {
    switch self {
    case .stdin, .file, .arg: false
    case .lines, .json, .dir: true
    }
  }

  /// Why the worker cannot get the body in this way; nil if it can.
  /// - Throws: `SystemError`
  func objection(to body: ReceivedBody) throws -> String? {
    guard self == .lines, try body.holdsNewline() else { return nil }
    return "it holds a newline, so it is no line"
  }
}

/// The arguments of a command, with placeholders for an item's body.
package struct ArgumentTemplate: Sendable {
  enum Failure: Error, CustomStringConvertible {
    case holdsNUL

    var description: String { "the item holds a NUL byte, which no argument can" }
  }

  private static let placeholder = Array("{}".utf8)

  private let words: [[UInt8]]

  /// The first word is the command's name, and has no placeholder.
  package init(_ words: [[UInt8]]) { self.words = words }

  package var hasPlaceholder: Bool { words.dropFirst().contains { Self.firstPlaceholder(in: $0[...]) != nil } }

  /// The arguments for one item.
  /// - Throws: `SystemError`, or `Failure` if an argument cannot hold the body.
  func filled(with body: ReceivedBody) throws -> [[UInt8]] {
    guard body.size <= ProcessGroups.maxArgumentLength else { throw SystemError.argumentTooLong }
    let bytes = try body.read(at: 0, atMost: Int(body.size))
    guard !bytes.contains(0) else { throw Failure.holdsNUL }
    return words.prefix(1) + words.dropFirst().map { Self.filled($0, with: bytes) }
  }

  private static func filled(_ word: [UInt8], with bytes: [UInt8]) -> [UInt8] {
    var filled: [UInt8] = []
    var rest = word[...]
    while let position = firstPlaceholder(in: rest) {
      filled += rest[..<position] + bytes
      rest = rest[(position + placeholder.count)...]
    }
    return filled + rest
  }

  private static func firstPlaceholder(in word: ArraySlice<UInt8>) -> Int? {
    word.indices.first { word[$0...].starts(with: placeholder) }
  }
}
