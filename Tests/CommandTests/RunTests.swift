import Broker
import Console
import JobRunner
import Testing

@testable import amqp_job

@Suite("What run makes of its options") struct RunTests {
  private func options(_ words: String..., environment: [String] = []) throws -> JobOptions {
    try options(words, environment: environment)
  }

  private func options(_ words: [String], environment: [String] = []) throws -> JobOptions {
    let words = ["--url", "amqp://h", "--queue", "q"] + words + ["--", "worker"]
    var settings = try settings(Run.self, words, environment: environment)
    var options = try Run.jobOptions(&settings, BrokerOptions(&settings))
    _ = try Run.keptErrorSize(&settings, &options)
    return options
  }

  @Test("A runner without options takes one item and waits for it") func defaults() throws {
    let options = try options()
    #expect(options.extent == .count(1))
    #expect(options.whenEmpty == .wait)
    #expect(!options.endsWhenDrained)
    #expect(!options.attempts.areRequired)
  }

  @Test("The options say how much is to be done") func extents() throws {
    #expect(try options("-n", "7").extent == .count(7))
    #expect(try options("--drain").extent == .drain)
    #expect(try options("--forever").extent == .forever)
    #expect(try options("-n", "7", "--when-empty", "exit").endsWhenDrained)
  }

  @Test("An option outweighs the variable of another one that it excludes") func excludedVariables() throws {
    #expect(try options("--drain", environment: ["AMQP_JOB_FOREVER=true"]).extent == .drain)
    #expect(try options("-n", "2", environment: ["AMQP_JOB_DRAIN=true"]).extent == .count(2))
  }

  @Test(
    "An option that does nothing without another one is refused",
    arguments: [
      (["--result-on", "failure"], "--result-on goes with --result-queue"),
      (["--result-max", "1KiB"], "--result-max goes with --result-queue"),
    ])
  func loneOptions(words: [String], error: String) throws {
    #expect(try usageError { _ = try options(words) } == error)
    #expect(try options([], environment: ["AMQP_JOB_RESULT_ON=failure"]).results == nil)
  }

  @Test("Attempts that are asked for need a queue that counts them, and a delay needs a retry queue")
  func attempts() throws {
    let counted = try options("--max-attempts", "5").attempts
    #expect(counted.areRequired && !counted.needRetryQueue && counted.maxAttempts == 5)
    let delayed = try options("--retry-delay", "2s").attempts
    #expect(delayed.areRequired && delayed.needRetryQueue && delayed.retryDelay == .seconds(2))
    let aged = try options("--max-item-age", "1h").attempts
    #expect(aged.maxAge == .seconds(3600) && !aged.areRequired && aged.needTarget)
    #expect(try options("--max-item-age", "0").attempts.maxAge == nil)
    #expect(try options("--reject-on", "2,65-67").attempts.rejectedStatuses == [2, 65, 66, 67])
  }

  @Test("A delay that grows needs retry queues") func growingDelay() throws {
    let growing = try options("--retry-delay", "1s", "--retry-backoff", "2", "--retry-max", "4s").attempts
    #expect(growing.areRequired && growing.needRetryQueue && growing.retryLevels == 3 && growing.retryJitter == 0.1)
    let fromEnvironment = try options(["--retry-jitter", "0"], environment: ["AMQP_JOB_RETRY_BACKOFF=1.5"]).attempts
    #expect(fromEnvironment.backoff?.first == .seconds(10) && fromEnvironment.backoff?.max == .seconds(600))
    #expect(fromEnvironment.retryJitter == 0)
    #expect(try options("--retry-delay", "1s").attempts.retryLevels == 1)
  }

