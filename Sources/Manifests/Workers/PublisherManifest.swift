internal import YAML

extension Manifest {
  /// A Deployment of publishers, of which one is active.
  package static func deployment(_ options: PublisherOptions) throws(InvalidOptions) -> Manifest {
    let pod = try PublisherPod(options)
    return Manifest(KubernetesObject(deployment: pod.metadata, replicas: options.replicas, pod.template(.always)))
  }

  /// A CronJob that looks at the source once on a schedule.
  package static func cronJob(
    _ options: PublisherOptions, _ job: JobManifestOptions, schedule: Schedule
  ) throws(InvalidOptions) -> Manifest {
    let pod = try PublisherPod(options)
    let spec = JobSpec(
      completions: 1, parallelism: 1, backoffLimit: job.backoffLimit ?? JobSpec.defaultBackoffLimit,
      activeDeadline: job.activeDeadline.wholeSeconds, timeToLive: job.timeToLive?.wholeSeconds,
      failurePolicy: job.failurePolicy, decidingContainer: PublisherPod.publisher, template: pod.template(.never))
    return Manifest(KubernetesObject(cronJob: pod.metadata, schedule, spec))
  }
}

/// The pods of publishers.
struct PublisherPod {
  static let publisher = "publish"
  private static let server = "source"
  private static let temporaryVolume = "tmp"
  private static let terminationGracePeriod = 30

  let options: PublisherOptions

  init(_ options: PublisherOptions) throws(Manifest.InvalidOptions) {
    self.options = options
    try MountedVolume.check(options.volumes, beside: (options.secrets.mounts + serverMounts).map(\.path))
  }

  var metadata: Metadata {
    Metadata(
      name: options.name, namespace: options.namespace, component: "publisher", options.additions)
  }

  func template(_ restartPolicy: PodSpec.RestartPolicy) -> PodTemplate {
    PodTemplate(
      metadata: metadata,
      spec: PodSpec(
        restartPolicy: restartPolicy, terminationGracePeriod: Self.terminationGracePeriod, userID: options.userID,
        setsFSGroup: options.volumes.areWritable,
        initContainers: options.server.map { [container(of: $0)] } ?? [], containers: [publisher], volumes: volumes,
        isSpread: restartPolicy == .always, additions: options.additions))
  }

  private var publisher: Container {
    Container(
      name: Self.publisher, image: options.image.description,
      arguments: ["publish", "--queue=\(options.queue)"] + options.arguments + options.additions.metricsArguments,
      environment: options.secrets.environment(options.environment.filter(\.isSetting)),
      ports: options.additions.metricsPorts, resources: .forPublisher(cpuLimit: options.cpuLimit),
      mounts: options.secrets.mounts + MountedVolume.mounted(options.volumes).mounts)
  }

  /// The source, which only this pod reaches. As a native sidecar it starts before the publisher, and ends after it.
  private func container(of server: PublisherOptions.Server) -> Container {
    Container(
      name: Self.server, image: server.image.description, isSidecar: true, command: server.command,
      environment: options.environment.filter { !$0.isSetting }.map { ContainerVariable($0.name, .value($0.value)) },
      resources: server.resources, mounts: serverMounts + MountedVolume.mounted(options.volumes).mounts)
  }

  private var serverMounts: [VolumeMount] {
    options.server == nil ? [] : [VolumeMount(name: Self.temporaryVolume, path: "/tmp")]
  }

  private var volumes: [Volume] {
    let temporary = Volume(Self.temporaryVolume, .emptyDirectory(sizeLimit: options.temporarySpace))
    return options.secrets.volumes + (options.server == nil ? [] : [temporary])
      + MountedVolume.mounted(options.volumes).volumes
  }
}
