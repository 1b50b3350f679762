import AMQP
import Arguments
import Console
import Linux
import Publishing

/// The options that say where the items to publish come from.
struct ItemOptions {
  /// How the input is cut into items.
  enum Form: CaseIterable {
    case lines
    case null
    case whole
    case file
    case jsonl

    var flag: Flag {
      switch self {
      case .lines: ItemOptions.lines
      case .null: ItemOptions.null
      case .whole: ItemOptions.whole
      case .file: ItemOptions.file
      case .jsonl: ItemOptions.jsonLines
      }
    }
  }

  static let lines = Flag("lines", "each line of standard input is an item (the default)")
  static let null = Flag("null", short: "0", "a NUL ends each item of standard input").common
  static let whole = Flag("whole", "all of standard input is one item").common
  static let file = Flag(
    "file", "each argument is the path of a file, which is an item; the header filename has its name"
  ).common.withPaths
  static let jsonLines = Flag("jsonl", "each line is a JSON object: body, properties, headers (see the manual)").common
  static let skip = Option("skip", .skip, "leave out the first N items, to resume an earlier run").common
  static let progress = Flag("progress", "show the progress on standard error")

  static let options: [any CommandOption] = [lines, null, whole, file, jsonLines, skip, progress]

  let source: any ItemSource
  /// The number of items, or nil if it is not known yet.
  let total: Int?
  let skip: Int
  let showsProgress: Bool

  /// `properties` are the defaults for sources that give each item properties of its own.
  /// - Throws: `Failure`, `UsageError`
  init(_ settings: inout Settings, operands: [[UInt8]], properties: BasicProperties) throws {
    skip = try settings.value(Self.skip) ?? 0
    showsProgress = try settings.value(Self.progress)
    let form = try Self.form(&settings)
    total = form == .file || (form == nil && !operands.isEmpty) ? operands.count : nil
    if let form, form != .file, !operands.isEmpty {
      throw UsageError("\(settings.naming(form.flag)) reads standard input: give it no BODY")
    }
    guard form != .file || !operands.isEmpty else {
      throw UsageError("\(settings.naming(Self.file)) needs the PATH of at least one file")
    }
    do {
      source = try Self.source(form, operands, properties, directory: settings.environment.temporaryDirectory)
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
    let given = Form.allCases.filter { settings.isGiven($0.flag) }
    // A flag outweighs the environment.
    let forms = given.isEmpty ? try Form.allCases.filter { try settings.value($0.flag) } : given
    guard forms.count < 2 else {
      throw UsageError("\(forms.map { settings.naming($0.flag) }.joined(separator: ", ")) exclude each other")
    }
    return forms.first
  }
}

extension ValueType where Value == Int {
  fileprivate static var skip: Self {
    Self("N", expected: "a whole number") { Int($0).flatMap { $0 < 0 ? nil : $0 } }
  }
}
