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
  static let skip = Option("skip", .skip, "leave out the first N items, to resume an earlier run")
  static let progress = Flag("progress", "show the progress on standard error")

  static let options: [any CommandOption] = [lines, null, whole, file, jsonLines, skip, progress]

  let source: any ItemSource
  /// The number of items, or nil if it is not known yet.
  let total: Int?
  let skip: Int
  let showsProgress: Bool

  /// `properties` are the defaults for sources that give each item properties of its own. `objection` returns why an item with
  /// other ones cannot be published; nil if it can.
  /// - Throws: `Failure`, `UsageError`
  init(
    _ settings: inout Settings, properties: BasicProperties,
    objection: @escaping (BasicProperties) -> String? = { _ in nil }
  ) throws {
    skip = try settings.value(Self.skip) ?? 0
    showsProgress = try settings.value(Self.progress)
    let form = try Self.form(&settings)
    let operands = try Self.operands(settings.arguments, form)
    total = form == .file || (form == nil && !operands.isEmpty) ? operands.count : nil
    if let form, form != .file, !operands.isEmpty {
      throw UsageError("\(settings.naming(form.flag)) reads standard input: give it no BODY")
    }
    guard form != .file || !operands.isEmpty else {
      throw UsageError("\(settings.naming(Self.file)) needs the PATH of at least one file")
    }
    do {
      source = try Self.source(
        form, operands, properties, objection: objection, directory: settings.environment.temporaryDirectory)
    } catch {
      throw Failure(.inputOutputError, "\(error.reason)")
    }
  }

  private static func source(
    _ form: Form?, _ operands: [[UInt8]], _ properties: BasicProperties,
    objection: @escaping (BasicProperties) -> String?, directory: String
  ) throws(InputError) -> any ItemSource {
    switch form {
    case nil where !operands.isEmpty: return GivenItems(operands)
    case nil, .lines: return DelimitedItems(delimiter: UInt8(ascii: "\n"))
    case .null: return DelimitedItems(delimiter: 0)
    case .whole: return try WholeInput(spoolingIn: directory)
    case .file: return FileItems(paths: operands, defaults: properties, directory: directory)
    case .jsonl: return JSONItems(defaults: properties, objection: objection)
    }
  }

  /// The operands that are items or the paths of items. A sole BODY `-` stands for standard input, as no BODY does.
  /// - Throws: `UsageError`
  private static func operands(_ arguments: Arguments, _ form: Form?) throws -> [[UInt8]] {
    let operands = arguments.operands
    func isInput(_ operand: [UInt8]) -> Bool { operand.elementsEqual(FileItems.standardInput.utf8) }
    guard form != .file else {
      guard operands.count(where: isInput) < 2 else { throw UsageError("the PATH - is standard input: give it once") }
      return operands
    }
    guard operands.dropLast(arguments.literalOperandCount).contains(where: isInput) else { return operands }
    guard operands.count == 1 else {
      throw UsageError("the BODY - is standard input, and goes with no other BODY; after --, it is that text")
    }
    return []
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
