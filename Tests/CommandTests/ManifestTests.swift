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
      (["broker", "--inject"], "--inject does not go with broker"),
    ])
  func foreignOptions(words: [String], error: String) throws {
    let kind = try #require(ManifestCommand.Kind(rawValue: words[0]))
    let arguments = try settings(ManifestCommand.self, words).arguments
    #expect(try usageError { try ManifestKindOptions.check(arguments, kind) } == error)
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
