/// A name of a program of amqp-tools, by which this one may be called through a link.
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

  /// nil for any other name; `path` is what the program was called by.
  init?(path: String) {
    self.init(rawValue: path.split(separator: "/").last.map(String.init) ?? "")
  }
}
