import AMQP
import Console
import Manifests
import Testing

@testable import amqp_job

@Suite("What manifest decides") struct ManifestTests {
  private let place = "queue 'q' at h"

  @Test("A Job is made for the items that are ready and those to be tried again") func found() throws {
    let figures = QueueFigures(name: "q", ready: 2, consumers: 0, retry: 3, dead: 4)
    #expect(try ManifestExtent.left(figures, place) == 5)
  }

  @Test("An empty queue ends manifest with 1, and tells how to make a Job all the same") func empty() throws {
    let figures = QueueFigures(name: "q", ready: 0, consumers: 0, retry: 0, dead: 4)
    let failure = try #require(throws: Failure.self) {
      _ = try ManifestExtent.left(figures, place)
    }
    #expect(failure.status == .failure)
    #expect(
      failure.text == "queue 'q' at h is empty: there is nothing to do (--completions N makes a Job all the same)")
  }

  @Test("A Service that cannot be reached is advised to be forwarded") func forwarding() {
    let broker = BrokerURL(host: "rabbitmq.apps.svc")
    #expect(
      ManifestExtent.advice(on: broker).text(for: .amqpJob)
        == "; if this is a Service of a cluster, run 'kubectl port-forward --namespace apps service/rabbitmq 5672:5672' "
        + "and use localhost in the URL; or --completions N makes the Job without asking the broker")
  }

  @Test("Another host that cannot be reached need not be asked") func notAsking() {
    let broker = BrokerURL(host: "broker.example.com")
    #expect(
      ManifestExtent.advice(on: broker).text(for: .amqpJob)
        == "; --completions N makes the Job without asking the broker")
  }

  @Test(
    "Options that belong to another kind are refused",
    arguments: [
      (["deployment", "--completions", "3"], "--completions goes with job, not with deployment"),
      (["job", "--schedule", "* * * * *"], "--schedule goes with cronjob, not with job"),
      (["job", "--target", "3"], "--target goes with deployment, scaledobject, not with job"),
      (["deployment", "--scale-by", "work"], "--scale-by goes with scaledobject, not with deployment"),
      (["scaledjob", "--prometheus", "http://p"], "--prometheus goes with scaledobject, not with scaledjob"),
      (["broker", "--inject"], "--inject does not go with broker"),
    ])
  func foreignOptions(words: [String], error: String) throws {
    let kind = try #require(ManifestCommand.Kind(rawValue: words[0]))
    let arguments = try settings(ManifestCommand.self, words).arguments
    #expect(try usageError { try ManifestKindOptions.check(arguments, kind) } == error)
  }

  private func scaledObject(_ words: [String]) throws -> Manifest {
    var settings = try settings(
      ManifestCommand.self, ["scaledobject", "-q", "q", "--image", "i"] + words + ["--", "w"])
    let worker = try ManifestWorkerOptions.options(&settings, .scaledobject, ["w"])
    return try ManifestScalingOptions.scaledObject(&settings, worker)
  }

  @Test(
    "Options about the work go with it, and it needs Prometheus",
    arguments: [
      ([], "--backlog-time 1m", "--backlog-time goes with --scale-by work"),
      ([], "--metric a_ready", "--metric goes with --scale-by work"),
      (
        ["--scale-by", "work"], "--target 5",
        "--target goes with --scale-by length"
      ),
      (
        ["--scale-by", "work"], "--rate-window 1m",
        "--scale-by work needs --prometheus URL, which is asked for the metrics"
      ),
      (
        ["--scale-by", "work", "--prometheus", "http://p"], "--metric messages",
        "--metric is to be one of RabbitMQ's that end with _ready, not 'messages'"
      ),
      (
        ["--scale-by", "work", "--prometheus", "http://p"], "--env AMQP_JOB_PARALLELISM=$(N)",
        "--scale-by work needs a number in --env AMQP_JOB_PARALLELISM=..."
      ),
    ])
  func work(words: [String], option: String, error: String) throws {
    let option = option.split(separator: " ").map(String.init)
    #expect(try usageError { _ = try scaledObject(words + option) } == error)
  }

  @Test(
    "Prometheus is named by a URL without credentials", arguments: ["p:9090", "ftp://p", "http://", "http://u:p@h"])
  func prometheus(url: String) throws {
    let error = try usageError { _ = try scaledObject(["--scale-by", "work", "--prometheus", url]) }
    #expect(error?.hasPrefix("--prometheus is to be a URL such as ") == true)
  }

  @Test("The pods' own number of workers is in the query") func parallelism() throws {
    let words = ["--scale-by", "work", "--prometheus", "https://p/x", "--env", "AMQP_JOB_PARALLELISM=4"]
    #expect(try scaledObject(words).text.contains(") / 4)"))
  }

  @Test("The queues that delays in the pods need are told with the command that makes them") func neededQueues() throws
  {
    let words = ["job", "-q", "a b", "--image", "i", "--retry-delay", "1m"]
    func notice(_ more: String...) throws -> String? {
      var settings = try settings(ManifestCommand.self, words + more + ["--", "w"])
      let worker = try ManifestWorkerOptions.options(&settings, .job, ["w"])
      return try ManifestAdvice.neededQueues(worker, &settings)
    }
    #expect(
      try notice("--retry-backoff", "1.5", "--retry-max", "1h")
        == "the pods need the retry queues that 'amqp-job declare 'a b' --retry-delay 60s --retry-backoff 1.5 --retry-max "
        + "3600s' makes")
    #expect(try notice() == nil)
  }

  private func extent(_ words: String...) throws -> JobManifestOptions.Extent {
    var settings = try settings(ManifestCommand.self, ["job", "-q", "q", "--image", "i"] + words + ["--", "w"])
    var worker = try ManifestWorkerOptions.options(&settings, .job, ["w"])
    return try ManifestExtent.determine(
      &settings, &worker, Reporter(Logger(format: .text, threshold: .error) { _ in }))
  }

  @Test("The options alone say how many items a Job has, if they say so") func withoutAsking() throws {
    #expect(try extent("--completions", "3") == .items(3))
    #expect(try extent("--drain") == .drain)
    #expect(
      try usageError { _ = try extent("--drain", "--completions", "3") }
        == "--completions and --drain exclude each other")
  }
}
