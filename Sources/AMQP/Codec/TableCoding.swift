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
    func set(_ kind: amqp_field_value_kind_t) { field.kind = UInt8(kind.rawValue) }
    switch value {
    case .boolean(let value):
      set(AMQP_FIELD_KIND_BOOLEAN)
      field.value.boolean = value ? 1 : 0
    case .int8(let value):
      set(AMQP_FIELD_KIND_I8)
      field.value.i8 = value
    case .uint8(let value):
      set(AMQP_FIELD_KIND_U8)
      field.value.u8 = value
    case .int16(let value):
      set(AMQP_FIELD_KIND_I16)
      field.value.i16 = value
    case .uint16(let value):
      set(AMQP_FIELD_KIND_U16)
      field.value.u16 = value
    case .int32(let value):
      set(AMQP_FIELD_KIND_I32)
      field.value.i32 = value
    case .uint32(let value):
      set(AMQP_FIELD_KIND_U32)
      field.value.u32 = value
    case .int64(let value):
      set(AMQP_FIELD_KIND_I64)
      field.value.i64 = value
    case .uint64(let value):
      set(AMQP_FIELD_KIND_U64)
      field.value.u64 = value
    case .float(let value):
      set(AMQP_FIELD_KIND_F32)
      field.value.f32 = value
    case .double(let value):
      set(AMQP_FIELD_KIND_F64)
      field.value.f64 = value
    case .decimal(let scale, let value):
      set(AMQP_FIELD_KIND_DECIMAL)
      field.value.decimal = amqp_decimal_t(decimals: scale, value: value)
    case .string(let value):
      set(AMQP_FIELD_KIND_UTF8)
      field.value.bytes = copy(value)
    case .bytes(let value):
      set(AMQP_FIELD_KIND_BYTES)
      field.value.bytes = copy(value)
    case .timestamp(let value):
      set(AMQP_FIELD_KIND_TIMESTAMP)
      field.value.u64 = value
    case .array(let values):
      set(AMQP_FIELD_KIND_ARRAY)
      field.value.array = copy(values)
    case .table(let value):
      set(AMQP_FIELD_KIND_TABLE)
      field.value.table = copy(value)
    case .void:
      set(AMQP_FIELD_KIND_VOID)
    case .undecodable(_, let value):
      // A byte array has the same form. `Codec` writes the original kind afterwards.
      set(AMQP_FIELD_KIND_BYTES)
      field.value.bytes = copy(value)
    }
    return field
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
