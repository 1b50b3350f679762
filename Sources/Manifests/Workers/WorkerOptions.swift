/// The options of the objects for workers. Everything that has a syntax in Kubernetes has already been checked.
package struct WorkerOptions: Sendable {
  package static let defaultUserID = 65532
  package static let defaultParallelism = 10

  package var name: ObjectName
  package var namespace: String?
  package var queue: String
  /// The image of the runner's container.
  package var image: ImageReference
  /// The worker's command in that image. It is empty if all workers are in steps.
  package var command: [String]
  /// How amqp-job gets into the pod; nil if it is in the image.
  package var injection: Injection?
  /// The workers in containers of their own, before `command`. They need an `injection`.
  package var steps: [WorkerStep] = []
  package var secrets: BrokerSecrets
  package var environment: [Variable] = []
  package var userID = defaultUserID
  /// The maximum number of pods at the same time.
  package var parallelism = defaultParallelism
  /// The resources of the runner's container.
  package var resources: Resources
  /// The size limit of `/tmp` in each container, as a Kubernetes quantity.
  package var temporarySpace: String
  package var run: RunOptions
  /// Existing volumes that the workers see.
  package var volumes: [MountedVolume] = []
  package var additions = PodAdditions()
  /// Whether the pods tell Kubernetes what it costs to delete them, so that busy ones are not scaled away.
  package var tellsDeletionCost = false

  package init(
    name: ObjectName, queue: String, image: ImageReference, command: [String], secrets: BrokerSecrets,
    resources: Resources,
    temporarySpace: String, run: RunOptions
  ) {
    self.name = name
    self.queue = queue
    self.image = image
    self.command = command
    self.secrets = secrets
    self.resources = resources
    self.temporarySpace = temporarySpace
    self.run = run
  }

  /// The names of variables that a user must not set, because the manifest or one of its options sets them.
  package static let reservedVariables: Set<String> = [
    "AMQP_URL", "BROKER_URL", "AMQP_JOB_URL", "AMQP_JOB_URL_FILE", "AMQP_QUEUE", "QUEUE", "AMQP_JOB_QUEUE",
    "AMQP_JOB_SPOOL_DIR",
    "AMQP_JOB_LIVENESS_FILE", "AMQP_JOB_COUNT", "AMQP_JOB_DRAIN", "AMQP_JOB_FOREVER", "AMQP_JOB_WHEN_EMPTY",
    "AMQP_JOB_WAIT_FIRST", "AMQP_JOB_TIMEOUT", "AMQP_JOB_GRACE", "AMQP_JOB_ON_TERM", "AMQP_JOB_MAX_ATTEMPTS",
    "AMQP_JOB_RETRY_DELAY", "AMQP_JOB_RETRY_BACKOFF", "AMQP_JOB_RETRY_MAX", "AMQP_JOB_RETRY_JITTER", "AMQP_JOB_STEP",
    "AMQP_JOB_STEP_DIR", "AMQP_JOB_METRICS", "AMQP_JOB_DELETION_COST", "AMQP_JOB_BATCH", "AMQP_JOB_BATCH_WAIT",
    "AMQP_JOB_FEED",
    "AMQP_JOB_MAX_ITEM_AGE", "AMQP_JOB_RESULT_QUEUE", "AMQP_JOB_RESULT_ON", "AMQP_JOB_RESULT_MAX",
  ]

  /// The same for pods that may tell Kubernetes what it costs to delete them.
  package static func reservedVariables(tellsDeletionCost: Bool) -> Set<String> {
    tellsDeletionCost ? reservedVariables.union(PodAccess.reservedVariables) : reservedVariables
  }

  package struct Variable: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }

    /// Whether it is for amqp-job itself.
    var isSetting: Bool { name.hasPrefix("AMQP_") }
  }
}
