import TLS
import Testing

@testable import Telemetry

@Suite struct TraceSettingsTests {
  private static let endpoint = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"]

  private func settings(_ variables: [String: String]) throws -> TraceSettings? {
    try TraceSettings(host: "pod-1") { variables[$0] }
  }

  private func settings(adding variables: [String: String]) throws -> TraceSettings {
    try #require(try settings(Self.endpoint.merging(variables) { $1 }))
  }

  private func refusal(_ variables: [String: String]) -> String? {
    #expect(throws: TraceSettings.FormError.self) { try settings(adding: variables) }?.description
  }

  @Test(
    "Without an endpoint, or where traces are switched off, there are none",
    arguments: [
      [:], ["OTEL_EXPORTER_OTLP_ENDPOINT": ""], ["OTEL_SERVICE_NAME": "x"],
      endpoint.merging(["OTEL_SDK_DISABLED": "TRUE"]) { $1 }, endpoint.merging(["OTEL_TRACES_EXPORTER": "none"]) { $1 },
    ])
  func none(variables: [String: String]) throws { #expect(try settings(variables) == nil) }

  @Test(
    "The general endpoint has a path added to it, and the one for traces is the whole URL",
    arguments: [
      (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"], "http://c:4318/v1/traces"),
      (["OTEL_EXPORTER_OTLP_ENDPOINT": "https://c/base/\n"], "https://c/base/v1/traces"),
      (["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t:1/x"], "http://t:1/x"),
      (
        ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t:1"],
        "http://t:1"
      ),
    ])
  func endpoints(variables: [String: String], url: String) throws {
    #expect(try settings(variables)?.destination == url)
  }

  @Test("The defaults are those of OpenTelemetry, under the program's name") func defaults() throws {
    let settings = try settings(adding: [:])
    #expect(settings.headers.isEmpty && settings.timeout == .seconds(10) && settings.tls == nil)
    #expect(settings.sampler == .parentBasedAlwaysOn && settings.warnings.isEmpty)
    #expect(settings.resource == [.init("host.name", .text("pod-1")), .init("service.name", .text("amqp-job"))])
  }

  @Test("What is for traces alone comes before what is for all signals") func precedence() throws {
    let settings = try settings(adding: [
      "OTEL_EXPORTER_OTLP_HEADERS": "a=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "Authorization=Bearer%20x%3D, b = 2 ,",
      "OTEL_EXPORTER_OTLP_TIMEOUT": "1", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "2500",
      "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json",
    ])
    #expect(settings.headers == ["Authorization": "Bearer x=", "b": "2"])
    #expect(settings.timeout == .milliseconds(2500))
  }

  @Test("The service's name has a variable of its own, which comes first") func resource() throws {
    let attributes = ["OTEL_RESOURCE_ATTRIBUTES": "service.name=a,k8s.pod.name=p%2C1,host.name=h"]
    let first = try settings(adding: attributes).resource
    #expect(
      first == [
        .init("host.name", .text("h")), .init("k8s.pod.name", .text("p,1")), .init("service.name", .text("a")),
      ])
    let second = try settings(adding: attributes.merging(["OTEL_SERVICE_NAME": "b"]) { $1 }).resource
    #expect(second.last == .init("service.name", .text("b")))
  }

  @Test("Attributes that are no list are ignored with a warning, and there are traces") func noList() throws {
    let settings = try settings(adding: ["OTEL_RESOURCE_ATTRIBUTES": "a=1,secret", "OTEL_SERVICE_NAME": "b"])
    #expect(settings.resource.map(\.name) == ["host.name", "service.name"])
    #expect(
      settings.warnings == ["OTEL_RESOURCE_ATTRIBUTES is no list of the form NAME=VALUE,NAME=VALUE, and is ignored"])
  }

