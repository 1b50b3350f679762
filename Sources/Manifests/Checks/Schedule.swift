/// The schedule of a CronJob: five fields, or a name such as `@daily`
/// (<https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax>).
package struct Schedule: Hashable, Sendable, CustomStringConvertible {
  private static let names: Set<String> = [
    "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly",
  ]

  package let description: String

  /// nil if the text does not have the form of a schedule. Kubernetes checks the numbers.
  package init?(_ text: String) {
    let fields = text.split(separator: " ")
    let areFields = fields.allSatisfy { $0.utf8.allSatisfy { $0.isAlphanumeric || "*/,-?".utf8.contains($0) } }
    guard fields.count == 5 && areFields || Self.names.contains(text) else { return nil }
    description = text
  }
}
