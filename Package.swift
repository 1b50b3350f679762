// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target of ours is built in the Swift 6 language mode with these on top.
let common: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// Above the C boundaries (`AMQP`, `Linux`, `TLS`, `YAML` and `JSONText`) no unsafe construct compiles without a warning.
let safe: [SwiftSetting] = common + [.strictMemorySafety()]

let package = Package(
  name: "amqp-job",
  products: [
    .executable(name: "amqp-job", targets: ["amqp-job"])
  ],
  targets: [
    .systemLibrary(name: "CRabbitMQ", providers: [.apt(["librabbitmq-dev"])]),
    .target(name: "CLinux"),
    // The archive: of it the linker takes the codec alone, and leaves the library's sockets, and OpenSSL with them.
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
    .target(name: "Arguments", swiftSettings: safe),
    .target(name: "Console", dependencies: ["Linux"], swiftSettings: safe),
    .target(name: "Manifests", dependencies: ["Console", "YAML"], swiftSettings: safe),
    .target(name: "Broker", dependencies: ["AMQP", "JSONText", "Linux", "TLS"], swiftSettings: safe),
    .systemLibrary(name: "CJansson", providers: [.apt(["libjansson-dev"])]),
    .target(
      name: "JSONText", dependencies: ["CJansson"], swiftSettings: common,
      linkerSettings: [.linkedLibrary(":libjansson.a")]),
    .target(name: "Publishing", dependencies: ["AMQP", "Broker", "JSONText", "Linux", "TLS"], swiftSettings: safe),
    .target(
      name: "JobRunner", dependencies: ["AMQP", "Broker", "Console", "Linux", "TLS"], swiftSettings: safe),
    .executableTarget(
      name: "amqp-job",
      dependencies: [
        "AMQP", "Arguments", "Broker", "Console", "JobRunner", "Linux", "Manifests", "Publishing", "TLS", "YAML",
      ],
      swiftSettings: safe),
    .testTarget(name: "AMQPTests", dependencies: ["AMQP"], swiftSettings: common),
    .testTarget(name: "LinuxTests", dependencies: ["Linux"], swiftSettings: common),
    .testTarget(name: "BrokerTests", dependencies: ["AMQP", "Broker", "Linux"], swiftSettings: common),
    .testTarget(
      name: "PublishingTests", dependencies: ["AMQP", "Broker", "JSONText", "Linux", "Publishing"],
      swiftSettings: common),
    .testTarget(name: "ConsoleTests", dependencies: ["Console"], swiftSettings: common),
    .testTarget(name: "YAMLTests", dependencies: ["YAML"], swiftSettings: common),
    .testTarget(name: "ManifestsTests", dependencies: ["Manifests", "YAML"], swiftSettings: common),
    .testTarget(name: "ArgumentsTests", dependencies: ["Arguments"], swiftSettings: common),
    .testTarget(
      name: "JobRunnerTests", dependencies: ["AMQP", "Broker", "Console", "JobRunner", "Linux"],
      swiftSettings: common),
    .testTarget(
      name: "FuzzTests",
      dependencies: ["AMQP", "Broker", "Console", "JSONText", "JobRunner", "Linux", "Publishing"],
      swiftSettings: common),
  ],
  swiftLanguageModes: [.v6]
)
