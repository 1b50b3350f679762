internal import CRabbitMQ

extension UnsafeMutablePointer where Pointee == amqp_pool_t {
  func copy(_ table: FieldTable) -> amqp_table_t {
    guard !table.entries.isEmpty else { return amqp_table_t() }
    let entries = allocate(amqp_table_entry_t.self, count: table.entries.count)
    for (index, entry) in table.entries.enumerated() {
      (entries + index).initialize(
        to: amqp_table_entry_t(key: copy(entry.name), value: copy(entry.value)))
    }
    return amqp_table_t(num_entries: Int32(table.entries.count), entries: entries)
  }

  func copy(_ value: FieldValue) -> amqp_field_value_t {
    var field = amqp_field_value_t()
    switch value {
    case .boolean(let value):
      field.kind = UInt8(AMQP_FIELD_KIND_BOOLEAN.rawValue)
      field.value.boolean = value ? 1 : 0
    case .float(let value):
      field.kind = UInt8(AMQP_FIELD_KIND_F32.rawValue)
      field.value.f32 = value
    case .double(let value):
      field.kind = UInt8(AMQP_FIELD_KIND_F64.rawValue)
      field.value.f64 = value
    case .decimal(let scale, let value):
      field.kind = UInt8(AMQP_FIELD_KIND_DECIMAL.rawValue)
      field.value.decimal = amqp_decimal_t(decimals: scale, value: value)
    case .timestamp(let value):
      field.kind = UInt8(AMQP_FIELD_KIND_TIMESTAMP.rawValue)
      field.value.u64 = value
    case .void:
      field.kind = UInt8(AMQP_FIELD_KIND_VOID.rawValue)
    case .string(let value):
      field.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
      field.value.bytes = copy(value)
    case .array(let values):
      field.kind = UInt8(AMQP_FIELD_KIND_ARRAY.rawValue)
      field.value.array = copy(values)
    case .table(let value):
      field.kind = UInt8(AMQP_FIELD_KIND_TABLE.rawValue)
      field.value.table = copy(value)
    case .bytes(let value), .undecodable(_, let value):
      // An undecodable value has the form of a byte array. `Codec` writes its kind afterwards.
      field.kind = UInt8(AMQP_FIELD_KIND_BYTES.rawValue)
      field.value.bytes = copy(value)
    case .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64:
      copyInteger(value, to: &field)
    }
    return field
  }

  private func copyInteger(_ value: FieldValue, to field: inout amqp_field_value_t) {
    switch value {
    case .int8(let value):
      field.kind = UInt8(AMQP_FIELD_KIND_I8.rawValue)
      field.value.i8 = value
    case .uint8(let value):
      field.kind = UInt8(AMQP_FIELD_KIND_U8.rawValue)
      field.value.u8 = value
    case .int16(let value):
      field.kind = UInt8(AMQP_FIELD_KIND_I16.rawValue)
      field.value.i16 = value
    case .uint16(let value):
      field.kind = UInt8(AMQP_FIELD_KIND_U16.rawValue)
      field.value.u16 = value
    case .int32(let value):
      field.kind = UInt8(AMQP_FIELD_KIND_I32.rawValue)
      field.value.i32 = value
    case .uint32(let value):
      field.kind = UInt8(AMQP_FIELD_KIND_U32.rawValue)
      field.value.u32 = value
    case .int64(let value):
      field.kind = UInt8(AMQP_FIELD_KIND_I64.rawValue)
      field.value.i64 = value
    case .uint64(let value):
      field.kind = UInt8(AMQP_FIELD_KIND_U64.rawValue)
      field.value.u64 = value
    default:
      preconditionFailure("\(value) is not an integer")
    }
  }

  private func copy(_ values: [FieldValue]) -> amqp_array_t {
    guard !values.isEmpty else { return amqp_array_t() }
    let entries = allocate(amqp_field_value_t.self, count: values.count)
    for (index, value) in values.enumerated() {
      (entries + index).initialize(to: copy(value))
    }
    return amqp_array_t(num_entries: Int32(values.count), entries: entries)
  }
}

extension FieldTable {
  init(_ table: amqp_table_t) {
    self.init(
      UnsafeBufferPointer(start: table.entries, count: Int(table.num_entries)).map {
        Entry(name: $0.key.byteString, value: FieldValue($0.value))
      })
  }
}

extension FieldValue {
  init(_ field: amqp_field_value_t) {
    let value = field.value
    switch amqp_field_value_kind_t(rawValue: UInt32(field.kind)) {
    case AMQP_FIELD_KIND_BOOLEAN: self = .boolean(value.boolean != 0)
    case AMQP_FIELD_KIND_I8: self = .int8(value.i8)
    case AMQP_FIELD_KIND_U8: self = .uint8(value.u8)
    case AMQP_FIELD_KIND_I16: self = .int16(value.i16)
    case AMQP_FIELD_KIND_U16: self = .uint16(value.u16)
    case AMQP_FIELD_KIND_I32: self = .int32(value.i32)
    case AMQP_FIELD_KIND_U32: self = .uint32(value.u32)
    case AMQP_FIELD_KIND_I64: self = .int64(value.i64)
    case AMQP_FIELD_KIND_U64: self = .uint64(value.u64)
    case AMQP_FIELD_KIND_F32: self = .float(value.f32)
    case AMQP_FIELD_KIND_F64: self = .double(value.f64)
    case AMQP_FIELD_KIND_DECIMAL:
      self = .decimal(scale: value.decimal.decimals, value: value.decimal.value)
    case AMQP_FIELD_KIND_UTF8: self = .string(value.bytes.byteString)
    case AMQP_FIELD_KIND_BYTES: self = .bytes(value.bytes.array)
    case AMQP_FIELD_KIND_TIMESTAMP: self = .timestamp(value.u64)
    case AMQP_FIELD_KIND_ARRAY:
      self = .array(
        UnsafeBufferPointer(start: value.array.entries, count: Int(value.array.num_entries))
          .map { FieldValue($0) })
    case AMQP_FIELD_KIND_TABLE: self = .table(FieldTable(value.table))
    default: self = .void
    }
  }
}
