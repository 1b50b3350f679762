/// How amqp-job gets into a pod whose image does not contain it.
package struct Injection: Hashable, Sendable {
  package enum Method: String, Hashable, Sendable, CaseIterable {
    /// An init container copies the program into a volume.
    case initContainer = "init"
    /// The image with the program is mounted as a volume.
    case imageVolume = "image-volume"
  }

  static let containerName = "install"
  private static let directory = "/opt/amqp-job"
  private static let volumeName = "amqp-job"

  package var method: Method
  /// The image that contains amqp-job.
  package var image: ImageReference

  package init(method: Method, image: ImageReference) {
    self.method = method
    self.image = image
  }

  /// The program's path in a container with `mount`.
  static let program = directory + "/amqp-job"

  static let mount = VolumeMount(name: volumeName, path: directory, isReadOnly: true)

  /// `cpuLimit` is that of the pod's other containers.
  func initContainers(cpuLimit: Quantity?) -> [Container] {
    guard method == .initContainer else { return [] }
    return [
      Container(
        name: Self.containerName, image: image.description, arguments: ["install", Self.directory],
        resources: .forCopying(cpuLimit: cpuLimit),
        mounts: [VolumeMount(name: Self.volumeName, path: Self.directory)])
    ]
  }

  var volume: Volume {
    switch method {
    case .initContainer: Volume(Self.volumeName, .emptyDirectory(sizeLimit: "64Mi"))
    case .imageVolume: Volume(Self.volumeName, .image(reference: image.description))
    }
  }
}
