internal import Console
internal import JSONText

/// Writes the lines of one stream of a worker so that it can be told whose they are.
struct LineFramer: Hashable, Sendable {
  let format: LineFormat
  let label: OutputLabel
  let stream: OutputStream
  private var cutter = LineCutter()

  init(_ format: LineFormat, _ label: OutputLabel, _ stream: OutputStream) {
    (self.format, self.label, self.stream) = (format, label, stream)
  }

  /// Takes the next bytes of the stream. Returns what to write.
  mutating func append(_ bytes: ArraySlice<UInt8>) -> [UInt8] { cutter.append(bytes).flatMap(framed) }

  /// The stream has ended. Returns what to write.
  mutating func finish() -> [UInt8] { cutter.finish().map(framed) ?? [] }

  private func framed(_ line: LineCutter.Line) -> [UInt8] {
    switch format {
    case .plain: line.bytes + "\n".utf8
    case .tag: Array("\(label.tag)\t".utf8) + line.bytes + "\n".utf8
    case .json: Array("\(json(line))\n".utf8)
    }
  }

  private func json(_ line: LineCutter.Line) -> JSON {
    let text = String(validating: line.bytes, as: UTF8.self)
    let members: [(String, JSON?)] = [
      ("id", label.id.map(JSON.text)), ("number", .integer(Int64(label.number))),
      ("attempt", .integer(Int64(label.attempt))), ("stream", .text(stream.rawValue)), ("text", text.map(JSON.text)),
      ("text_base64", text == nil ? .text(Base64.encoded(line.bytes)) : nil),
      ("continued", line.isContinued ? .boolean(true) : nil),
    ]
    return .object(members.compactMap { name, value in value.map { .init(name, $0) } })
  }
}