  @Test(
    "A growth that makes no sense is refused",
    arguments: [
      (["--retry-max", "1m"], "--retry-max goes with --retry-backoff"),
      (["--retry-jitter", "0"], "--retry-jitter goes with --retry-backoff"),
      (["--retry-backoff", "0.5"], "--retry-backoff is to be a number from 1, such as 2 or 1.5, not '0.5'"),
      (["--retry-backoff", "nan"], "--retry-backoff is to be a number from 1, such as 2 or 1.5, not 'nan'"),
      (
        ["--retry-backoff", "2", "--retry-jitter", "1.1"],
        "--retry-jitter is to be a number from 0 to 1, such as 0.1, not '1.1'"
      ),
      (["--retry-backoff", "2", "--retry-delay", "0"], "--retry-backoff needs a --retry-delay above 0"),
      (
        ["--retry-backoff", "2", "--retry-delay", "1h"],
        "--retry-delay 3600s is longer than --retry-max, which is 600s"
      ),
      (
        ["--retry-backoff", "1.01", "--retry-delay", "1s"],
        "--retry-backoff 1.01 takes more than 32 delays from 1s to 600s, and each needs a queue of its own: use a larger one, "
          + "or a shorter --retry-max"
      ),
      (
        ["--retry-backoff", "9", "--retry-max", "1176h"],
        "--retry-max with --retry-jitter is at most 49 days"
      ),
    ])
  func refusedGrowth(words: [String], error: String) throws {
    #expect(try usageError { _ = try options(words) } == error)
  }

  @Test("A directory for output has a slash, so that no word is mistaken for one") func outputChoices() {
    #expect(["inherit", "tag", "json"].map(OutputChoice.init) == [.inherit, .tag, .json])
    #expect(["./o", "/", "tag/"].map(OutputChoice.init) == [.directory("./o"), .directory("/"), .directory("tag/")])
    #expect(["", "results", "TAG", ".."].compactMap(OutputChoice.init).isEmpty)
  }

  @Test("What steps write stays in their containers") func outputOfSteps() throws {
    func form(_ words: String..., kept: Bool = false) throws {
      var settings = try settings(Run.self, ["--url", "amqp://h"] + words + ["-q", "q"])
      var options = JobOptions(brokers: [], queue: "q")
      options.attempts.keepsStandardError = kept
      _ = try Run.outputForm(&settings, hasSteps: true, hasCommand: false, options)
    }
    for word in ["tag", "json", "/tmp"] {
      let error = try usageError { try form("--output", word) }
      #expect(error == "--output \(word) goes with a command after the steps: they write in their own containers")
    }
    try form()
    try form("--output", "tag", kept: true)
    #expect(try usageError { try form("--output", "/tmp", kept: true) } != nil)
  }

  @Test(
    "Options that do not go together are refused",
    arguments: [
      (["--drain", "--forever"], "--count, --drain and --forever exclude each other"),
      (["--drain", "-n", "2"], "--count, --drain and --forever exclude each other"),
      (["--drain", "--when-empty", "exit"], "--when-empty goes with --count"),
      (["--drain-timeout", "1m"], "--drain-timeout goes with --drain, or --when-empty exit"),
      (["--forever", "--drain-timeout", "1m"], "--drain-timeout goes with --drain, or --when-empty exit"),
      (
        ["--on-failure", "reject", "--max-attempts", "2"],
        "--on-failure excludes --max-attempts: attempts are counted for queues with retries only"
      ),
      (
        ["--on-failure", "reject", "--keep-stderr", "1KiB"],
        "--keep-stderr goes into dead letters that amqp-job publishes, but with --on-failure it publishes none"
      ),
      (
        ["--assume", "quorum", "--keep-stderr", "1KiB"],
        "--keep-stderr goes into dead letters, but the queue has none if --assume is right"
      ),
      (
        ["--assume", "classic", "--max-item-age", "1h"],
        "--max-item-age dead-letters items, but the queue has no dead letters if --assume is right"
      ),
      (
        ["--assume", "declared", "--on-failure", "reject"],
        "--on-failure is for queues without retries, and --assume says 'declared'"
      ),
    ])
  func refusedOptions(words: [String], error: String) throws {
    #expect(try usageError { _ = try options(words) } == error)
  }
}
