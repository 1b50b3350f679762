internal import Console
internal import JSONText

/// Writes the lines of one stream of a worker so that it can be told whose they are.
struct LineFramer: Hashable, Sendable {
  private static let newline = UInt8(ascii: "\n")

  private let format: LineFormat
  /// What stands before the text of each line.
  private let head: [UInt8]
  private var cutter = LineCutter()

  init(_ format: LineFormat, _ label: OutputLabel, _ stream: OutputStream) {
    self.format = format
    head =
      switch format {
      case .plain: []
      case .tag: Array("\(label.tag)\t".utf8)
      case .json: Self.beginning(label, stream)
      }
  }

  /// Takes the next bytes of the stream. Returns what to write.
  mutating func append(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var framed: [UInt8] = []
    for line in cutter.append(bytes) { append(line, to: &framed) }
    return framed
  }

  /// The stream has ended. Returns what to write.
  mutating func finish() -> [UInt8] {
    var framed: [UInt8] = []
    if let line = cutter.finish() { append(line, to: &framed) }
    return framed
  }

  private func append(_ line: LineCutter.Line, to framed: inout [UInt8]) {
    framed += head
    switch format {
    case .plain, .tag: framed += line.bytes
    case .json: Self.append(line, to: &framed)
    }
    framed.append(Self.newline)
  }

  // MARK: JSON

  /// The members that are the same in all lines, of an object that goes on.
  private static func beginning(_ label: OutputLabel, _ stream: OutputStream) -> [UInt8] {
    let members: [(String, JSON?)] = [
      ("id", label.id.map(JSON.text)), ("number", .integer(Int64(label.number))),
      ("attempt", .integer(Int64(label.attempt))), ("stream", .text(stream.rawValue)),
    ]
    let object = JSON.object(members.compactMap { name, value in value.map { .init(name, $0) } })
    return "\(object)".utf8.dropLast() + ",".utf8
  }

  private static func append(_ line: LineCutter.Line, to framed: inout [UInt8]) {
    if (try? UTF8Span(validating: line.bytes.span)) != nil {
      framed += #""text":"#.utf8
      framed.append(jsonString: line.bytes)
    } else {
      framed += #""text_base64":""#.utf8
      Base64.append(line.bytes, to: &framed)
      framed += #"""#.utf8
    }
    if line.isContinued { framed += #","continued":true"#.utf8 }
    framed += "}".utf8
  }
}
