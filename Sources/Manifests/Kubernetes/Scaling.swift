internal import YAML

struct HorizontalPodAutoscalerSpec {
  var deployment: String
  var maxReplicas: Int
  /// The name of an external metric.
  var metric: String
  /// The value of the metric's label `queue`.
  var queue: String
  /// The value of the metric per pod.
  var target: Int

  var yaml: YAMLValue {
    let metricOfQueue = YAMLValue.object([
      "name": metric, "selector": YAMLValue.object(["matchLabels": YAMLValue.object(["queue": queue])]),
    ])
    let source = YAMLValue.object([
      "metric": metricOfQueue,
      "target": YAMLValue.object(["type": "AverageValue", "averageValue": "\(target)"]),
    ])
    return .object([
      "scaleTargetRef": YAMLValue.object(["apiVersion": "apps/v1", "kind": "Deployment", "name": deployment]),
      "minReplicas": 1, "maxReplicas": maxReplicas,
      "metrics": [YAMLValue.object(["type": "External", "external": source])],
    ])
  }
}

/// KEDA's trigger for the length of a queue (<https://keda.sh/docs/latest/scalers/rabbitmq-queue/>). Over AMQP it counts
/// only the items that are ready, not those that are unacknowledged.
struct QueueTrigger: YAMLConvertible {
  var queue: String
  /// The number of items per pod.
  var target: Int
  var authentication: String

  var yaml: YAMLValue {
    .object([
      "type": "rabbitmq",
      "metadata": YAMLValue.object([
        "protocol": "amqp", "queueName": queue, "mode": "QueueLength", "value": "\(target)",
      ]),
      "authenticationRef": YAMLValue.object(["name": authentication]),
    ])
  }

  /// The specification of a TriggerAuthentication, which takes parameters of the trigger from Secrets.
  static func authentication(_ parameters: [(name: String, secret: String, key: String)]) -> YAMLValue {
    .object([
      "secretTargetRef": parameters.map {
        YAMLValue.object(["parameter": $0.name, "name": $0.secret, "key": $0.key])
      }
    ])
  }
}

/// KEDA's trigger for an answer of Prometheus (<https://keda.sh/docs/latest/scalers/prometheus/>) that is a number of pods. An empty
/// answer is an error, after which the number of pods stays as it is.
struct PrometheusTrigger: YAMLConvertible {
  /// The URL of the server.
  var server: String
  var query: String

  var yaml: YAMLValue {
    .object([
      "type": "prometheus",
      "metadata": YAMLValue.object([
        "serverAddress": server, "query": query, "threshold": "1", "ignoreNullValues": "false",
      ]),
    ])
  }
}

/// How fast an autoscaler follows the number of pods that is wanted: up at once, but down only to the largest number of the last
/// minutes (<https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#configurable-scaling-behavior>).
struct ScalingBehavior: YAMLConvertible {
  /// The time in seconds that a smaller number must have been enough.
  static let scaleDownWindow = 300

  var maxReplicas: Int

  var yaml: YAMLValue {
    let atOnce = YAMLValue.object(["type": "Pods", "value": maxReplicas, "periodSeconds": 15])
    return .object([
      "scaleUp": YAMLValue.object(["stabilizationWindowSeconds": 0, "policies": [atOnce]]),
      "scaleDown": YAMLValue.object(["stabilizationWindowSeconds": Self.scaleDownWindow]),
    ])
  }
}
