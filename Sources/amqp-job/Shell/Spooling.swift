import Console
import Linux

/// Decides which bodies a runner keeps in memory, and where it stores the others.
struct Spooling {
  /// The default, in bytes.
  static let largestInMemory = 1 << 20
  /// RabbitMQ accepts no body above 512 MiB, whatever its settings.
  private static let maxBodySize = 512 << 20
  /// The memory that a runner needs besides bodies, in bytes. It covers frames and a thread that resolves names.
  private static let ownMemory: UInt64 = 24 << 20
  /// While an array grows, it exists twice, and the new copy is twice as large.
  private static let growth = 3

  let directory: String
  /// Whether the user named the directory. Otherwise it is the usual directory for temporary files.
  private let isNamed: Bool
  /// In bytes.
  let largestInMemory: Int

  /// Lowers `largestInMemory` where the process's memory limits leave no room for `parallelism` bodies of that size.
  /// - Throws: `Failure` where there is no room at all
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

  /// The memory that the process's limits leave, where there are limits. An allocation that fails later would end the process.
  /// - Throws: `Failure` where that is too little for a runner
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

  /// Makes sure that the directory can store an item. With `named`, every item is stored there, else only the large ones.
  /// - Throws: `Failure`
  func check(named: Bool, queue: String) throws {
    let mayStoreBodies = largestInMemory < Self.maxBodySize
    guard mayStoreBodies || named else { return }
    let size = mayStoreBodies ? max(largestInMemory, Self.largestInMemory) : Self.largestInMemory
    do {
      try SpoolDirectory.check(directory, size: UInt64(size))
    } catch {
      // A directory that the user named wrongly will not exist the next time either.
      let choosing: Advice = " (\(.spoolDirectory), or TMPDIR)"
      let isMistaken = isNamed && error.isMissingDirectory
      throw Failure(
        isMistaken ? .usage : .inputOutputError,
        "cannot keep large items in \(directory): \(error.reasonForNoFile)\(choosing, otherwise: " (TMPDIR)"); "
          + "nothing was taken from queue '\(queue)'")
    }
  }
}
