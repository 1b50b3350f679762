import Console
import Linux

/// Which bodies a runner keeps in memory, and where it keeps the others.
struct Spooling {
  /// In bytes, where nothing else is said.
  static let largestInMemory = 1 << 20
  /// RabbitMQ takes none above 512 MiB, whatever its settings.
  private static let largestBody = 512 << 20
  /// What a runner takes besides bodies, in bytes: frames, a thread for looking names up.
  private static let ownMemory: UInt64 = 24 << 20
  /// An array that grows has two copies for a moment, the new one twice as large.
  private static let growth = 3

  let directory: String
  /// Whether that was said, or is where any program keeps what it keeps for a time.
  private let isNamed: Bool
  /// In bytes.
  let largestInMemory: Int

  /// Keeps no more in memory than the limits on it leave room for, with `parallelism` bodies at a time.
  /// - Throws: `Failure`: there is no room at all.
  init(directory: String?, otherwise usual: String, largestInMemory: Int, parallelism: Int) throws {
    self.directory = directory ?? usual
    isNamed = directory != nil
    guard let room = try Self.checkMemory() else {
      self.largestInMemory = largestInMemory
      return
    }
    let most = (room - Self.ownMemory) / UInt64(Self.growth * max(1, parallelism))
    self.largestInMemory = min(largestInMemory, Int(clamping: most))
  }

  /// How much memory the limits on it leave, where there are any. An allocation that fails later ends the process.
  /// - Throws: `Failure`: too little for a runner.
  @discardableResult
  static func checkMemory() throws -> UInt64? {
    guard let room = MemoryLimit.remaining else { return nil }
    guard room >= ownMemory else {
      throw Failure(
        .internalError,
        "the limits on memory (ulimit -v, ulimit -d) leave \(room >> 10) KiB, and the runner needs "
          + "\(ownMemory >> 10) KiB; nothing was taken")
    }
    return room
  }

  /// Makes sure that an item could be kept in the directory: any may be one that has to be. `named` ones all are.
  /// - Throws: `Failure`
  func check(named: Bool, queue: String) throws {
    let mayHaveTo = largestInMemory < Self.largestBody
    guard mayHaveTo || named else { return }
    let size = mayHaveTo ? max(largestInMemory, Self.largestInMemory) : Self.largestInMemory
    do {
      try SpoolDirectory.check(directory, size: UInt64(size))
    } catch {
      // One that somebody named, and that is none, will not be there the next time either.
      let isMistaken = isNamed && error.isMissingDirectory
      throw Failure(
        isMistaken ? .usage : .inputOutputError,
        "cannot keep large items in \(directory): \(error.reason) (--spool-dir, or TMPDIR); "
          + "nothing was taken from queue '\(queue)'")
    }
  }
}
