package import Broker
package import Linux

extension EventLoop {
  /// What the loop needs besides the decisions.
  package struct Configuration {
    /// How to log in, and where.
    package var access: BrokerAccess
    /// Seconds.
    package var heartbeat: UInt16
    /// How the broker's management tools show the connection.
    package var connectionName: String
    /// The worker; its environment is filled in for each item.
    package var worker: ProcessGroups.Program
    package var environment: WorkerEnvironment
    package var feed: Feed
    /// Where bodies are kept that are too large for memory.
    package var spoolDirectory: String
    /// The largest body that is kept in memory, in bytes.
    package var largestBodyInMemory: Int
    /// The largest item that is stored, in bytes; nil for as large as it comes.
    package var largestItem: UInt64?
    /// What dead letters say of where they failed.
    package var host: String
    /// How many bytes of a worker's standard error are kept, its end; nil for none: then a worker has ours.
    package var keptErrorSize: Int?
    /// Where to show that the loop turns, if anywhere.
    package var liveness: Liveness?
    /// What to do with the name that the broker has chosen for a queue of the runner's own.
    package var announceQueue: (String) -> Void = { _ in }

    package init(
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
