package import Broker
package import Linux
package import Telemetry

extension EventLoop {
  /// What the event loop needs besides the decisions.
  package struct Configuration {
    /// The steps that an item passes before the worker gets it.
    package struct Steps {
      package var places: [StepPlace] = []
      /// The version of this program, which a step is told.
      package var version = ""
    }

    /// What becomes of the workers' own output.
    package struct Output {
      package var form = OutputForm.inherit
      /// How many bytes of the end of a worker's standard error are kept; nil for none.
      package var keptErrorSize: Int?
      /// The line at the bottom of a terminal, which workers' output goes above.
      package var line: TerminalLine?

      package init() {}
    }

    /// What others see of the runner.
    package struct Signs {
      /// The file that shows that the event loop turns, if there is one.
      package var liveness: Liveness?
      package var metrics: MetricsPlace<RunnerMetrics>?
      /// The pod that Kubernetes is told to spare while it works, if the user wants that.
      package var pod: PodPlace?

      package init(liveness: Liveness? = nil) { self.liveness = liveness }
    }

    /// Who is told of what.
    package struct Listeners {
      /// Called before a worker is started on an item. Returns the span of the attempt, if it has one.
      package var beginSpan: (WorkItem) -> SpanContext? = { _ in nil }
      /// Called with what was done on each item, if the runner records that.
      package var record: (JobRecord) -> Void = { _ in }
      /// Called now and then with how far the work has come.
      package var progress: (WorkDone) -> Void = { _ in }
      /// Called with the name that the broker has chosen for the runner's own queue.
      package var announceQueue: (String) -> Void = { _ in }
    }

    /// How to log in, and where.
    package var access: BrokerAccess
    /// In seconds.
    package var heartbeat: UInt16
    /// The name of the connection in the broker's management tools.
    package var connectionName: String
    /// The worker's program, whose environment is filled in for each item. nil if the last step is the last worker.
    package var worker: ProcessGroups.Program?
    package var steps = Steps()
    package var environment: WorkerEnvironment
    package var feed: Feed
    /// The directory for bodies that are too large for memory.
    package var spoolDirectory: String
    /// The largest body that is kept in memory, in bytes.
    package var largestBodyInMemory: Int
    /// The largest item that is stored, in bytes; nil for no limit.
    package var largestItem: UInt64?
    /// The host that dead letters name as the place of the failure.
    package var host: String
    package var output = Output()
    package var signs: Signs
    package var listeners = Listeners()

    package init(
      access: BrokerAccess, heartbeat: UInt16, connectionName: String,
      worker: ProcessGroups.Program?,
      environment: WorkerEnvironment, feed: Feed, spoolDirectory: String, largestBodyInMemory: Int, host: String,
      signs: Signs
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
      self.signs = signs
    }
  }
}
