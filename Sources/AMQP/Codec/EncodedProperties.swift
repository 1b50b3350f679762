internal import CRabbitMQ

/// A message's properties as they are on the wire: flags that say which there are, and these (AMQP 0-9-1, 4.2.6.1).
enum EncodedProperties {
  /// Properties whose flags are one word, as the class basic has them.
  struct Reading {
    let bytes: [UInt8]
    /// There is no other way to read them. Else only the one counts that leaves nothing over.
    let isCertain: Bool
  }

  /// How the properties can be read, the likeliest way first. The last bit of the flags announces another word of them.
  /// RabbitMQ hands on messages with that bit, and without looking at it; so the word may be there or not.
  static func readings(of properties: ArraySlice<UInt8>) -> [Reading] {
    let flags = properties.prefix(2)
    guard flags.count == 2, flags[flags.startIndex + 1] & 1 != 0 else {
      return [Reading(bytes: Array(properties), isCertain: true)]
    }
    let first = [flags[flags.startIndex], flags[flags.startIndex + 1] & ~1]
    var rest = properties.dropFirst(2)
    let ignored = Reading(bytes: first + rest, isCertain: false)
    // No property of the class basic has its flag in any of these.
    while rest.count >= 2 {
      let isLast = rest[rest.startIndex + 1] & 1 == 0
      rest = rest.dropFirst(2)
      if isLast { return [Reading(bytes: first + rest, isCertain: false), ignored] }
    }
    return [ignored]
  }

  /// Where the headers begin; nil where there are none.
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
