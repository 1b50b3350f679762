internal import YAML

/// A Job's own options, beside those of its pods.
package struct JobManifestOptions: Sendable {
  package enum Extent: Hashable, Sendable {
    /// So many pods that succeed, with an item each.
    case items(Int)
    /// The same, for items of which the broker says that they are in the queue.
    case found(Int)
    /// Until one pod has found the queue drained, and the others have ended.
    case drain
  }

  package static let defaultActiveDeadline: Duration = .seconds(24 * 3600)

  package var failurePolicy: PodFailurePolicy
  package var activeDeadline = defaultActiveDeadline
  package var timeToLive: Duration?
  package var backoffLimit: Int?

  package init(failurePolicy: PodFailurePolicy) { self.failurePolicy = failurePolicy }
}

extension Manifest {
  /// Why no object can be made of options that are valid by themselves.
  package struct Obstacle: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String
  }

  package static func job(
    _ options: WorkerOptions, _ job: JobManifestOptions, _ extent: JobManifestOptions.Extent
  ) throws(Obstacle) -> Manifest {
    let pod = try WorkerPod(options)
    let waitFirst: Duration = if case .found = extent { .zero } else { RunOptions.timeToBeFilled }
    let spec = try spec(pod, job, extent, waitFirst: waitFirst)
    return Manifest(KubernetesObject("batch/v1", "Job", pod.metadata, spec: spec.yaml))
  }

  /// A Job that drains the queue of what is there, at certain times; never two at once.
  package static func cronJob(
    _ options: WorkerOptions, _ job: JobManifestOptions, schedule: Schedule
  ) throws(Obstacle) -> Manifest {
    let pod = try WorkerPod(options)
    let jobTemplate = YAMLValue.object([
      "metadata": pod.metadata.ofTemplate,
      "spec": try spec(pod, job, .drain, waitFirst: .zero),
    ])
    return Manifest(
      KubernetesObject(
        "batch/v1", "CronJob", pod.metadata,
        spec: .object([
          "schedule": schedule.description, "concurrencyPolicy": "Forbid", "successfulJobsHistoryLimit": 3,
          "failedJobsHistoryLimit": 3, "jobTemplate": jobTemplate,
        ])))
  }

  /// A Job of one item for each that is ready, as long as there are any.
  ///
  /// Strategy "accurate", which takes the length for what nobody works on yet: over AMQP, KEDA sees the items that are
  /// ready, not those in workers' hands. A surplus Job, whose item another took, finds the queue drained and succeeds.
  /// Rollout "gradual": Jobs that run are not deleted when the object changes.
  package static func scaledJob(_ options: WorkerOptions, _ job: JobManifestOptions) throws(Obstacle) -> Manifest {
    let pod = try WorkerPod(options)
    let trigger = QueueTrigger(queue: options.queue, target: 1, authentication: pod.metadata.name)
    return Manifest(
      authentication(pod),
      KubernetesObject(
        "keda.sh/v1alpha1", "ScaledJob", pod.metadata,
        spec: .object([
          "jobTargetRef": try spec(pod, job, .found(1), waitFirst: .zero), "minReplicaCount": 0,
          "maxReplicaCount": options.parallelism, "successfulJobsHistoryLimit": 10, "failedJobsHistoryLimit": 10,
          "rollout": YAMLValue.object(["strategy": "gradual"]),
          "scalingStrategy": YAMLValue.object(["strategy": "accurate"]), "triggers": [trigger],
        ])))
  }

  static func authentication(_ pod: WorkerPod) -> KubernetesObject {
    // "enable", in the parameter "tls", KEDA takes from a Secret only.
    let tls = pod.options.tlsSecret.map { [("tls", $0, "tls"), ("ca", $0, WorkerPod.authorityKey)] } ?? []
    return KubernetesObject(
      "keda.sh/v1alpha1", "TriggerAuthentication", pod.metadata,
      spec: QueueTrigger.authentication([("host", pod.options.secret, WorkerPod.urlKey)] + tls))
  }

  private static func spec(
    _ pod: WorkerPod, _ job: JobManifestOptions, _ extent: JobManifestOptions.Extent, waitFirst: Duration
  ) throws(Obstacle) -> JobSpec {
    let run = pod.options.run
    guard let gracePeriod = run.terminationGracePeriod(finishes: run.onTerm == .finish) else { throw .endless }
    let completions: Int? =
      switch extent {
      case .items(let count), .found(let count): count
      case .drain: nil
      }
    return JobSpec(
      completions: completions,
      parallelism: min(pod.options.parallelism, completions ?? .max),
      backoffLimit: job.backoffLimit ?? max(Self.usualBackoffLimit, completions ?? 0),
      activeDeadline: job.activeDeadline.wholeSeconds, timeToLive: job.timeToLive?.wholeSeconds,
      failurePolicy: job.failurePolicy,
      template: pod.template(
        completions == nil ? .drain : .oneItem, .never, waitFirst: waitFirst, gracePeriod: gracePeriod.wholeSeconds))
  }

  /// Kubernetes' own. A Job of many items may have more that fail once, without anything being wrong with it: each has
  /// its own attempts.
  private static let usualBackoffLimit = 6
}

extension Manifest.Obstacle {
  /// Workers that end in their own time, and a pod that cannot know how long that is.
  static let endless = Manifest.Obstacle(
    description: "--on-term finish needs --timeout: a pod must know how long a worker may take to end")
}
