/// The pods of workers. Each runs the user's command under `amqp-job run` in the user's image, or hands items to steps.
struct WorkerPod {
  static let urlKey = "BROKER_URL"
  /// The key that cert-manager uses in its `kubernetes.io/tls` Secrets.
  static let authorityKey = "ca.crt"
  private static let tokenKey = "token"

  /// The mount path of the volume that contains the runner.
  private static let runnerDirectory = "/opt/amqp-job"
  static let stateDirectory = "/run/amqp-job"
  private static let livenessFile = stateDirectory + "/alive"
  private static let tlsDirectory = "/etc/amqp-job/tls"
  private static let tokenDirectory = "/etc/amqp-job/token"
  private static let installingContainer = "install"
  private static let (runnerVolume, stateVolume, temporaryVolume) = ("amqp-job", "state", "tmp")
  private static let (tlsVolume, tokenVolume) = ("tls", "token")

  let options: WorkerOptions

  init(_ options: WorkerOptions) throws(Manifest.InvalidOptions) {
    self.options = options
    try MountedVolume.check(options.volumes, beside: mounts.map(\.path))
    let names = [Self.installingContainer, containerName] + options.steps.map(\.name)
    if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
      throw Manifest.InvalidOptions(
        description: "a step cannot be called '\(twice)', because another container of the pod has that name")
    }
  }

  /// The name of the container that runs `amqp-job run`. Its exit status is that of the pod.
  var containerName: String { options.command.isEmpty ? "runner" : "worker" }

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
    let arguments =
      options.run.arguments(mode, defaultWaitFirst: waitFirst) + options.steps.map { "--step=\($0.name)" }
    return PodTemplate(
      metadata: metadata,
      spec: PodSpec(
        restartPolicy: restartPolicy, terminationGracePeriod: gracePeriod, userID: options.userID,
        // A new volume belongs to root, but the worker runs as another user.
        setsFSGroup: options.volumes.contains { !$0.isReadOnly },
        initContainers: initContainers + options.stepContainers(runner: runner, shared: stepMounts),
        containers: [worker(arguments, isService: isService)],
        volumes: volumes + MountedVolume.mounted(options.volumes).volumes, additions: options.additions))
  }

  /// Whether the runner has a command of its own.
  private var runsCommand: Bool { !options.command.isEmpty }

  private var runner: String {
    options.injection == nil ? "amqp-job" : Self.runnerDirectory + "/amqp-job"
  }

  private func worker(_ arguments: [String], isService: Bool) -> Container {
    Container(
      name: containerName, image: options.image.description,
      command: [runner, "run"] + arguments + (runsCommand ? ["--"] + options.command : []),
      environment: environment,
      readinessProbe: isService ? probe("--ready") : nil, livenessProbe: probe(),
      resources: options.resources,
      mounts: mounts + (runsCommand ? MountedVolume.mounted(options.volumes).mounts : []))
  }

  /// The mounts that are not the user's.
  private var mounts: [VolumeMount] {
    let tls = VolumeMount(name: Self.tlsVolume, path: Self.tlsDirectory, isReadOnly: true)
    // The whole directory is mounted, because Kubernetes does not update a single mounted file.
    let token = VolumeMount(name: Self.tokenVolume, path: Self.tokenDirectory, isReadOnly: true)
    let secrets = (options.tlsSecret == nil ? [] : [tls]) + (options.tokenSecret == nil ? [] : [token])
    return (options.injection == nil ? [] : [runnerMount]) + secrets + [
      stateMount, VolumeMount(name: Self.temporaryVolume, path: "/tmp"),
    ]
  }

  /// The mounts that each step has, too. None of them holds a credential.
  private var stepMounts: [VolumeMount] { [runnerMount, stateMount] }

  private var runnerMount: VolumeMount {
    VolumeMount(name: Self.runnerVolume, path: Self.runnerDirectory, isReadOnly: true)
  }

  private var stateMount: VolumeMount { VolumeMount(name: Self.stateVolume, path: Self.stateDirectory) }

  private func probe(_ arguments: String...) -> Probe {
    Probe(action: .exec([runner, "check"] + arguments), period: 10, timeout: 5, failureThreshold: 3)
  }

  private var environment: [ContainerVariable] {
    let authority = ContainerVariable("AMQP_JOB_TLS_CA", .value("\(Self.tlsDirectory)/\(Self.authorityKey)"))
    let token = ContainerVariable("AMQP_JOB_TOKEN_FILE", .value("\(Self.tokenDirectory)/\(Self.tokenKey)"))
    let stepDirectory = ContainerVariable("AMQP_JOB_STEP_DIR", .value(Self.stateDirectory))
    let others = options.environment.map { ContainerVariable($0.name, .value($0.value)) }
    return [
      ContainerVariable(Self.urlKey, .secret(name: options.secret, key: Self.urlKey)),
      ContainerVariable("QUEUE", .value(options.queue)),
      ContainerVariable("AMQP_JOB_SPOOL_DIR", .value(Self.stateDirectory)),
      ContainerVariable("AMQP_JOB_LIVENESS_FILE", .value(Self.livenessFile)),
    ] + (options.steps.isEmpty ? [] : [stepDirectory]) + (options.tlsSecret == nil ? [] : [authority])
      + (options.tokenSecret == nil ? [] : [token]) + others
  }

  private var initContainers: [Container] {
    guard let injection = options.injection, injection.method == .initContainer else { return [] }
    return [
      Container(
        name: Self.installingContainer, image: injection.image.description,
        arguments: ["install", Self.runnerDirectory],
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
      // The volume holds the largest item that RabbitMQ accepts, which has 512 MiB. With steps it also holds a step's input
      // and output.
      Volume(Self.stateVolume, .emptyDirectory(sizeLimit: options.steps.isEmpty ? "1Gi" : "2Gi")),
      Volume(Self.temporaryVolume, .emptyDirectory(sizeLimit: options.temporarySpace)),
    ] + options.stepVolumes
  }
}
