import Arguments
import Manifests

extension ValueType where Value == ObjectName {
  static var objectName: Self {
    Self(
      "NAME",
      expected: "a name of at most \(ObjectName.maxLength) lower-case letters, digits and '-', none of these at an end"
    ) { ObjectName($0) }
  }
}

extension ValueType where Value == String {
  /// The name of a namespace.
  static var namespace: Self {
    Self("NAME", expected: "a name of lower-case letters, digits and '-'") { $0.isDNSLabel ? $0 : nil }
  }

  /// The name of a Secret or a ServiceAccount.
  static var subdomain: Self {
    Self("NAME", expected: "a name of lower-case letters, digits, '-' and '.'") { $0.isDNSSubdomain ? $0 : nil }
  }

  static var metric: Self { Self("NAME", expected: "a metric's name") { $0.isMetricName ? $0 : nil } }
}

extension ValueType where Value == ImageReference {
  static var image: Self {
    Self("IMAGE", expected: "an image such as python:3.13-alpine") { ImageReference($0) }
  }
}

extension ValueType where Value == Quantity {
  static var cpu: Self { amount("100m or 1.5") }

  /// No container lives in less than the minimum. It is mostly a number without its unit, or with that of processors.
  static var bytes: Self {
    amount("256Mi or 1Gi").limited("is at least 4Mi (a number without a unit is in bytes)") { amount in
      Quantity("4Mi").map { amount >= $0 } ?? true
    }
  }

  private static func amount(_ example: String) -> Self {
    Self("AMOUNT", expected: "an amount such as \(example)") { Quantity($0) }
  }
}

extension ValueType where Value == Int {
  /// A whole number from 1 that Kubernetes takes.
  static func kubernetesCount(_ placeholder: String = "N") -> Self { count(placeholder, upTo: Int(Int32.max)) }

  /// The same, or 0.
  static var backoffLimit: Self {
    Self("N", expected: "a whole number from 0") {
      Int($0).flatMap { (0...Int(Int32.max)).contains($0) ? $0 : nil }
    }
  }
}

extension ValueType where Value == Duration {
  /// A duration that Kubernetes takes in whole seconds.
  static var kubernetesSeconds: Self {
    duration.limited("is from 1s to 68 years") { $0 >= .seconds(1) && $0 <= .seconds(Int32.max) }
  }
}

extension ValueType where Value == Schedule {
  static var schedule: Self {
    Self(
      "CRON",
      read: { (setting) throws(UsageError) in
        do throws(Schedule.Refusal) { return try Schedule(setting.text) } catch {
          throw UsageError("\(setting.source) '\(setting.text)': \(error.reason)")
        }
      }, text: \.description)
  }
}

extension ValueType where Value == WorkerOptions.Variable {
  static var variable: Self {
    Self(
      "NAME=VALUE",
      read: { (setting) throws(UsageError) in
        let parts = setting.asGiven.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, String(parts[0]).isVariableName else {
          throw setting.error(
            expected: "NAME=VALUE, the name of letters, digits, '_', '-' and '.', not beginning with a digit")
        }
        return WorkerOptions.Variable(name: String(parts[0]), value: String(parts[1]))
      }, text: { "\($0.name)=\($0.value)" })
  }
}

extension ValueType where Value == KeyValue {
  static var label: Self {
    Self(
      "KEY=VALUE",
      expected: "KEY=VALUE of a label: up to 63 letters, digits, '-', '_' and '.', KEY perhaps after a domain and '/'",
      parse: { KeyValue(label: $0) }, text: { "\($0.key)=..." })
  }

  /// The value keeps its newlines.
  static var annotation: Self {
    Self(
      "KEY=VALUE",
      read: { (setting) throws(UsageError) in
        guard let annotation = KeyValue(annotation: setting.asGiven) else {
          throw setting.error(
            expected: "KEY=VALUE, KEY up to 63 letters, digits, '-', '_' and '.', perhaps after a domain and '/'")
        }
        return annotation
      }, text: { "\($0.key)=..." })
  }
}

extension ValueType where Value == Toleration {
  static var toleration: Self {
    Self(
      "KEY[=VALUE][:EFFECT]",
      expected: "KEY[=VALUE][:EFFECT] of a taint, the effect NoSchedule, PreferNoSchedule or NoExecute",
      parse: { Toleration($0) }, text: \.description)
  }
}

extension ValueType where Value == MountedVolume {
  static var volume: Self {
    let kinds = MountedVolume.Kind.allCases.map(\.rawValue).joined(separator: ", ")
    return Self(
      "KIND/NAME:PATH[:ro]",
      expected: "KIND/NAME:PATH or KIND/NAME:PATH:ro, KIND one of \(kinds), NAME in lower case, PATH absolute"
    ) { MountedVolume($0) }
  }
}
