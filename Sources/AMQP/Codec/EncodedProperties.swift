internal import CRabbitMQ

/// The encoded properties of a message: flags that tell which properties are present, then their values
/// (AMQP 0-9-1, 4.2.6.1).
enum EncodedProperties {
  /// One way to read encoded properties, rewritten with a single word of flags as the class `basic` has it.
  struct Interpretation {
    let bytes: [UInt8]
    /// Whether there is no other interpretation. Otherwise this one is right only if decoding it uses all of its bytes.
    let isOnlyOne: Bool
  }

  /// The possible interpretations of the properties, the likeliest first. The last bit of a word of flags announces
  /// another such word. RabbitMQ passes this bit on without checking it, so the announced word may be missing.
  static func interpretations(of properties: ArraySlice<UInt8>) -> [Interpretation] {
    let flags = properties.prefix(2)
    guard flags.count == 2, flags[flags.startIndex + 1] & 1 != 0 else {
      return [Interpretation(bytes: Array(properties), isOnlyOne: true)]
    }
    let first = [flags[flags.startIndex], flags[flags.startIndex + 1] & ~1]
    var rest = properties.dropFirst(2)
    let withoutMoreFlags = Interpretation(bytes: first + rest, isOnlyOne: false)
    // The additional words are dropped, because all flags of the class `basic` are in the first.
    while rest.count >= 2 {
      let isLast = rest[rest.startIndex + 1] & 1 == 0
      rest = rest.dropFirst(2)
      if isLast { return [Interpretation(bytes: first + rest, isOnlyOne: false), withoutMoreFlags] }
    }
    return [withoutMoreFlags]
  }

  /// The position of the headers; nil if there are none.
  static func startOfHeaders(in properties: ArraySlice<UInt8>) -> Int? {
    guard properties.count >= 2 else { return nil }
    let flags = Int32(UInt16(bigEndianBytes: properties.prefix(2)))
    guard flags & AMQP_BASIC_HEADERS_FLAG != 0 else { return nil }
    var position = properties.startIndex + 2
    for flag in [AMQP_BASIC_CONTENT_TYPE_FLAG, AMQP_BASIC_CONTENT_ENCODING_FLAG] where flags & flag != 0 {
      guard position < properties.endIndex else { return nil }
      position += 1 + Int(properties[position])
    }
    return position
  }
}
