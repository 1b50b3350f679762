internal import YAML

/// The options of a broker.
package struct BrokerManifestOptions: Sendable {
  package var name: ObjectName
  package var namespace: String?
  package var secret: String
  package var image: ImageReference
  package var resources: Resources
  package var storage: String
  package var additions = PodAdditions()

  package init(
    name: ObjectName, namespace: String?, secret: String, image: ImageReference, resources: Resources, storage: String
  ) {
    self.name = name
    self.namespace = namespace
    self.secret = secret
    self.image = image
    self.resources = resources
    self.storage = storage
  }
}

extension Manifest {
  /// A RabbitMQ node that keeps its queues on a persistent volume, and whose user has a random password.
  package static func broker(
    _ options: BrokerManifestOptions, using generator: inout some RandomNumberGenerator
  ) throws(InvalidOptions) -> Manifest {
    let name = options.name.description
    guard let first = name.utf8.first, !first.isDigit else {
      throw InvalidOptions(description: "the broker's name must begin with a letter, because it is also a host name")
    }
    let broker = Broker(options: options)
    return Manifest(
      broker.secret(password: password(using: &generator)), broker.service, broker.statefulSet)
  }

  /// A random password of 190 bits. It has only letters and digits, which need no escaping in a URL.
  private static func password(using generator: inout some RandomNumberGenerator) -> String {
    let characters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
    return String((0..<32).map { _ in characters[Int.random(in: characters.indices, using: &generator)] })
  }
}

private struct Broker {
  private static let user = "job"
  /// The id of the user `rabbitmq` in the official image.
  private static let userID = 999
  private static let (port, portName) = (5672, "amqp")
  private static let volume = "data"

  let options: BrokerManifestOptions

  private var name: String { options.name.description }
  private var labels: Labels {
    Labels(name: "rabbitmq", instance: name, component: "broker", others: options.additions.labels)
  }

  private func metadata(_ name: String) -> Metadata {
    Metadata(
      name: name, namespace: options.namespace, labels: labels, annotations: options.additions.annotations)
  }

  func secret(password: String) -> KubernetesObject {
    // A client in another namespace, such as KEDA, needs the namespace in the host name.
    let host = name + (options.namespace.map { ".\($0).svc" } ?? "")
    let data = YAMLValue.object([
      "RABBITMQ_DEFAULT_USER": Self.user, "RABBITMQ_DEFAULT_PASS": password,
      BrokerSecrets.urlKey: "amqp://\(Self.user):\(password)@\(host):\(Self.port)",
    ])
    return KubernetesObject(
      "v1", "Secret", metadata(options.secret),
      content: [.init("type", .string("Opaque")), .init("stringData", data)])
  }

  /// The Service is headless, so that its name does not resolve before the broker is ready.
  var service: KubernetesObject {
    let port = YAMLValue.object(["name": Self.portName, "port": Self.port, "targetPort": Self.portName])
    return KubernetesObject(
      "v1", "Service", metadata(name),
      spec: .object(["clusterIP": "None", "selector": labels.selector, "ports": [port]]))
  }

  var statefulSet: KubernetesObject {
    let claim = YAMLValue.object([
      "metadata": YAMLValue.object(["name": Self.volume]),
      "spec": YAMLValue.object([
        "accessModes": ["ReadWriteOnce"],
        "resources": YAMLValue.object(["requests": YAMLValue.object(["storage": options.storage])]),
      ]),
    ])
    // A broker may take long to write messages from memory to the disk.
    let pod = PodSpec(
      restartPolicy: .always, terminationGracePeriod: 120, userID: Self.userID, setsFSGroup: true,
      containers: [container], additions: options.additions)
    return KubernetesObject(
      "apps/v1", "StatefulSet", metadata(name),
      spec: .object([
        "serviceName": name, "replicas": 1, "selector": YAMLValue.object(["matchLabels": labels.selector]),
        "template": PodTemplate(metadata: metadata(name), spec: pod), "volumeClaimTemplates": [claim],
      ]))
  }

  private var container: Container {
    Container(
      name: "rabbitmq", image: options.image.description,
      environment: ["RABBITMQ_DEFAULT_USER", "RABBITMQ_DEFAULT_PASS"].map {
        ContainerVariable($0, .secret(name: options.secret, key: $0))
      },
      ports: [ContainerPort(name: Self.portName, number: Self.port)],
      startupProbe: Probe(action: .tcpSocket(port: Self.portName), period: 2, failureThreshold: 60),
      readinessProbe: Probe(action: .tcpSocket(port: Self.portName), period: 10),
      livenessProbe: Probe(
        action: .exec(["rabbitmq-diagnostics", "--quiet", "ping"]), period: 60, timeout: 15, failureThreshold: 3),
      resources: options.resources,
      // RabbitMQ writes its configuration and its Erlang cookie to the root file system.
      hasReadOnlyRootFilesystem: false,
      // The volume is not mounted at /var/lib/rabbitmq, which also contains the Erlang cookie. Only its owner may read the
      // cookie, but the fsGroup makes all files of a volume readable for the group.
      mounts: [VolumeMount(name: Self.volume, path: "/var/lib/rabbitmq/mnesia")])
  }
}
