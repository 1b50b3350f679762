/// What the objects for workers are made from. Whatever Kubernetes is particular about has been checked.
package struct WorkerOptions: Sendable {
  package static let defaultUserID = 65532
  package static let defaultParallelism = 10

  package var name: ObjectName
  package var namespace: String?
  package var queue: String
  /// The image of the worker, and the command in it.
  package var image: ImageReference
  package var command: [String]
  /// nil where amqp-job is in the image.
  package var injection: Injection?
  /// The Secret that has the broker's URL under `BROKER_URL`.
  package var secret: String
  /// The Secret whose `ca.crt` says who may sign the broker's certificate; nil leaves that to the image.
  package var tlsSecret: String?
  /// The Secret whose `token` is the password; nil where that is in the URL.
  package var tokenSecret: String?
  package var environment: [Variable] = []
  package var userID = defaultUserID
  /// The most pods at a time.
  package var parallelism = defaultParallelism
  package var resources: Resources
  package var temporarySpace: String
  package var run: RunOptions
  /// What the worker sees beside its image.
  package var volumes: [MountedVolume] = []
  package var additions = PodAdditions()

  package init(
    name: ObjectName, queue: String, image: ImageReference, command: [String], secret: String, resources: Resources,
    temporarySpace: String, run: RunOptions
  ) {
    self.name = name
    self.queue = queue
    self.image = image
    self.command = command
    self.secret = secret
    self.resources = resources
    self.temporarySpace = temporarySpace
    self.run = run
  }

  /// What a variable of the user's own must not be named: the manifest says it, or an option does that has more to it.
  package static let reservedVariables: Set<String> = [
    "AMQP_URL", "BROKER_URL", "AMQP_JOB_URL", "AMQP_JOB_URL_FILE", "AMQP_QUEUE", "QUEUE", "AMQP_JOB_QUEUE",
    "AMQP_JOB_SPOOL_DIR",
    "AMQP_JOB_LIVENESS_FILE", "AMQP_JOB_COUNT", "AMQP_JOB_DRAIN", "AMQP_JOB_FOREVER", "AMQP_JOB_WHEN_EMPTY",
    "AMQP_JOB_WAIT_FIRST", "AMQP_JOB_TIMEOUT", "AMQP_JOB_GRACE", "AMQP_JOB_ON_TERM", "AMQP_JOB_MAX_ATTEMPTS",
    "AMQP_JOB_RETRY_DELAY",
  ]

  package struct Variable: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }
}

/// How the runner gets into an image that does not have it.
package struct Injection: Hashable, Sendable {
  package enum Way: String, Hashable, Sendable, CaseIterable {
    /// An init container copies it into a volume.
    case initContainer = "init"
    /// Its image is a volume.
    case imageVolume = "image-volume"
  }

  package var way: Way
  /// The runner's own image.
  package var image: ImageReference

  package init(way: Way, image: ImageReference) {
    self.way = way
    self.image = image
  }
}
