public import Broker
public import Linux

extension EventLoop {
  /// What the loop needs besides the decisions.
  public struct Configuration {
    /// How to log in, and where.
    public var access: BrokerAccess
    /// Seconds.
    public var heartbeat: UInt16
    /// How the broker's management tools show the connection.
    public var connectionName: String
    /// The worker; its environment is filled in for each item.
    public var worker: ProcessGroups.Program
    public var environment: WorkerEnvironment
    public var feed: Feed
    /// Where bodies are kept that are too large for memory.
    public var spoolDirectory: String
    /// The largest body that is kept in memory, in bytes.
    public var largestBodyInMemory: Int
    /// The largest item that is stored, in bytes; nil for as large as it comes.
    public var largestItem: UInt64?
    /// What dead letters say of where they failed.
    public var host: String
    /// How many bytes of a worker's standard error are kept, its end; nil for none: then a worker has ours.
    public var keptErrorSize: Int?
    /// Where to show that the loop turns, if anywhere.
    public var liveness: Liveness?
    /// What to do with the name that the broker has chosen for a queue of the runner's own.
    public var announceQueue: (String) -> Void = { _ in }

    public init(
      access: BrokerAccess, heartbeat: UInt16, connectionName: String,
      worker: ProcessGroups.Program,
      environment: WorkerEnvironment, feed: Feed, spoolDirectory: String, largestBodyInMemory: Int, host: String,
      liveness: Liveness?
    ) {
      self.access = access
      self.heartbeat = heartbeat
      self.connectionName = connectionName
      self.worker = worker
      self.environment = environment
      self.feed = feed
      self.spoolDirectory = spoolDirectory
      self.largestBodyInMemory = largestBodyInMemory
      self.host = host
      self.liveness = liveness
    }
  }
}
