internal import YAML

extension Manifest {
  /// A Deployment whose pods elect a leader.
  package static func deployment(_ options: LeaderOptions) throws(InvalidOptions) -> Manifest {
    let pod = try LeaderPod(options)
    return Manifest(KubernetesObject(deployment: pod.metadata, replicas: options.replicas, pod.template))
  }
}

/// The pods of an application that has a leader.
struct LeaderPod {
  private static let (candidateContainer, applicationContainer) = ("lead", "application")
  private static let temporaryVolume = "tmp"

  let options: LeaderOptions

  init(_ options: LeaderOptions) throws(Manifest.InvalidOptions) {
    self.options = options
    try MountedVolume.check(options.volumes, beside: (applicationMounts + candidateMounts).map(\.path))
  }

  var metadata: Metadata {
    Metadata(
      name: options.name, namespace: options.namespace, component: "candidate", options.additions)
  }

  var template: PodTemplate {
    PodTemplate(
      metadata: metadata,
      spec: PodSpec(
        restartPolicy: .always, terminationGracePeriod: options.terminationGracePeriod, userID: options.userID,
        setsFSGroup: options.volumes.areWritable, initContainers: initContainers,
        containers: [application], volumes: volumes, isSpread: true, additions: options.additions))
  }

  private var initContainers: [Container] {
    switch options.candidate {
    case .aroundCommand(let injection): injection?.initContainers(cpuLimit: options.resources.cpuLimit) ?? []
    case .sidecar(let image, let address): [sidecar(image, address)]
    }
  }

  private var application: Container {
    let volumes = MountedVolume.mounted(options.volumes).mounts
    switch options.candidate {
    case .aroundCommand(let injection):
      let program = injection == nil ? "amqp-job" : Injection.program
      return Container(
        name: Self.applicationContainer, image: options.image.description,
        command: [program] + arguments + ["--"] + options.command,
        environment: options.secrets.environment(options.environment), ports: options.additions.metricsPorts,
        resources: options.resources,
        mounts: (injection == nil ? [] : [Injection.mount]) + candidateMounts + applicationMounts + volumes)
    case .sidecar:
      let own = options.environment.filter { !$0.isSetting }
      return Container(
        name: Self.applicationContainer, image: options.image.description, command: options.command,
        environment: [.podName] + own.map { ContainerVariable($0.name, .value($0.value)) },
        resources: options.resources, mounts: applicationMounts + volumes)
    }
  }

  /// A native sidecar starts before the application, and ends after it: the leader lets go only when its application has ended
  /// (<https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/>).
  private func sidecar(_ image: ImageReference, _ address: String) -> Container {
    Container(
      name: Self.candidateContainer, image: image.description, isSidecar: true,
      arguments: arguments + ["--http=\(address)"],
      environment: options.secrets.environment(options.environment.filter(\.isSetting)),
      ports: options.additions.metricsPorts, resources: .forRunner(cpuLimit: options.resources.cpuLimit),
      mounts: candidateMounts)
  }

  private var arguments: [String] {
    ["lead", "--election=\(options.election.name)", "--lease=\(options.election.lease)"]
      + options.additions.metricsArguments
  }

  private var candidateMounts: [VolumeMount] { options.secrets.mounts }

  private var applicationMounts: [VolumeMount] { [VolumeMount(name: Self.temporaryVolume, path: "/tmp")] }

  private var volumes: [Volume] {
    let injected: [Volume] =
      if case .aroundCommand(let injection?) = options.candidate { [injection.volume] } else { [] }
    return injected + options.secrets.volumes
      + [Volume(Self.temporaryVolume, .emptyDirectory(sizeLimit: options.temporarySpace))]
      + MountedVolume.mounted(options.volumes).volumes
  }
}
