internal import YAML

/// The options of a Job itself, without those of its pods.
package struct JobManifestOptions: Sendable {
  /// When a Job is complete.
  package enum Extent: Hashable, Sendable {
    /// After this number of pods has succeeded, each with one item.
    case items(Int)
    /// The same, but the items are already in the queue.
    case found(Int)
    /// When one pod has found the queue drained and all others have ended.
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
  /// Why options that are valid by themselves cannot be combined.
  package struct InvalidOptions: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String
  }

  package static func job(
    _ options: WorkerOptions, _ job: JobManifestOptions, _ extent: JobManifestOptions.Extent
  ) throws(InvalidOptions) -> Manifest {
    let pod = try WorkerPod(options)
    let waitFirst: Duration = if case .found = extent { .zero } else { RunOptions.defaultWaitFirst }
    let spec = try spec(pod, job, extent, waitFirst: waitFirst)
    return Manifest(KubernetesObject("batch/v1", "Job", pod.metadata, spec: spec.yaml))
  }

  /// A CronJob that drains the queue on a schedule.
  package static func cronJob(
    _ options: WorkerOptions, _ job: JobManifestOptions, schedule: Schedule
  ) throws(InvalidOptions) -> Manifest {
    let pod = try WorkerPod(options)
    return Manifest(
      KubernetesObject(cronJob: pod.metadata, schedule, try spec(pod, job, .drain, waitFirst: .zero)))
  }

  /// A ScaledJob of KEDA, which starts a Job for each item that is ready.
  ///
  /// The scaling strategy "accurate" assumes that the queue length does not include items that are being processed. This is
  /// the case over AMQP, which only shows KEDA the items that are ready. If another Job has taken an item, the surplus Job
  /// finds the queue drained and succeeds. With the rollout strategy "gradual", running Jobs are not deleted when the object
  /// changes.
  package static func scaledJob(_ options: WorkerOptions, _ job: JobManifestOptions) throws(InvalidOptions) -> Manifest
  {
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
    // KEDA reads the value "enable" of its parameter "tls" only from a Secret.
    let tls = pod.options.secrets.tls.map { [("tls", $0, "tls"), ("ca", $0, BrokerSecrets.authorityKey)] } ?? []
    return KubernetesObject(
      "keda.sh/v1alpha1", "TriggerAuthentication", pod.metadata,
      spec: QueueTrigger.authentication([("host", pod.options.secrets.url, BrokerSecrets.urlKey)] + tls))
  }

  private static func spec(
    _ pod: WorkerPod, _ job: JobManifestOptions, _ extent: JobManifestOptions.Extent, waitFirst: Duration
  ) throws(InvalidOptions) -> JobSpec {
    let run = pod.options.run
    guard let gracePeriod = run.terminationGracePeriod(finishes: run.onTerm == .finish) else {
      throw .unknownTerminationTime
    }
    let completions: Int? =
      switch extent {
      case .items(let count), .found(let count): count
      case .drain: nil
      }
    return JobSpec(
      completions: completions,
      parallelism: min(pod.options.parallelism, completions ?? .max),
      // Each of many items may fail once without anything being wrong with the Job.
      backoffLimit: job.backoffLimit ?? max(JobSpec.defaultBackoffLimit, completions ?? 0),
      activeDeadline: job.activeDeadline.wholeSeconds, timeToLive: job.timeToLive?.wholeSeconds,
      failurePolicy: job.failurePolicy, decidingContainer: pod.containerName,
      template: pod.template(
        completions == nil ? .drain : .oneItem, .never, waitFirst: waitFirst, gracePeriod: gracePeriod.wholeSeconds))
  }
}

extension Manifest.InvalidOptions {
  /// A pod needs a termination grace period, but nothing limits the time that its worker may take to finish.
  static let unknownTerminationTime = Manifest.InvalidOptions(
    description: "--on-term finish needs --timeout: a pod must know how long a worker may take to end")
}
