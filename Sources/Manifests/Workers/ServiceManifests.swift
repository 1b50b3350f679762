internal import YAML

/// The options that decide how many pods serve a queue.
package struct ScalingOptions: Sendable {
  /// The name of the metric for the length of a queue. Its label `queue` is the queue's name.
  package var metric: String
  /// The number of ready items per pod.
  package var target: Int

  package init(metric: String, target: Int) {
    self.metric = metric
    self.target = target
  }
}

extension Manifest {
  /// A Deployment whose pods run forever, and an autoscaler that follows a metric of the queue.
  package static func deployment(
    _ options: WorkerOptions, _ scaling: ScalingOptions
  ) throws(InvalidOptions) -> Manifest {
    guard options.queue.isLabelValue else { throw .notALabelValue(options.queue) }
    let pod = try WorkerPod(options)
    let autoscaler = HorizontalPodAutoscalerSpec(
      deployment: pod.metadata.name, maxReplicas: options.parallelism, metric: scaling.metric, queue: options.queue,
      target: scaling.target)
    return Manifest(
      pod.access + [
        try deployment(pod),
        KubernetesObject("autoscaling/v2", "HorizontalPodAutoscaler", pod.metadata, spec: autoscaler.yaml),
      ])
  }

  /// A Deployment whose pods run forever, and a ScaledObject with which KEDA scales it. KEDA can scale down to zero pods and
  /// needs no metrics server.
  package static func scaledObject(
    _ options: WorkerOptions, _ scaling: ScalingOptions
  ) throws(InvalidOptions) -> Manifest {
    let pod = try WorkerPod(options)
    let trigger = QueueTrigger(queue: options.queue, target: scaling.target, authentication: pod.metadata.name)
    return Manifest(pod.access + [try deployment(pod), authentication(pod), scaledObject(pod, trigger)])
  }

  /// The same, but KEDA asks Prometheus how many pods the work of the queue needs. They serve their metrics.
  package static func scaledObject(
    _ options: WorkerOptions, _ scaling: WorkScaling
  ) throws(InvalidOptions) -> Manifest {
    var options = options
    options.additions.metrics = options.additions.metrics ?? WorkScaling.metricsAddress
    let pod = try WorkerPod(options)
    let trigger = PrometheusTrigger(server: scaling.prometheus, query: scaling.query(queue: options.queue))
    let autoscaler = YAMLValue.object(["behavior": ScalingBehavior(maxReplicas: options.parallelism)])
    let advanced = YAMLValue.object(["horizontalPodAutoscalerConfig": autoscaler])
    return Manifest(pod.access + [try deployment(pod), scaledObject(pod, trigger, advanced: advanced)])
  }

  /// `advanced` is what KEDA's autoscaler gets beyond the trigger.
  private static func scaledObject(
    _ pod: WorkerPod, _ trigger: any YAMLConvertible, advanced: YAMLValue? = nil
  ) -> KubernetesObject {
    KubernetesObject(
      "keda.sh/v1alpha1", "ScaledObject", pod.metadata,
      spec: .object([
        "scaleTargetRef": YAMLValue.object(["name": pod.metadata.name]), "minReplicaCount": 0,
        "maxReplicaCount": pod.options.parallelism, "advanced": advanced, "triggers": [trigger.yaml],
      ]))
  }

  /// The Deployment has no `replicas`. The autoscaler sets them, and applying the manifest again must not reset them.
  ///
  /// With `--forever` the runner lets a worker finish on TERM. Without a `--timeout` that time is unknown, so the manifest
  /// makes the runner stop the worker instead.
  private static func deployment(_ pod: WorkerPod) throws(InvalidOptions) -> KubernetesObject {
    var options = pod.options
    let onTerm = options.run.onTerm ?? (options.run.timeout == nil ? .stop : .finish)
    options.run.onTerm = onTerm
    guard let gracePeriod = options.run.terminationGracePeriod(finishes: onTerm == .finish) else {
      throw .unknownTerminationTime
    }
    let template = try WorkerPod(options).template(
      .forever, .always, waitFirst: RunOptions.defaultWaitFirst, gracePeriod: gracePeriod.wholeSeconds, isService: true)
    return KubernetesObject(deployment: pod.metadata, replicas: nil, template)
  }
}

extension Manifest.InvalidOptions {
  fileprivate static func notALabelValue(_ queue: String) -> Manifest.InvalidOptions {
    Manifest.InvalidOptions(
      description: "the autoscaler selects its metric by a label, and '\(queue)' is not a valid label value; "
        + "a scaledobject accepts any queue name")
  }
}
