internal import AMQP
internal import Linux

/// The files of a directory. A name is that of the file, and the item's body is its content.
final class DirectorySource: SourceReader {
  /// A larger file is read while it is sent.
  private static let maxSizeInMemory = 64 << 10

  private let path: String
  private let pattern: String?
  private var watch: GrowthWatch

  init(_ path: String, pattern: String?, growthPeriod: Duration) {
    (self.path, self.pattern) = (path, pattern)
    watch = GrowthWatch(period: growthPeriod)
  }

  func list() -> SourceAnswer? {
    do throws(SystemError) {
      let names = try Directory.files(in: path, matching: pattern).map { ByteString($0) }
      watch.keep(names)
      return .list(.names(names, flaw: nil))
    } catch { return .list(.failed(error.reason)) }
  }

  func fetch(_ name: ByteString) -> SourceAnswer? {
    do { return .item(name, try item(name)) } catch { return .item(name, .unreadable(SystemError.reason(of: error))) }
  }

  private func item(_ name: ByteString) throws -> FetchedItem {
    let path = Array(path.utf8) + [UInt8(ascii: "/")] + name.bytes
    guard let stamp = try FileStamp(path: path) else { return .gone }
    guard watch.look(name, stamp, now: .now) else { return .growing }
    do {
      guard let file = try InputFile(path: path) else { return .unreadable("it is not a regular file") }
      guard file.size <= Self.maxSizeInMemory else { return .body(.file(file)) }
      return .body(.memory(try file.read(at: 0, atMost: Int(file.size))))
    } catch let error as SystemError where error.isMissing { return .gone }
  }
}
