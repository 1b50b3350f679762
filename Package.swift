// swift-tools-version: 6.2
import PackageDescription

/// The settings of every Swift target, in addition to the Swift 6 language mode.
let common: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  // Regular expressions and what belongs to them would make the file 1.3 MB larger, and nothing here uses them.
  .unsafeFlags(["-Xfrontend", "-disable-implicit-string-processing-module-import"]),
]

/// The settings of the targets that do not import C. There, every unsafe construct causes a warning. `AMQP`, `Linux`,
/// `TLS`, `YAML`, `JSONText` and `HTTP` import C.
let safe: [SwiftSetting] = common + [.strictMemorySafety()]

let package = Package(
  name: "amqp-job",
  products: [
    .executable(name: "amqp-job", targets: ["amqp-job"])
  ],
  targets: [
    .systemLibrary(name: "CRabbitMQ", providers: [.apt(["librabbitmq-dev"])]),
    .target(name: "CLinux"),
    // From a static library the linker takes only the codec. It leaves out the sockets, and with them OpenSSL.
    .target(
      name: "AMQP", dependencies: ["CRabbitMQ"], swiftSettings: common,
      linkerSettings: [.linkedLibrary(":librabbitmq.a")]),
    .target(name: "Linux", dependencies: ["CLinux"], swiftSettings: common),
    .systemLibrary(name: "CYAML", providers: [.apt(["libyaml-dev"])]),
    .target(
      name: "YAML", dependencies: ["CYAML"], swiftSettings: common, linkerSettings: [.linkedLibrary(":libyaml.a")]),
    .target(
      name: "COpenSSL",
      linkerSettings: [
        .linkedLibrary(":libssl.a"), .linkedLibrary(":libcrypto.a"),
        .unsafeFlags(["-Xlinker", "--wrap=OPENSSL_cpuid_setup"]),  // see setup.c
      ]),
    .target(name: "TLS", dependencies: ["COpenSSL"], swiftSettings: common),
    .target(name: "Console", dependencies: ["Linux"], swiftSettings: safe),
    .target(name: "Arguments", dependencies: ["Console"], swiftSettings: safe),
    .target(name: "Manifests", dependencies: ["Console", "YAML"], swiftSettings: safe),
    .target(name: "Broker", dependencies: ["AMQP", "JSONText", "Linux", "TLS"], swiftSettings: safe),
    .systemLibrary(name: "CJansson", providers: [.apt(["libjansson-dev"])]),
    .target(
      name: "JSONText", dependencies: ["CJansson"], swiftSettings: common,
      linkerSettings: [.linkedLibrary(":libjansson.a")]),
    .systemLibrary(name: "CEvent", providers: [.apt(["libevent-dev"])]),
    .target(
      name: "HTTP", dependencies: ["CEvent", "Linux", "TLS"], swiftSettings: common,
      linkerSettings: [
        .linkedLibrary(":libevent_extra.a"), .linkedLibrary(":libevent_openssl.a"), .linkedLibrary(":libevent_core.a"),
      ]),
    .target(name: "Telemetry", dependencies: ["Console", "HTTP", "JSONText", "Linux", "TLS"], swiftSettings: safe),
    .target(name: "Publishing", dependencies: ["AMQP", "Broker", "JSONText", "Linux"], swiftSettings: safe),
    .target(name: "Steps", dependencies: ["Console", "Linux"], swiftSettings: safe),
    .target(
      name: "ItemSources", dependencies: ["AMQP", "Broker", "Console", "HTTP", "JSONText", "Linux", "Telemetry"],
      swiftSettings: safe),
    .target(
      name: "Election", dependencies: ["AMQP", "Broker", "Console", "HTTP", "Linux", "Telemetry"],
      swiftSettings: safe),
    .target(
      name: "JobRunner",
      dependencies: [
        "AMQP", "Broker", "Console", "HTTP", "JSONText", "Linux", "Publishing", "Steps", "TLS", "Telemetry",
      ],
      swiftSettings: safe),
    .executableTarget(
      name: "amqp-job",
      dependencies: [
        "AMQP", "Arguments", "Broker", "Console", "Election", "HTTP", "ItemSources", "JSONText", "JobRunner", "Linux",
        "Manifests", "Publishing", "Steps", "TLS", "Telemetry",
      ],
      swiftSettings: safe),
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: common),
    .testTarget(name: "AMQPTests", dependencies: ["AMQP"], swiftSettings: common),
    .testTarget(name: "LinuxTests", dependencies: ["Linux"], swiftSettings: common),
    .testTarget(name: "BrokerTests", dependencies: ["AMQP", "Broker", "Linux"], swiftSettings: common),
    .testTarget(
      name: "PublishingTests", dependencies: ["AMQP", "Broker", "JSONText", "Linux", "Publishing"],
      swiftSettings: common),
    .testTarget(name: "ConsoleTests", dependencies: ["Console"], swiftSettings: common),
    .testTarget(name: "TLSTests", dependencies: ["COpenSSL", "HTTP", "Linux", "TLS"], swiftSettings: common),
    .testTarget(name: "YAMLTests", dependencies: ["YAML"], swiftSettings: common),
    .testTarget(name: "ManifestsTests", dependencies: ["Manifests", "TestSupport", "YAML"], swiftSettings: common),
    .testTarget(name: "ArgumentsTests", dependencies: ["Arguments"], swiftSettings: common),
    .testTarget(
      name: "TelemetryTests", dependencies: ["HTTP", "JSONText", "Linux", "TLS", "Telemetry"], swiftSettings: common),
    .testTarget(name: "StepsTests", dependencies: ["Console", "Linux", "Steps"], swiftSettings: common),
    .testTarget(
      name: "ElectionTests",
      dependencies: ["AMQP", "Broker", "Console", "Election", "HTTP", "Linux", "Telemetry", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "ItemSourcesTests",
      dependencies: ["AMQP", "HTTP", "ItemSources", "JSONText", "Linux", "Telemetry", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "JobRunnerTests",
      dependencies: ["AMQP", "Broker", "Console", "JobRunner", "Linux", "Publishing", "Steps", "Telemetry"],
      swiftSettings: common),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "AMQP", "Arguments", "Broker", "Console", "JobRunner", "Linux", "Manifests", "Publishing", "amqp-job",
      ],
      swiftSettings: common),
    .testTarget(
      name: "FuzzTests",
      dependencies: [
        "AMQP", "Broker", "Console", "JSONText", "JobRunner", "Linux", "Publishing", "Steps", "TestSupport",
      ],
      swiftSettings: common),
  ],
  swiftLanguageModes: [.v6]
)
