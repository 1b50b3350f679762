import Testing

@testable import Arguments

struct SuggestionTests {
  private static let commands = ["run", "publish", "declare", "status", "dead", "manifest", "check", "install", "man"]

  @Test(arguments: [
    ("pulish", "publish"), ("pubilsh", "publish"), ("publlish", "publish"), ("PUBLISH", "publish"), ("stat", "status"),
    ("rn", "run"), ("mam", "man"), ("decalre", "declare"), ("deadd", "dead"), ("publ", "publish"),
  ])
  func nearest(_ given: String, _ meant: String) {
    #expect(Suggestion(for: given, among: Self.commands)?.word == meant)
  }

  @Test(arguments: ["", "x", "consume", "foo", "xyzzy", "hello-world", String(repeating: "a", count: 1 << 16)])
  func none(_ given: String) {
    #expect(Suggestion(for: given, among: Self.commands) == nil)
  }

  @Test func severalThatBeginSo() {
    #expect(Suggestion(for: "tls", among: ["tls-ca", "tls-cert", "tls-key"]) == nil)
    #expect(Suggestion(for: "drain", among: ["drained", "drain-timeout"])?.word == "drained")
    #expect(Suggestion(for: "para", among: ["parallelism", "password-file"])?.word == "parallelism")
  }

  @Test(arguments: [
    ("", "", 0), ("", "ab", 2), ("abc", "abc", 0), ("abc", "acb", 1), ("kitten", "sitting", 3), ("ca", "abc", 3),
  ])
  func distances(_ first: String, _ second: String, _ distance: Int) {
    #expect(editDistance(Array(first), Array(second)) == distance)
    #expect(editDistance(Array(second), Array(first)) == distance)
  }
}

struct UnknownVariablesTests {
  private static let variables = UnknownVariables(tool: "amqp-job", options: ["timeout", "retry-delay", "count"])

  private func warnings(_ entries: String...) -> [String] { Self.variables.warnings(entries.map { Array($0.utf8) }) }

  @Test func misspelt() {
    #expect(
      warnings("AMQP_JOB_TIMOUT=secret", "AMQP_JOB_RETRY_DELY=", "PATH=/bin") == [
        "AMQP_JOB_TIMOUT is no setting, and is ignored: did you mean AMQP_JOB_TIMEOUT?",
        "AMQP_JOB_RETRY_DELY is no setting, and is ignored: did you mean AMQP_JOB_RETRY_DELAY?",
      ])
    #expect(
      warnings("AMQP_JOB_COLOUR=red", "AMQP_JOB_PORT=5672") == [
        "AMQP_JOB_COLOUR is no setting, and is ignored", "AMQP_JOB_PORT is no setting, and is ignored",
      ])
  }

  @Test("A variable named by a letter, or as elsewhere, gets a suggestion") func whatAnOptionIsCalledElsewhere() {
    let variables = UnknownVariables(
      tool: "amqp-job", options: ["count", "max-attempts"], synonyms: ["n": "count", "max-retries": "max-attempts"])
    #expect(
      variables.warnings(["AMQP_JOB_N=3", "AMQP_JOB_MAX_RETRIES=3"].map { Array($0.utf8) }) == [
        "AMQP_JOB_N is no setting, and is ignored: did you mean AMQP_JOB_COUNT?",
        "AMQP_JOB_MAX_RETRIES is no setting, and is ignored: did you mean AMQP_JOB_MAX_ATTEMPTS?",
      ])
  }

  @Test func known() {
    #expect(warnings("AMQP_JOB_TIMEOUT=1", "AMQP_JOB_RETRY_DELAY", "AMQP_TIMOUT=1", "AMQP_JOBS=1", "AMQP_JOB=1") == [])
  }

  /// What Kubernetes sets for Services called amqp-job and amqp-job-metrics.
  @Test func injected() {
    for service in ["AMQP_JOB", "AMQP_JOB_METRICS"] {
      #expect(
        warnings(
          "\(service)_SERVICE_HOST=10.0.0.1", "\(service)_SERVICE_PORT=80", "\(service)_SERVICE_PORT_HTTP_WEB=80",
          "\(service)_PORT=tcp://10.0.0.1:80", "\(service)_PORT_80_TCP=tcp://10.0.0.1:80",
          "\(service)_PORT_80_TCP_PROTO=tcp", "\(service)_PORT_80_TCP_PORT=80", "\(service)_PORT_80_TCP_ADDR=10.0.0.1",
          "\(service)_PORT_53_UDP_ADDR=10.0.0.1", "\(service)_PORT=udp://10.0.0.1:53") == [])
    }
  }

  @Test func whatCannotBeShown() {
    #expect(warnings("AMQP_JOB_\u{1b}[2J=1", "AMQP_JOB_\(String(repeating: "A", count: 200))=1") == [])
    #expect(Self.variables.warnings([Array("AMQP_JOB_".utf8) + [0xFF]]) == [])
  }
}
