internal import YAML

struct JobSpec: YAMLConvertible {
  /// That of Kubernetes.
  static let defaultBackoffLimit = 6

  /// nil means that the Job is complete when one pod has succeeded and all others have ended.
  var completions: Int?
  var parallelism: Int
  var backoffLimit: Int
  /// In seconds.
  var activeDeadline: Int
  /// The time in seconds from the Job's end to its removal; nil keeps the Job.
  var timeToLive: Int?
  var failurePolicy: PodFailurePolicy
  /// The name of the container whose exit status decides.
  var decidingContainer: String
  var template: PodTemplate

  var yaml: YAMLValue {
    .object([
      "completions": completions, "parallelism": parallelism, "backoffLimit": backoffLimit,
      "activeDeadlineSeconds": activeDeadline, "ttlSecondsAfterFinished": timeToLive,
      // A terminating pod may still finish its item, so it is replaced only after it has ended.
      "podReplacementPolicy": "Failed", "podFailurePolicy": failurePolicy.yaml(for: decidingContainer),
      "template": template,
    ])
  }
}

extension KubernetesObject {
  /// A CronJob. Two of its Jobs never run at the same time.
  init(cronJob metadata: Metadata, _ schedule: Schedule, _ job: JobSpec) {
    self.init(
      "batch/v1", "CronJob", metadata,
      spec: .object([
        "schedule": schedule.description, "concurrencyPolicy": "Forbid", "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": YAMLValue.object(["metadata": metadata.templateYAML, "spec": job]),
      ]))
  }
}

/// How a Job handles failed pods (<https://kubernetes.io/docs/tasks/job/pod-failure-policy/>). A failure that no rule
/// matches counts against the Job's back-off limit.
package struct PodFailurePolicy: Hashable, Sendable {
  /// Exit statuses of temporary failures, which do not count against the back-off limit.
  package var ignored: [Int32]
  /// Exit statuses of failures that would occur in every pod, so the Job fails at once.
  package var fatal: [Int32]

  package init(ignored: [Int32], fatal: [Int32]) {
    // Kubernetes requires sorted values.
    self.ignored = ignored.sorted()
    self.fatal = fatal.sorted()
  }

  /// The policy that looks at the exit status of this container.
  func yaml(for container: String) -> YAMLValue {
    // This condition is set, for example, if a node is drained.
    let disrupted = YAMLValue.object([
      "action": "Ignore",
      "onPodConditions": [YAMLValue.object(["type": "DisruptionTarget", "status": "True"])],
    ])
    return .object(["rules": [disrupted, rule("Ignore", ignored, container), rule("FailJob", fatal, container)]])
  }

  private func rule(_ action: String, _ statuses: [Int32], _ container: String) -> YAMLValue {
    .object([
      "action": action,
      "onExitCodes": YAMLValue.object([
        "containerName": container, "operator": "In", "values": statuses.map { Int($0) },
      ]),
    ])
  }
}
