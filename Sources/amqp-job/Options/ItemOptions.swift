import AMQP
import Arguments
import Console
import Linux
import Publishing

/// Where the items to be published come from.
struct ItemOptions {
  /// How the input is cut into items.
  enum Form: String, CaseIterable {
    case lines
    case null
    case whole
    case file
    case jsonl
  }

  static let options = [
    Option("lines", "each line of standard input is an item (the default)"),
    Option("null", short: "0", "a NUL ends each item of standard input").everyday,
    Option("whole", "all of standard input is one item").everyday,
    Option("file", "each argument is the path of a file, which is an item, its name in the header filename").everyday
      .withPaths,
    Option("jsonl", "each line is a JSON object: body, properties, headers (see the manual)").everyday,
    Option("skip", value: "N", "leave out the first N items, to resume where it stopped").everyday,
    Option("progress", "show how far it is, on standard error"),
  ]

  let source: any ItemSource
  /// How many items there are, where that is known.
  let total: Int?
  let skip: Int
  let showsProgress: Bool

  /// `properties` are those of items that have no others, for sources that give each item its own.
  /// - Throws: `Failure`
  init(_ settings: inout Settings, operands: [[UInt8]], properties: BasicProperties) throws {
    skip = try settings.value("skip", "a whole number") { Int($0).flatMap { $0 < 0 ? nil : $0 } } ?? 0
    showsProgress = try settings.flag("progress")
    let form = try Self.form(&settings)
    total = form == .file || (form == nil && !operands.isEmpty) ? operands.count : nil
    guard form == nil || form == .file || operands.isEmpty else {
      throw Failure(.usage, "--\(form?.rawValue ?? "") reads standard input: give it no BODY")
    }
    guard form != .file || !operands.isEmpty else {
      throw Failure(.usage, "--file needs the PATH of at least one file")
    }
    do {
      source = try Self.source(form, operands, properties, directory: settings.surroundings.temporaryDirectory)
    } catch {
      throw Failure(.inputOutputError, "\(error.reason)")
    }
  }

  private static func source(
    _ form: Form?, _ operands: [[UInt8]], _ properties: BasicProperties, directory: String
  ) throws(InputError) -> any ItemSource {
    switch form {
    case nil where !operands.isEmpty: return GivenItems(operands)
    case nil, .lines: return DelimitedItems(delimiter: UInt8(ascii: "\n"))
    case .null: return DelimitedItems(delimiter: 0)
    case .whole: return try WholeInput(maxSizeInMemory: 1 << 20, directory: directory)
    case .file: return FileItems(paths: operands, defaults: properties)
    case .jsonl: return JSONItems(defaults: properties)
    }
  }

  private static func form(_ settings: inout Settings) throws -> Form? {
    let given = Form.allCases.filter { settings.given.contains($0.rawValue) }
    // A flag outweighs the environment.
    let forms = given.isEmpty ? try Form.allCases.filter { try settings.flag($0.rawValue) } : given
    guard forms.count < 2 else {
      throw Failure(.usage, "\(forms.map { "--\($0.rawValue)" }.joined(separator: ", ")) exclude each other")
    }
    return forms.first
  }
}
