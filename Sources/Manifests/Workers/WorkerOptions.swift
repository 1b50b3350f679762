/// What the objects for workers are made from. Whatever Kubernetes is particular about has been checked.
public struct WorkerOptions: Sendable {
  public var name: ObjectName
  public var namespace: String?
  public var queue: String
  /// The image of the worker, and the command in it.
  public var image: ImageReference
  public var command: [String]
  /// nil where amqp-job is in the image.
  public var injection: Injection?
  /// The Secret that has the broker's URL under `BROKER_URL`.
  public var secret: String
  /// The Secret whose `ca.crt` says who may sign the broker's certificate; nil leaves that to the image.
  public var tlsSecret: String?
  /// The Secret whose `token` is the password; nil where that is in the URL.
  public var tokenSecret: String?
  public var environment: [Variable] = []
  public var userID = 65532
  /// The most pods at a time.
  public var parallelism = 10
  public var resources: Resources
  public var temporarySpace: String
  public var run: RunOptions
  /// What the worker sees beside its image.
  public var volumes: [MountedVolume] = []
  public var additions = PodAdditions()

  public init(
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
  public static let reservedVariables: Set<String> = [
    "AMQP_URL", "BROKER_URL", "AMQP_JOB_URL", "AMQP_JOB_URL_FILE", "AMQP_QUEUE", "QUEUE", "AMQP_JOB_QUEUE",
    "AMQP_JOB_SPOOL_DIR",
    "AMQP_JOB_LIVENESS_FILE", "AMQP_JOB_COUNT", "AMQP_JOB_DRAIN", "AMQP_JOB_FOREVER", "AMQP_JOB_WHEN_EMPTY",
    "AMQP_JOB_WAIT_FIRST", "AMQP_JOB_TIMEOUT", "AMQP_JOB_GRACE", "AMQP_JOB_ON_TERM", "AMQP_JOB_MAX_ATTEMPTS",
    "AMQP_JOB_RETRY_DELAY",
  ]

  public struct Variable: Hashable, Sendable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }
}

/// How the runner gets into an image that does not have it.
public struct Injection: Hashable, Sendable {
  public enum Way: String, Hashable, Sendable, CaseIterable {
    /// An init container copies it into a volume.
    case initContainer = "init"
    /// Its image is a volume.
    case imageVolume = "image-volume"
  }

  public var way: Way
  /// The runner's own image.
  public var image: ImageReference

  public init(way: Way, image: ImageReference) {
    self.way = way
    self.image = image
  }
}
