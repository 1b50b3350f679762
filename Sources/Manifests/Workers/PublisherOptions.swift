/// The options of the objects for publishers that follow a source of items. Everything that has a syntax in Kubernetes has
/// already been checked.
package struct PublisherOptions: Sendable {
  package static let defaultReplicas = 2

  /// The program that offers the items over HTTP, in a container beside that of the publisher.
  package struct Server: Hashable, Sendable {
    package var image: ImageReference
    /// Its command in that image; empty for the image's own.
    package var command: [String]
    package var resources: Resources

    package init(image: ImageReference, command: [String], resources: Resources) {
      (self.image, self.command, self.resources) = (image, command, resources)
    }
  }

  package var name: ObjectName
  package var namespace: String?
  package var queue: String
  /// The options of `publish` that say what is published.
  package var arguments: [String]
  /// nil if the source is elsewhere.
  package var server: Server?
  /// The image with amqp-job.
  package var image: ImageReference
  package var secrets: BrokerSecrets
  package var environment: [WorkerOptions.Variable] = []
  package var userID = WorkerOptions.defaultUserID
  package var replicas = defaultReplicas
  package var cpuLimit: Quantity?
  /// The size limit of `/tmp` in the server's container, as a Kubernetes quantity.
  package var temporarySpace: String
  /// Existing volumes, which the publisher and the server see.
  package var volumes: [MountedVolume] = []
  package var additions = PodAdditions()

  package init(
    name: ObjectName, queue: String, arguments: [String], image: ImageReference, secrets: BrokerSecrets,
    temporarySpace: String
  ) {
    (self.name, self.queue, self.arguments) = (name, queue, arguments)
    (self.image, self.secrets, self.temporarySpace) = (image, secrets, temporarySpace)
  }

  /// The names of variables that a user must not set, because the manifest or one of its options sets them.
  package static let reservedVariables: Set<String> =
    WorkerOptions.reservedVariables.intersection([
      "AMQP_URL", "BROKER_URL", "AMQP_JOB_URL", "AMQP_JOB_URL_FILE", "AMQP_QUEUE", "QUEUE", "AMQP_JOB_QUEUE",
      "AMQP_JOB_METRICS",
    ]).union([
      "AMQP_JOB_FROM", "AMQP_JOB_EVERY", "AMQP_JOB_ONCE", "AMQP_JOB_DATA_FIELD", "AMQP_JOB_LEASE", "AMQP_JOB_NAME",
      "POD_NAME",
    ])
}
