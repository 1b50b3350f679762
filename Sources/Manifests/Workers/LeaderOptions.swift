/// The options of the objects for an application that has a leader. Everything that has a syntax in Kubernetes has already been
/// checked.
package struct LeaderOptions: Sendable {
  package static let defaultReplicas = 3

  /// Where `amqp-job lead` runs.
  package enum Candidate: Hashable, Sendable {
    /// It runs the command, which therefore runs in the leader's pod alone. The injection is nil if the image has amqp-job.
    case aroundCommand(Injection?)
    /// It runs beside the application, which asks it over HTTP at this address who leads.
    case sidecar(ImageReference, address: String)
  }

  package struct Election: Hashable, Sendable {
    package var name: String
    /// The lease in the form of the option.
    package var lease: String

    package init(name: String, lease: String) { (self.name, self.lease) = (name, lease) }
  }

  package var name: ObjectName
  package var namespace: String?
  package var election: Election
  /// The time in seconds from TERM to KILL.
  package var terminationGracePeriod: Int
  package var candidate: Candidate
  package var image: ImageReference
  /// The application's command in that image. If it is empty, it is the image's own, which only a sidecar leaves in place.
  package var command: [String]
  package var secrets: BrokerSecrets
  package var environment: [WorkerOptions.Variable] = []
  package var userID = WorkerOptions.defaultUserID
  package var replicas = defaultReplicas
  /// The resources of the application's container.
  package var resources: Resources
  /// The size limit of `/tmp` in the application's container, as a Kubernetes quantity.
  package var temporarySpace: String
  /// Existing volumes that the application sees.
  package var volumes: [MountedVolume] = []
  package var additions = PodAdditions()

  package init(
    name: ObjectName, election: Election, terminationGracePeriod: Int, candidate: Candidate,
    image: ImageReference, command: [String], secrets: BrokerSecrets, resources: Resources, temporarySpace: String
  ) {
    (self.name, self.election, self.terminationGracePeriod) = (name, election, terminationGracePeriod)
    (self.candidate, self.image, self.command) = (candidate, image, command)
    (self.secrets, self.resources, self.temporarySpace) = (secrets, resources, temporarySpace)
  }

  /// The names of variables that a user must not set, because the manifest or one of its options sets them.
  package static let reservedVariables: Set<String> =
    WorkerOptions.reservedVariables.intersection([
      "AMQP_URL", "BROKER_URL", "AMQP_JOB_URL", "AMQP_JOB_URL_FILE", "AMQP_JOB_METRICS",
    ]).union(["AMQP_JOB_ELECTION", "AMQP_JOB_LEASE", "AMQP_JOB_HTTP", "AMQP_JOB_NAME", "POD_NAME"])
}
