import Testing
import YAML

@testable import Manifests

@Suite("Steps in manifests") struct StepTests {
  private let job = JobManifestOptions(failurePolicy: PodFailurePolicy(ignored: [75], fatal: [64]))

  private func resources() throws -> Resources {
    let (cpu, memory) = (try #require(Quantity("100m")), try #require(Quantity("64Mi")))
    return Resources(cpu: cpu, cpuLimit: nil, memory: memory, memoryLimit: memory)
  }

  private func step(_ name: String) throws -> WorkerStep {
    WorkerStep(
      name: name, image: try #require(ImageReference("example/\(name):1")), command: ["run-\(name)", "$(A)"],
      resources: try resources())
  }

  /// Workers in the steps of these names, and a runner with this command.
  private func worker(_ names: [String], _ command: [String] = []) throws -> WorkerOptions {
    let image = try #require(ImageReference("amqp-job:1"))
    var options = WorkerOptions(
      name: ObjectName(resembling: "job1"), queue: "job1", image: image, command: command,
      secrets: BrokerSecrets(url: "rabbitmq"),
      resources: try resources(), temporarySpace: "1Gi", run: RunOptions(grace: .seconds(20)))
    options.steps = try names.map(step)
    options.injection = Injection(method: .initContainer, image: image)
    return options
  }

  private func podSpec(_ options: WorkerOptions) throws -> YAMLValue {
    try #require(try Manifest.job(options, job, .items(1)).documents[0]["spec"]?["template"]?["spec"])
  }

  private func items(_ value: YAMLValue?) throws -> [YAMLValue] {
    guard case .sequence(let items)? = value else {
      Issue.record("no sequence: \(String(describing: value))")
      return []
    }
    return items
  }

  private func texts(_ value: YAMLValue?) throws -> [String] {
    try items(value).compactMap { if case .string(let text) = $0 { text } else { nil } }
  }

  @Test("Steps are sidecars, in their order, after the container that installs amqp-job") func order() throws {
    let containers = try items(try podSpec(try worker(["detect", "blur"]))["initContainers"])
    #expect(containers.map { $0["name"] } == [.string("install"), .string("detect"), .string("blur")])
    #expect(containers.map { $0["restartPolicy"] } == [nil, .string("Always"), .string("Always")])
    #expect(
      try texts(containers[2]["command"]) == [
        "/opt/amqp-job/amqp-job", "step", "--socket", "/run/amqp-job/blur.sock", "--", "run-blur", "$$(A)",
      ])
  }

  @Test("The runner names the steps in their order, and may have a command of its own")
  func runner() throws {
    for (command, name, end) in [([], "runner", []), (["print"], "worker", ["--", "print"])] {
      let containers = try items(try podSpec(try worker(["detect", "blur"], command))["containers"])
      #expect(containers.map { $0["name"] } == [.string(name)])
      #expect(try texts(containers[0]["command"]).suffix(2 + end.count) == ["--step=detect", "--step=blur"] + end)
    }
  }

  @Test("The exit status of the runner's container decides what becomes of the Job")
  func decidingContainer() throws {
    for (command, name) in [([], "runner"), (["print"], "worker")] {
      let manifest = try Manifest.job(try worker(["detect"], command), job, .items(1))
      let rules = try items(manifest.documents[0]["spec"]?["podFailurePolicy"]?["rules"])
      #expect(rules.compactMap { $0["onExitCodes"]?["containerName"] } == [.string(name), .string(name)])
    }
  }

  @Test("A step has no credential: no Secret, and no setting of amqp-job") func credentials() throws {
    var options = try worker(["detect"], ["print"])
    (options.secrets.tls, options.secrets.token) = ("tls", "token")
    options.environment = [
      .init(name: "A", value: "b"), .init(name: "AMQP_JOB_PASSWORD_FILE", value: "/p"),
      .init(name: "AMQP_X", value: "y"),
    ]
    let spec = try podSpec(options)
    let step = try #require(try items(spec["initContainers"]).last)
    #expect(try items(step["env"]) == [.object(["name": "A", "value": "b"])])
    let paths = try items(step["volumeMounts"]).map { $0["mountPath"] }
    #expect(paths == [.string("/opt/amqp-job"), .string("/run/amqp-job"), .string("/tmp")])
    #expect(try items(try items(spec["containers"])[0]["env"]).contains { $0["valueFrom"]?["secretKeyRef"] != nil })
  }

  @Test("Each container has a /tmp of its own") func temporarySpace() throws {
    let spec = try podSpec(try worker(["detect", "blur"], ["print"]))
    let volumes = try (items(spec["initContainers"]).dropFirst() + items(spec["containers"])).map { container in
      try #require(try items(container["volumeMounts"]).first { $0["mountPath"] == .string("/tmp") }?["name"])
    }
    #expect(volumes == [.string("tmp-1"), .string("tmp-2"), .string("tmp")])
    #expect(try items(spec["volumes"]).filter { volumes.contains($0["name"] ?? .string("")) }.count == 3)
  }

  @Test("Volumes are for the containers with a command") func volumes() throws {
    for (command, isMounted) in [([], false), (["print"], true)] {
      var options = try worker(["detect"], command)
      options.volumes = [try #require(MountedVolume("claim/models:/models"))]
      let spec = try podSpec(options)
      func isThere(_ container: YAMLValue?) throws -> Bool {
        try items(container?["volumeMounts"]).contains { $0["mountPath"] == .string("/models") }
      }
      #expect(try isThere(try items(spec["initContainers"]).last))
      #expect(try isThere(try items(spec["containers"]).first) == isMounted)
    }
  }

  @Test("Two containers of a pod have different names", arguments: ["detect", "install", "runner"])
  func names(name: String) throws {
    let options = try worker(["detect", name])
    #expect(throws: Manifest.InvalidOptions.self) { try Manifest.job(options, job, .items(1)) }
    let other = try worker(["detect", "worker"])
    #expect(throws: Never.self) { try Manifest.job(other, job, .items(1)) }
    let withCommand = try worker(["detect", "worker"], ["print"])
    #expect(throws: Manifest.InvalidOptions.self) { try Manifest.job(withCommand, job, .items(1)) }
  }

  @Test("A runner without a command asks for little, and no more processor than a quota allows")
  func runnerResources() {
    let resources = [nil, "20m", "2"].map { Resources.forRunner(cpuLimit: $0.flatMap { Quantity($0) }) }
    #expect(resources.map(\.cpu.description) == ["50m", "20m", "50m"])
  }
}
