import HTTP
@testable import Telemetry
import Testing

@Suite struct MetricsPageTests {
  private struct Program: Measured {
    var vitals: Vitals
    func families(at now: ContinuousClock.Instant) -> [MetricFamily] { [.gauge("workers", "Workers.", 2)] }
  }

  private static let turnedAt = ContinuousClock.now

  private static func answer(
    _ path: String, obstacle: String? = nil, after age: Duration = .zero, _ method: HTTPRequest.Method = .get
  ) -> HTTPResponse {
    let program = Program(vitals: Vitals(turnedAt: turnedAt, obstacle: obstacle))
    var cache = ExpositionCache()
    return MetricsPage.response(to: HTTPRequest(method, path: path), program, at: turnedAt + age, &cache)
  }

  @Test("The metrics come in the format that the client takes")
  func metrics() {
    let answer = Self.answer("/metrics")
    #expect(answer.status == .success)
    #expect(answer.contentType == "text/plain; version=0.0.4; charset=utf-8")
    #expect(answer.body == "# HELP workers Workers.\n# TYPE workers gauge\nworkers 2.0\n")
    let request = HTTPRequest(.get, path: "/metrics", accept: "application/openmetrics-text; version=1.0.0")
    var cache = ExpositionCache()
    let other = MetricsPage.response(
      to: request, Program(vitals: Vitals(turnedAt: Self.turnedAt, obstacle: nil)), at: Self.turnedAt, &cache)
    #expect(other.contentType == "application/openmetrics-text; version=1.0.0; charset=utf-8")
    #expect(other.body.hasSuffix("workers 2.0\n# EOF\n"))
  }

  @Test("A program that turns and can work is alive and ready")
  func healthy() {
    #expect(Self.answer("/healthz").body == "ok\n")
    #expect(Self.answer("/readyz", after: Vitals.maxAge).status == .success)
  }

  @Test("A program that cannot work now is alive and not ready")
  func unready() {
    #expect(Self.answer("/healthz", obstacle: "no broker").status == .success)
    let answer = Self.answer("/readyz", obstacle: "no broker")
    #expect(answer.status == .serviceUnavailable)
    #expect(answer.body == "no broker\n")
  }

  @Test("A program that does not turn is neither", arguments: ["/healthz", "/readyz"])
  func dead(path: String) {
    let answer = Self.answer(path, after: .seconds(31))
    #expect(answer.status == .serviceUnavailable)
    #expect(answer.body == "no sign of life for 31s\n")
  }

  @Test("Other paths and methods are refused")
  func others() {
    #expect(Self.answer("/").status == .notFound)
    #expect(Self.answer("/metrics", .other).status == .methodNotAllowed)
    #expect(Self.answer("/metrics", .head).status == .success)
  }
}
