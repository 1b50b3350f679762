internal import YAML

/// What decides how many pods serve a queue.
package struct ScalingOptions: Sendable {
  /// The name of the metric that has the length of the queue, labelled `queue`.
  package var metric: String
  /// Items that are ready, for each pod.
  package var target: Int

  package init(metric: String, target: Int) {
    self.metric = metric
    self.target = target
  }
}

extension Manifest {
  /// Pods that serve for ever, and as many as a metric of the queue asks for.
  package static func deployment(_ options: WorkerOptions, _ scaling: ScalingOptions) throws(Obstacle) -> Manifest {
    guard options.queue.isLabelValue else { throw .noLabel(options.queue) }
    let pod = try WorkerPod(options)
    let autoscaler = HorizontalPodAutoscalerSpec(
      deployment: pod.metadata.name, most: options.parallelism, metric: scaling.metric, queue: options.queue,
      target: scaling.target)
    return Manifest(
      try deployment(pod),
      KubernetesObject(
        "autoscaling/v2", "HorizontalPodAutoscaler", pod.metadata, spec: autoscaler.yaml))
  }

  /// The same, scaled by KEDA: down to none, and without a metrics server.
  package static func scaledObject(_ options: WorkerOptions, _ scaling: ScalingOptions) throws(Obstacle) -> Manifest {
    let pod = try WorkerPod(options)
    let trigger = QueueTrigger(queue: options.queue, target: scaling.target, authentication: pod.metadata.name)
    return Manifest(
      try deployment(pod), authentication(pod),
      KubernetesObject(
        "keda.sh/v1alpha1", "ScaledObject", pod.metadata,
        spec: .object([
          "scaleTargetRef": YAMLValue.object(["name": pod.metadata.name]), "minReplicaCount": 0,
          "maxReplicaCount": options.parallelism, "triggers": [trigger],
        ])))
  }

  /// It has no number of replicas: that is the autoscaler's, and must not be set back when the object is applied again.
  ///
  /// A runner that serves for ever would let its workers finish; where nothing says how long that takes, it stops them.
  private static func deployment(_ pod: WorkerPod) throws(Obstacle) -> KubernetesObject {
    var options = pod.options
    let onTerm = options.run.onTerm ?? (options.run.timeout == nil ? .stop : .finish)
    options.run.onTerm = onTerm
    guard let gracePeriod = options.run.terminationGracePeriod(finishes: onTerm == .finish) else { throw .endless }
    let template = try WorkerPod(options).template(
      .forever, .always, waitFirst: RunOptions.timeToBeFilled, gracePeriod: gracePeriod.wholeSeconds, isService: true)
    return KubernetesObject(
      "apps/v1", "Deployment", pod.metadata,
      spec: .object([
        "selector": YAMLValue.object(["matchLabels": pod.metadata.labels.selector]), "template": template,
      ]))
  }
}

extension Manifest.Obstacle {
  fileprivate static func noLabel(_ queue: String) -> Manifest.Obstacle {
    Manifest.Obstacle(
      description: "the autoscaler finds its metric by a label, and '\(queue)' cannot be one's value; "
        + "a scaledobject takes any queue")
  }
}
