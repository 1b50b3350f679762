internal import Console

/// The pods of workers. Each runs the user's command under `amqp-job run` in the user's image, or hands items to steps.
struct WorkerPod {
  static let stateDirectory = "/run/amqp-job"
  private static let livenessFile = stateDirectory + "/alive"
  private static let (stateVolume, temporaryVolume) = ("state", "tmp")

  let options: WorkerOptions

  init(_ options: WorkerOptions) throws(Manifest.InvalidOptions) {
    self.options = options
    try MountedVolume.check(options.volumes, beside: mounts.map(\.path))
    let names = [Injection.containerName, containerName] + options.steps.map(\.name)
    if let twice = names.firstRepeated {
      throw Manifest.InvalidOptions(
        description: "a step cannot be called '\(twice)', because another container of the pod has that name")
    }
  }

  /// The name of the container that runs `amqp-job run`. Its exit status is that of the pod.
  var containerName: String { options.command.isEmpty ? "runner" : "worker" }

  var metadata: Metadata {
    Metadata(
      name: options.name, namespace: options.namespace, component: "worker", options.additions)
  }

  /// `waitFirst` is the default for the pods, and `gracePeriod` is in seconds. The pods of a service also have a readiness
  /// probe.
  func template(
    _ mode: RunOptions.Mode, _ restartPolicy: PodSpec.RestartPolicy, waitFirst: Duration, gracePeriod: Int,
    isService: Bool = false
  ) -> PodTemplate {
    let arguments =
      options.run.arguments(mode, defaultWaitFirst: waitFirst) + options.additions.metricsArguments
      + options.steps.map { "--step=\($0.name)" }
    return PodTemplate(
      metadata: metadata,
      spec: PodSpec(
        restartPolicy: restartPolicy, terminationGracePeriod: gracePeriod, userID: options.userID,
        // A new volume belongs to root, but the worker runs as another user.
        setsFSGroup: options.volumes.areWritable,
        initContainers: (options.injection?.initContainers(cpuLimit: options.resources.cpuLimit) ?? [])
          + options.stepContainers(runner: runner, shared: stepMounts),
        containers: [worker(arguments, isService: isService)],
        volumes: volumes + MountedVolume.mounted(options.volumes).volumes,
        ownAccount: options.tellsDeletionCost ? metadata.name : nil, additions: options.additions))
  }

  /// The objects that let the pods tell Kubernetes what it costs to delete them.
  var access: [KubernetesObject] {
    options.tellsDeletionCost ? PodAccess(metadata: metadata, account: options.additions.serviceAccount).objects : []
  }

  /// Whether the runner has a command of its own.
  private var runsCommand: Bool { !options.command.isEmpty }

  private var runner: String {
    options.injection == nil ? "amqp-job" : Injection.program
  }

  private func worker(_ arguments: [String], isService: Bool) -> Container {
    Container(
      name: containerName, image: options.image.description,
      command: [runner, "run"] + arguments + (runsCommand ? ["--"] + options.command : []),
      environment: environment, ports: options.additions.metricsPorts,
      readinessProbe: isService ? probe("--ready") : nil, livenessProbe: probe(),
      resources: options.resources,
      mounts: mounts + (runsCommand ? MountedVolume.mounted(options.volumes).mounts : []))
  }

  /// The mounts that are not the user's.
  private var mounts: [VolumeMount] {
    (options.injection == nil ? [] : [Injection.mount]) + options.secrets.mounts
      + (options.tellsDeletionCost ? [PodAccess.mount] : []) + [
        stateMount, VolumeMount(name: Self.temporaryVolume, path: "/tmp"),
      ]
  }

  /// The mounts that each step has, too. None of them holds a credential.
  private var stepMounts: [VolumeMount] { [Injection.mount, stateMount] }

  private var stateMount: VolumeMount { VolumeMount(name: Self.stateVolume, path: Self.stateDirectory) }

  private func probe(_ arguments: String...) -> Probe {
    Probe(action: .exec([runner, "check"] + arguments), period: 10, timeout: 5, failureThreshold: 3)
  }

  private var environment: [ContainerVariable] {
    let stepDirectory = ContainerVariable("AMQP_JOB_STEP_DIR", .value(Self.stateDirectory))
    let others = options.environment.map { ContainerVariable($0.name, .value($0.value)) }
    return [
      options.secrets.urlVariable,
      ContainerVariable("QUEUE", .value(options.queue)),
      ContainerVariable("AMQP_JOB_SPOOL_DIR", .value(Self.stateDirectory)),
      ContainerVariable("AMQP_JOB_LIVENESS_FILE", .value(Self.livenessFile)),
    ] + (options.steps.isEmpty ? [] : [stepDirectory]) + options.secrets.fileVariables
      + (options.tellsDeletionCost ? PodAccess.variables : []) + others
  }

  private var volumes: [Volume] {
    (options.injection.map { [$0.volume] } ?? []) + options.secrets.volumes
      + (options.tellsDeletionCost ? [PodAccess.volume] : []) + [
        // The volume holds the largest item that RabbitMQ accepts, which has 512 MiB. With steps it also holds a step's input
        // and output.
        Volume(Self.stateVolume, .emptyDirectory(sizeLimit: options.steps.isEmpty ? "1Gi" : "2Gi")),
        Volume(Self.temporaryVolume, .emptyDirectory(sizeLimit: options.temporarySpace)),
      ] + options.stepVolumes
  }
}
