// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target of ours is built in the Swift 6 language mode with these on top.
let common: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// Above the two C boundaries (`AMQP` and `Linux`) no unsafe construct compiles without a warning.
let safe: [SwiftSetting] = common + [.strictMemorySafety()]

let package = Package(
  name: "amqp-job",
  products: [
    .executable(name: "amqp-job", targets: ["amqp-job"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .systemLibrary(
      name: "CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"])]),
    .target(name: "CLinux"),
    .target(name: "AMQP", dependencies: ["CRabbitMQ"], swiftSettings: common),
    .target(name: "Linux", dependencies: ["CLinux"], swiftSettings: common),
    .target(name: "Broker", dependencies: ["AMQP", "Linux"], swiftSettings: safe),
    .target(name: "JobRunner", dependencies: ["AMQP", "Broker", "Linux"], swiftSettings: safe),
    .executableTarget(
      name: "amqp-job",
      dependencies: [
        "AMQP", "Broker", "JobRunner", "Linux",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: safe),
    .testTarget(name: "AMQPTests", dependencies: ["AMQP"], swiftSettings: common),
    .testTarget(
      name: "JobRunnerTests", dependencies: ["AMQP", "Broker", "JobRunner", "Linux"],
      swiftSettings: common),
  ],
  swiftLanguageModes: [.v6]
)
