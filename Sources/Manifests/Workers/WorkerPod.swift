/// The pods of workers. Each runs the user's command under `amqp-job run` in the user's image.
struct WorkerPod {
  static let containerName = "worker"
  static let urlKey = "BROKER_URL"
  /// The key that cert-manager uses in its `kubernetes.io/tls` Secrets.
  static let authorityKey = "ca.crt"
  private static let tokenKey = "token"

  /// The mount path of the volume that contains the runner.
  private static let runnerDirectory = "/opt/amqp-job"
  private static let stateDirectory = "/run/amqp-job"
  private static let livenessFile = stateDirectory + "/alive"
  private static let tlsDirectory = "/etc/amqp-job/tls"
  private static let tokenDirectory = "/etc/amqp-job/token"
  private static let (runnerVolume, stateVolume, temporaryVolume) = ("amqp-job", "state", "tmp")
  private static let (tlsVolume, tokenVolume) = ("tls", "token")

  let options: WorkerOptions

  init(_ options: WorkerOptions) throws(Manifest.InvalidOptions) {
    self.options = options
    try MountedVolume.check(options.volumes, beside: mounts.map(\.path))
  }

  var metadata: Metadata {
    let name = options.name.description
    let labels = Labels(name: "amqp-job", instance: name, component: "worker", others: options.additions.labels)
    return Metadata(
      name: name, namespace: options.namespace, labels: labels, annotations: options.additions.annotations)
  }

  /// `waitFirst` is the default for the pods, and `gracePeriod` is in seconds. The pods of a service also have a readiness
  /// probe.
  func template(
    _ mode: RunOptions.Mode, _ restartPolicy: PodSpec.RestartPolicy, waitFirst: Duration, gracePeriod: Int,
    isService: Bool = false
  ) -> PodTemplate {
    let arguments = options.run.arguments(mode, defaultWaitFirst: waitFirst)
    return PodTemplate(
      metadata: metadata,
      spec: PodSpec(
        restartPolicy: restartPolicy, terminationGracePeriod: gracePeriod, userID: options.userID,
        // A new volume belongs to root, but the worker runs as another user.
        setsFSGroup: options.volumes.contains { !$0.isReadOnly },
        initContainers: initContainers, containers: [worker(arguments, isService: isService)],
        volumes: volumes + MountedVolume.mounted(options.volumes).volumes, additions: options.additions))
  }

  private var runner: String {
    options.injection == nil ? "amqp-job" : Self.runnerDirectory + "/amqp-job"
  }

  private func worker(_ arguments: [String], isService: Bool) -> Container {
    Container(
      name: Self.containerName, image: options.image.description,
      command: [runner, "run"] + arguments + ["--"] + options.command,
      environment: environment,
      readinessProbe: isService ? probe("--ready") : nil, livenessProbe: probe(),
      resources: options.resources, mounts: mounts + MountedVolume.mounted(options.volumes).mounts)
  }

  /// The mounts that are not the user's.
  private var mounts: [VolumeMount] {
    let injected = VolumeMount(name: Self.runnerVolume, path: Self.runnerDirectory, isReadOnly: true)
    let tls = VolumeMount(name: Self.tlsVolume, path: Self.tlsDirectory, isReadOnly: true)
    // The whole directory is mounted, because Kubernetes does not update a single mounted file.
    let token = VolumeMount(name: Self.tokenVolume, path: Self.tokenDirectory, isReadOnly: true)
    let secrets = (options.tlsSecret == nil ? [] : [tls]) + (options.tokenSecret == nil ? [] : [token])
    return (options.injection == nil ? [] : [injected]) + secrets + [
      VolumeMount(name: Self.stateVolume, path: Self.stateDirectory),
      VolumeMount(name: Self.temporaryVolume, path: "/tmp"),
    ]
  }

  private func probe(_ arguments: String...) -> Probe {
    Probe(action: .exec([runner, "check"] + arguments), period: 10, timeout: 5, failureThreshold: 3)
  }

  private var environment: [ContainerVariable] {
    let authority = ContainerVariable("AMQP_JOB_TLS_CA", .value("\(Self.tlsDirectory)/\(Self.authorityKey)"))
    let token = ContainerVariable("AMQP_JOB_TOKEN_FILE", .value("\(Self.tokenDirectory)/\(Self.tokenKey)"))
    let others = options.environment.map { ContainerVariable($0.name, .value($0.value)) }
    return [
      ContainerVariable(Self.urlKey, .secret(name: options.secret, key: Self.urlKey)),
      ContainerVariable("QUEUE", .value(options.queue)),
      ContainerVariable("AMQP_JOB_SPOOL_DIR", .value(Self.stateDirectory)),
      ContainerVariable("AMQP_JOB_LIVENESS_FILE", .value(Self.livenessFile)),
    ] + (options.tlsSecret == nil ? [] : [authority]) + (options.tokenSecret == nil ? [] : [token]) + others
  }

  private var initContainers: [Container] {
    guard let injection = options.injection, injection.method == .initContainer else { return [] }
    return [
      Container(
        name: "install", image: injection.image.description, arguments: ["install", Self.runnerDirectory],
        resources: .forCopying(cpuLimit: options.resources.cpuLimit),
        mounts: [VolumeMount(name: Self.runnerVolume, path: Self.runnerDirectory)])
    ]
  }

  private var volumes: [Volume] {
    let injected = options.injection.map { injection in
      switch injection.method {
      case .initContainer: Volume(Self.runnerVolume, .emptyDirectory(sizeLimit: "64Mi"))
      case .imageVolume: Volume(Self.runnerVolume, .image(reference: injection.image.description))
      }
    }
    let tls = options.tlsSecret.map { Volume(Self.tlsVolume, .secret(name: $0)) }
    let token = options.tokenSecret.map { Volume(Self.tokenVolume, .secret(name: $0)) }
    return [injected, tls, token].compactMap(\.self) + [
      // The volume holds the largest item that RabbitMQ accepts, which has 512 MiB.
      Volume(Self.stateVolume, .emptyDirectory(sizeLimit: "1Gi")),
      Volume(Self.temporaryVolume, .emptyDirectory(sizeLimit: options.temporarySpace)),
    ]
  }
}
