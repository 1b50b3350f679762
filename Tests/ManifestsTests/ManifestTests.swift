import TestSupport
import Testing
import YAML

@testable import Manifests

@Suite struct ManifestTests {
  private let job = JobManifestOptions(failurePolicy: PodFailurePolicy(ignored: [75, 69], fatal: [127, 64]))

  private func resources() throws -> Resources {
    let memory = try #require(Quantity("64Mi"))
    return Resources(cpu: try #require(Quantity("100m")), cpuLimit: nil, memory: memory, memoryLimit: memory)
  }

  private func worker(_ change: (inout WorkerOptions) -> Void = { _ in }) throws -> WorkerOptions {
    var options = WorkerOptions(
      name: ObjectName(resembling: "job1"), queue: "job1", image: try #require(ImageReference("worker:1")),
      command: ["./worker.py"], secrets: BrokerSecrets(url: "rabbitmq"), resources: try resources(),
      temporarySpace: "1Gi",
      run: RunOptions(grace: .seconds(20))
    )
    change(&options)
    return options
  }

  private func podSpec(_ job: YAMLValue) throws -> YAMLValue {
    try #require(job["spec"]?["template"]?["spec"])
  }

  @Test(
    "The pod's grace period is longer than the worker's",
    arguments: [
      (nil, nil, 20.0, 30), (nil, RunOptions.OnTerm.stop, 0.5, 11), (90, .finish, 20, 120), (0.1, .finish, 0.2, 11),
      (3600, .stop, 20, 30),
    ])
  func gracePeriod(
    timeout: Double?, onTerm: RunOptions.OnTerm?, grace: Double, expected: Int
  ) throws {
    let options = try worker {
      $0.run.timeout = timeout.map { .seconds($0) }
      $0.run.onTerm = onTerm
      $0.run.grace = .seconds(grace)
    }
    let manifest = try Manifest.job(options, job, .items(1))
    #expect(try podSpec(manifest.documents[0])["terminationGracePeriodSeconds"] == .integer(expected))
  }

  @Test("Letting workers finish requires a timeout") func finishWithoutTimeout() throws {
    let options = try worker { $0.run.onTerm = .finish }
    let scaling = ScalingOptions(metric: "m", target: 1)
    #expect(throws: Manifest.InvalidOptions.self) { try Manifest.job(options, job, .drain) }
    #expect(throws: Manifest.InvalidOptions.self) { try Manifest.scaledJob(options, job) }
    #expect(throws: Manifest.InvalidOptions.self) { try Manifest.deployment(options, scaling) }
    #expect(throws: Manifest.InvalidOptions.self) { try Manifest.scaledObject(options, scaling) }
  }

  @Test(
    "The items of a Job limit its parallelism and its back-off",
    arguments: [(1, 1, 6), (6, 6, 6), (7, 7, 7), (500, 10, 500)])
  func limitsOfJob(items: Int, parallelism: Int, backoff: Int) throws {
    let spec = try #require(try Manifest.job(try worker(), job, .items(items)).documents[0]["spec"])
    #expect(spec["completions"] == .integer(items))
    #expect(spec["parallelism"] == .integer(parallelism))
    #expect(spec["backoffLimit"] == .integer(backoff))
  }

  @Test("A draining Job has no completions") func drainingJob() throws {
    let spec = try #require(try Manifest.job(try worker(), job, .drain).documents[0]["spec"])
    #expect(spec["completions"] == nil)
    #expect(spec["parallelism"] == .integer(10))
  }

  @Test("The statuses of a failure policy are sorted") func failurePolicy() throws {
    #expect(job.failurePolicy.ignored == [69, 75])
    #expect(job.failurePolicy.fatal == [64, 127])
  }

  private func waitFirst(_ manifest: Manifest, _ path: String...) throws -> String? {
    var value = try #require(manifest.documents.last?["spec"])
    for name in path + ["template", "spec"] { value = try #require(value[name]) }
    guard case .sequence(let containers)? = value["containers"],
      case .sequence(let words)? = containers.first?["command"], case .string(let word) = words[2]
    else { return nil }
    return word
  }

  @Test("Pods wait only for items that may be published later") func waitFirst() throws {
    let options = try worker()
    let schedule = try Schedule("@daily")
    #expect(try waitFirst(.job(options, job, .items(3))) == "--wait-first=60s")
    #expect(try waitFirst(.job(options, job, .drain)) == "--wait-first=60s")
    #expect(try waitFirst(.job(options, job, .found(3))) == "--wait-first=0s")
    #expect(try waitFirst(.cronJob(options, job, schedule: schedule), "jobTemplate", "spec") == "--wait-first=0s")
    #expect(try waitFirst(.scaledJob(options, job), "jobTargetRef") == "--wait-first=0s")
    let patient = try worker { $0.run.waitFirst = .seconds(90) }
    #expect(try waitFirst(.job(patient, job, .found(3))) == "--wait-first=90s")
    #expect(try waitFirst(.scaledJob(patient, job), "jobTargetRef") == "--wait-first=90s")
  }

  @Test("The options become arguments of the runner") func arguments() {
    var run = RunOptions(grace: .seconds(20))
    #expect(
      run.arguments(.oneItem, defaultWaitFirst: .zero) == ["--wait-first=0s", "--when-empty=exit", "--grace=20s"])
    #expect(run.arguments(.drain, defaultWaitFirst: .seconds(60)) == ["--wait-first=60s", "--drain", "--grace=20s"])
    run.waitFirst = .seconds(5)
    run.timeout = .milliseconds(1500)
    run.onTerm = .stop
    run.attempts = .init(max: 2, retryDelay: .seconds(60))
    run.maxItemAge = .seconds(90)
    #expect(
      run.arguments(.forever, defaultWaitFirst: .seconds(60)) == [
        "--wait-first=5s", "--forever", "--timeout=1500ms", "--grace=20s", "--on-term=stop", "--max-attempts=2",
        "--retry-delay=60s", "--max-item-age=90s",
      ])
    run.maxItemAge = nil
    run.attempts?.backoff = .init(factor: 1.5, maxDelay: .seconds(600), jitter: 0)
    #expect(
      run.arguments(.drain, defaultWaitFirst: .zero).suffix(3) == [
        "--retry-backoff=1.5", "--retry-max=600s", "--retry-jitter=0",
      ])
    run.attempts?.backoff = .init(factor: 2, maxDelay: nil, jitter: nil)
    #expect(run.arguments(.drain, defaultWaitFirst: .zero).last == "--retry-backoff=2")
  }

  @Test(
    "An autoscaler requires a queue name that is a label value",
    arguments: ["a queue", "", "日本", "-a", String(repeating: "x", count: 64)])
  func queueAsLabel(queue: String) throws {
    let options = try worker { $0.queue = queue }
    let scaling = ScalingOptions(metric: "m", target: 1)
    #expect(throws: Manifest.InvalidOptions.self) { try Manifest.deployment(options, scaling) }
    #expect(throws: Never.self) { try Manifest.scaledObject(options, scaling) }
  }

  @Test("A broker's password comes from the random number generator") func password() throws {
    let image = try #require(ImageReference("rabbitmq:4.3"))
    let options = BrokerManifestOptions(
      name: try #require(ObjectName("rabbitmq")), namespace: "fruits", secret: "s", image: image,
      resources: try resources(), storage: "1Gi")
    var (one, same, other) = (Random(seed: 1), Random(seed: 1), Random(seed: 2))
    let secret = try Manifest.broker(options, using: &one).documents[0]
    #expect(try Manifest.broker(options, using: &same).documents[0] == secret)
    #expect(try Manifest.broker(options, using: &other).documents[0] != secret)
    guard case .string(let password)? = secret["stringData"]?["RABBITMQ_DEFAULT_PASS"] else {
      Issue.record("no password")
      return
    }
    #expect(password.count == 32 && password.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
    #expect(
      secret["stringData"]?["BROKER_URL"] == .string("amqp://job:\(password)@rabbitmq.fruits.svc:5672"))
  }
}
