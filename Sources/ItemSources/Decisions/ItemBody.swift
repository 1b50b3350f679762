package import AMQP
package import Linux

/// The body of an item of a source.
package enum ItemBody {
  case memory([UInt8])
  /// A file, which is read while it is sent.
  case file(InputFile)

  var size: UInt64 {
    switch self {
    case .memory(let bytes): UInt64(bytes.count)
    case .file(let file): file.size
    }
  }
}

/// What has become of a request for an item.
package enum FetchedItem {
  case body(ItemBody)
  /// The item has left the source.
  case gone
  /// The item is still being written.
  case growing
  case unreadable(String)
  /// The source itself does not answer.
  case failed(String)
}

/// The names that a source has, or why that is not known.
package enum SourceList {
  /// `flaw` says of a name that was left out why it cannot be one.
  case names([ByteString], flaw: String?)
  case failed(String)
  /// The source cannot be reached. It may be about to start.
  case unreachable(String)

  /// The maximum number of names. More would take too much memory.
  static let maxNameCount = 500_000

  /// The same, or a failure if there are too many names.
  var limited: SourceList {
    guard case .names(let names, _) = self, names.count > Self.maxNameCount else { return self }
    return .failed("it has \(names.count) names, which is more than \(Self.maxNameCount)")
  }
}
