internal import YAML

struct HorizontalPodAutoscalerSpec {
  var deployment: String
  var most: Int
  /// A metric that comes from outside of the cluster, and what selects it.
  var metric: String
  var queue: String
  /// Of the metric, for each pod.
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
      "minReplicas": 1, "maxReplicas": most,
      "metrics": [YAMLValue.object(["type": "External", "external": source])],
    ])
  }
}

/// KEDA's trigger on the length of a queue (<https://keda.sh/docs/latest/scalers/rabbitmq-queue/>). Over AMQP it sees
/// the items that are ready, and not those that workers have in hand.
struct QueueTrigger: YAMLConvertible {
  var queue: String
  /// Items for each pod.
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

  /// A TriggerAuthentication's specification: which parameters of the trigger come from which keys of Secrets.
  static func authentication(_ parameters: [(name: String, secret: String, key: String)]) -> YAMLValue {
    .object([
      "secretTargetRef": parameters.map {
        YAMLValue.object(["parameter": $0.name, "name": $0.secret, "key": $0.key])
      }
    ])
  }
}
