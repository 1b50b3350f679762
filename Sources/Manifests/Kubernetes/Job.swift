package import YAML

struct JobSpec: YAMLConvertible {
  /// None for a Job that is complete when its pods say so.
  var completions: Int?
  var parallelism: Int
  var backoffLimit: Int
  /// Seconds.
  var activeDeadline: Int
  /// Seconds from its end to its removal; nil to keep it.
  var timeToLive: Int?
  var failurePolicy: PodFailurePolicy
  var template: PodTemplate

  var yaml: YAMLValue {
    .object([
      "completions": completions, "parallelism": parallelism, "backoffLimit": backoffLimit,
      "activeDeadlineSeconds": activeDeadline, "ttlSecondsAfterFinished": timeToLive,
      // A pod that is being stopped may still finish its item: replace it when it has ended.
      "podReplacementPolicy": "Failed", "podFailurePolicy": failurePolicy, "template": template,
    ])
  }
}

/// What a Job makes of a pod that failed (<https://kubernetes.io/docs/tasks/job/pod-failure-policy/>). What no rule is
/// about counts against the Job's back-off limit.
package struct PodFailurePolicy: Hashable, Sendable, YAMLConvertible {
  /// Exit statuses that may be better next time, through nobody's fault.
  package var ignored: [Int32]
  /// Exit statuses that no other pod would fare better with.
  package var fatal: [Int32]

  package init(ignored: [Int32], fatal: [Int32]) {
    // Kubernetes wants them in order.
    self.ignored = ignored.sorted()
    self.fatal = fatal.sorted()
  }

  package var yaml: YAMLValue {
    // The node is drained, say.
    let disrupted = YAMLValue.object([
      "action": "Ignore",
      "onPodConditions": [YAMLValue.object(["type": "DisruptionTarget", "status": "True"])],
    ])
    return .object(["rules": [disrupted, rule("Ignore", ignored), rule("FailJob", fatal)]])
  }

  private func rule(_ action: String, _ statuses: [Int32]) -> YAMLValue {
    .object([
      "action": action,
      "onExitCodes": YAMLValue.object([
        "containerName": WorkerPod.containerName, "operator": "In", "values": statuses.map { Int($0) },
      ]),
    ])
  }
}
