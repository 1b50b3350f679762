/// The name of a program of amqp-tools. A link of this name makes amqp-job take that program's options.
enum ToolName: String, CaseIterable {
  case consume = "amqp-consume"
  case publish = "amqp-publish"
  case declareQueue = "amqp-declare-queue"
  case get = "amqp-get"
  case deleteQueue = "amqp-delete-queue"

  var tool: any AMQPTool.Type {
    switch self {
    case .consume: AMQPConsume.self
    case .publish: AMQPPublish.self
    case .declareQueue: AMQPDeclareQueue.self
    case .get: AMQPGet.self
    case .deleteQueue: AMQPDeleteQueue.self
    }
  }

  /// `path` is the path by which this program was called. nil for any other name.
  init?(path: String) {
    self.init(rawValue: path.split(separator: "/").last.map(String.init) ?? "")
  }
}
