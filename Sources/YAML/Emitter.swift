internal import CYAML

extension YAMLValue {
  /// Writes documents as a YAML stream, with a line `---` between them. A string is quoted if a reader could take it for
  /// another type.
  package static func stream(_ documents: [YAMLValue]) -> String {
    var output: [UInt8] = []
    withUnsafeMutablePointer(to: &output) { output in
      var emitter = Emitter(appendingTo: output)
      for (index, document) in documents.enumerated() {
        emitter.emit(document, isFirst: index == 0)
      }
      emitter.end()
    }
    return String(decoding: output, as: UTF8.self)
  }
}

/// libyaml's emitter (<https://pyyaml.org/wiki/LibYAML>), which takes one event after another. It fails only if there is
/// no memory or the events are out of order. The first is not handled and the second is a bug, so both end the process.
private struct Emitter: ~Copyable {
  private let emitter = UnsafeMutablePointer<yaml_emitter_t>.allocate(capacity: 1)

  init(appendingTo output: UnsafeMutablePointer<[UInt8]>) {
    check(yaml_emitter_initialize(emitter))
    yaml_emitter_set_output(
      emitter,
      { output, bytes, count in
        guard let output, let bytes else { return 0 }
        output.assumingMemoryBound(to: [UInt8].self).pointee += UnsafeBufferPointer(start: bytes, count: count)
        return 1
      }, output)
    yaml_emitter_set_unicode(emitter, 1)
    yaml_emitter_set_width(emitter, -1)
    send { yaml_stream_start_event_initialize($0, YAML_UTF8_ENCODING) }
  }

  deinit {
    yaml_emitter_delete(emitter)
    emitter.deallocate()
  }

  mutating func emit(_ document: YAMLValue, isFirst: Bool) {
    send { yaml_document_start_event_initialize($0, nil, nil, nil, isFirst ? 1 : 0) }
    emit(document)
    send { yaml_document_end_event_initialize($0, 1) }
  }

  mutating func end() {
    send { yaml_stream_end_event_initialize($0) }
    check(yaml_emitter_flush(emitter))
  }

  private func emit(_ value: YAMLValue) {
    switch value {
    case .string(let text): emit(text, ScalarStyle(for: text))
    case .integer(let number): emit("\(number)", .plain)
    case .boolean(let flag): emit("\(flag)", .plain)
    case .sequence(let values):
      send { yaml_sequence_start_event_initialize($0, nil, nil, 1, YAML_BLOCK_SEQUENCE_STYLE) }
      for value in values { emit(value) }
      send { yaml_sequence_end_event_initialize($0) }
    case .mapping(let entries):
      send { yaml_mapping_start_event_initialize($0, nil, nil, 1, YAML_BLOCK_MAPPING_STYLE) }
      for entry in entries {
        emit(.string(entry.key))
        emit(entry.value)
      }
      send { yaml_mapping_end_event_initialize($0) }
    }
  }

  private func emit(_ text: String, _ style: ScalarStyle) {
    var bytes = Array(text.utf8)
    let count = Int32(bytes.count)
    send {
      yaml_scalar_event_initialize($0, nil, nil, &bytes, count, style == .plain ? 1 : 0, 1, style.native)
    }
  }

  private func send(_ initialize: (UnsafeMutablePointer<yaml_event_t>) -> Int32) {
    var event = yaml_event_t()
    check(initialize(&event))
    check(yaml_emitter_emit(emitter, &event))
  }
}

private func check(_ result: Int32) { precondition(result == 1, "libyaml failed to write") }

extension ScalarStyle {
  fileprivate var native: yaml_scalar_style_t {
    switch self {
    case .plain: YAML_PLAIN_SCALAR_STYLE
    case .singleQuoted: YAML_SINGLE_QUOTED_SCALAR_STYLE
    case .doubleQuoted: YAML_DOUBLE_QUOTED_SCALAR_STYLE
    }
  }
}
