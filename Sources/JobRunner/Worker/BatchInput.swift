internal import Broker
internal import Console
internal import JSONText
internal import Linux

/// The items that one worker gets at once, with their bodies.
struct Batch {
  var items: [(item: WorkItem, body: ReceivedBody)]
  /// There can be no more than one.
  var isOfOne: Bool
}

/// There is no room for what a worker is to read, so it is not started.
struct InputNotKept: Error, CustomStringConvertible {
  let directory: String
  let error: SystemError
  var description: String { "its input in \(directory): \(error.reason)" }
}

/// What a worker reads of its batch.
struct BatchInput {
  /// Where input is kept that is too large for memory.
  struct Spooling {
    var directory: String
    /// In bytes.
    var largestInMemory: Int
  }

  let input: ChildInput
  /// The directory with the items, if the worker gets them in one.
  private(set) var directory: ScratchDirectory?

  /// - Throws: `InputNotKept`, or `SystemError` for want of descriptors or for a body that cannot be read
  init(_ batch: Batch, _ feed: Feed, _ spooling: Spooling, _ processes: ProcessGroups) throws {
    do {
      if feed == .dir {
        directory = try Self.directory(batch, spooling)
        input = try processes.makeEmptyInput()
      } else {
        var text = InputText(spooling)
        for (item, body) in batch.items {
          if feed == .json { try text.append(item, body) } else { try text.append(line: body) }
        }
        input = try text.makeInput(processes)
      }
    } catch let error as SystemError where !error.isTemporary {
      throw InputNotKept(directory: spooling.directory, error: error)
    }
  }

  private static func directory(_ batch: Batch, _ spooling: Spooling) throws -> ScratchDirectory {
    let directory = try ScratchDirectory(in: spooling.directory)
    var list: [UInt8] = []
    for (number, (item, body)) in batch.items.enumerated() {
      let name = fileName(number + 1)
      switch body {
      case .memory(let bytes): try directory.add(name, bytes)
      case .file(let file): try directory.add(name, file)
      }
      list += "\(item.listEntry(file: name))\n".utf8
    }
    try directory.add("items.jsonl", list)
    return directory
  }

  /// The number with six digits, so that the names have the order of the numbers.
  static func fileName(_ number: Int) -> String {
    let digits = "\(number)"
    return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
  }
}
