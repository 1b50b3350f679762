import Arguments
import Testing

@testable import amqp_job

@Suite("Why a queue or a broker is not given") struct AbsenceTests {
  @Test(
    "An option that follows the command is said to belong to it",
    arguments: [
      (["cat", "-q", "p1", "--drain"], "'-q' too: write options before 'cat'"),
      (["cat", "--queue=p1"], "'--queue=p1' too: write options before 'cat'"),
      (["cat", "x"], "'cat' is not taken for it"),
    ])
  func misplaced(words: [String], hint: String) throws {
    var settings = try settings(Run.self, words)
    let error = try #require(try usageError { _ = try QueueName.resolved(&settings) })
    #expect(error.hasPrefix("no queue given: ") && error.hasSuffix(hint))
  }

  @Test("A variable with what Kubernetes injects is said to be ignored") func injected() throws {
    let environment = ["QUEUE=tcp://10.0.0.1:80", "AMQP_URL=tcp://10.0.0.1:5672", "BROKER_URL=tcp://10.0.0.1:5672"]
    var settings = try settings(Run.self, ["cat"], environment: environment)
    let why = "and ignored: a value that begins with tcp:// is what Kubernetes injects for a Service"
    #expect(try usageError { _ = try QueueName.resolved(&settings) }?.hasSuffix("; QUEUE is set, \(why)") == true)
    #expect(
      try usageError { _ = try BrokerSources(&settings) }?.hasSuffix("; AMQP_URL, BROKER_URL are set, \(why)") == true)
  }
}
