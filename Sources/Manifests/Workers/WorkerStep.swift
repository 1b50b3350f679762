/// A worker in a container of its own, without credentials. The runner hands items to it through a socket.
package struct WorkerStep: Hashable, Sendable {
  /// The name of the container, which is also that of the socket.
  package var name: String
  package var image: ImageReference
  /// The worker's command in that image.
  package var command: [String]
  package var resources: Resources

  package init(name: String, image: ImageReference, command: [String], resources: Resources) {
    self.name = name
    self.image = image
    self.command = command
    self.resources = resources
  }
}

extension WorkerOptions {
  /// The steps as native sidecars, which start before the runner and end after it
  /// (<https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/>).
  ///
  /// The next container starts when a step waits at its socket. A pod with a step that cannot be started therefore stays
  /// in its initialization, and takes no item.
  func stepContainers(runner: String, shared: [VolumeMount]) -> [Container] {
    steps.enumerated().map { index, step in
      let socket = "\(WorkerPod.stateDirectory)/\(step.name).sock"
      return Container(
        name: step.name, image: step.image.description, isSidecar: true,
        command: [runner, "step", "--socket", socket, "--"] + step.command,
        environment: stepEnvironment,
        startupProbe: Probe(
          action: .exec([runner, "check", "--socket", socket]), period: 1, timeout: 5, failureThreshold: 60),
        resources: step.resources,
        mounts: shared + [VolumeMount(name: Self.temporaryVolume(ofStep: index), path: "/tmp")]
          + MountedVolume.mounted(volumes).mounts)
    }
  }

  /// The steps' own volumes, one for each.
  var stepVolumes: [Volume] {
    steps.indices.map { Volume(Self.temporaryVolume(ofStep: $0), .emptyDirectory(sizeLimit: temporarySpace)) }
  }

  /// A step gets no setting of the runner, since that may be a credential.
  private var stepEnvironment: [ContainerVariable] {
    environment.filter { !$0.isSetting }.map { ContainerVariable($0.name, .value($0.value)) }
  }

  /// The name of a step cannot be a part of it, because it may be too long.
  private static func temporaryVolume(ofStep index: Int) -> String { "tmp-\(index + 1)" }
}