  @Test("A certificate counts for https only") func certificates() throws {
    let variables = [
      "OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/c",
      "OTEL_EXPORTER_OTLP_CLIENT_KEY": "/k",
    ]
    #expect(try settings(adding: variables).tls == nil)
    let tls = try settings(adding: variables.merging(["OTEL_EXPORTER_OTLP_ENDPOINT": "https://c"]) { $1 }).tls
    #expect(tls?.files == ["/ca", "/c", "/k"] && tls?.verifies == true)
    #expect(tls?.options.authorities == "OTEL_EXPORTER_OTLP_CERTIFICATE")
  }

  @Test(
    "A variable that cannot be used is named, and its value is not if it may be secret",
    arguments: [
      ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "'grpc'"),
      ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf", "http/json"),
      ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://secret", "https"),
      ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:secret@h", "password"),
      ("OTEL_EXPORTER_OTLP_HEADERS", "secret", "NAME=VALUE"),
      ("OTEL_EXPORTER_OTLP_HEADERS", "a=secret%0Ab", "NAME=VALUE"),
      ("OTEL_EXPORTER_OTLP_HEADERS", "a b=secret", "NAME=VALUE"),
      ("OTEL_EXPORTER_OTLP_HEADERS", "a=secret%2", "NAME=VALUE"),
      ("OTEL_EXPORTER_OTLP_HEADERS", "a=secret%ff", "NAME=VALUE"),
      ("OTEL_TRACES_EXPORTER", "zipkin", "otlp"),
    ])
  func refusals(name: String, value: String, words: String) throws {
    let text = try #require(refusal([name: value]))
    #expect(text.hasPrefix(name) && text.contains(words) && !text.contains("secret"))
  }

  @Test(
    "A header that says how a request is sent is ignored with a warning",
    arguments: ["content-length", "Content-Type", "HOST", "Transfer-Encoding", "Connection"])
  func ownHeaders(name: String) throws {
    let settings = try settings(adding: ["OTEL_EXPORTER_OTLP_HEADERS": "a=1,\(name)=s3cret"])
    #expect(settings.headers == ["a": "1"])
    #expect(
      settings.warnings == [
        "the header \(name) in OTEL_EXPORTER_OTLP_HEADERS is ignored, because amqp-job sets it itself"
      ])
  }

  @Test("An endpoint that already has the path which is added to it is warned of") func pathTwice() throws {
    let settings = try settings(["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/v1/traces"])
    #expect(settings?.destination == "http://c:4318/v1/traces/v1/traces")
    #expect(
      settings?.warnings == [
        "OTEL_EXPORTER_OTLP_ENDPOINT gets /v1/traces added to it; OTEL_EXPORTER_OTLP_TRACES_ENDPOINT takes a whole URL"
      ])
  }

  @Test(
    "A sampler is named that cannot be used, or its argument",
    arguments: [
      ("x", "0.5", "OTEL_TRACES_SAMPLER is not known here"),
      ("traceidratio", "50", "OTEL_TRACES_SAMPLER_ARG is to be from 0 to 1"),
    ])
  func samplers(name: String, argument: String, mistake: String) throws {
    let settings = try settings(adding: ["OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": argument])
    #expect(settings.warnings == ["\(mistake); parentbased_always_on is used"])
  }

  @Test("A number or a sampler that is none is ignored with a warning") func warnings() throws {
    let settings = try settings(adding: [
      "OTEL_EXPORTER_OTLP_TIMEOUT": "-1", "OTEL_BSP_SCHEDULE_DELAY": "1s", "OTEL_TRACES_SAMPLER": "jaeger_remote",
    ])
    #expect(settings.warnings.count == 3)
    #expect(settings.timeout == .seconds(10) && settings.delay == .seconds(5))
    #expect(settings.sampler == .parentBasedAlwaysOn)
    #expect(try self.settings(adding: ["OTEL_BSP_SCHEDULE_DELAY": "0"]).delay == .zero)
    #expect(try self.settings(adding: ["OTEL_TRACES_SAMPLER": "always_off"]).sampler.share == 0)
    #expect(try self.settings(adding: ["OTEL_EXPORTER_OTLP_TIMEOUT": "0"]).timeout == .seconds(600))
  }
}
