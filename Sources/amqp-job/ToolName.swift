/// A name of a program of amqp-tools, by which this one may be called through a link.
enum ToolName: String, CaseIterable {
  case consume = "amqp-consume"
  case publish = "amqp-publish"
  case declareQueue = "amqp-declare-queue"
  case get = "amqp-get"
  case deleteQueue = "amqp-delete-queue"

  /// nil where its options are not understood yet.
  var tool: (any AMQPTool.Type)? {
    switch self {
    case .consume: Consume.self
    case .publish, .declareQueue, .get, .deleteQueue: nil
    }
  }

  /// nil for any other name; `path` is what the program was called by.
  init?(path: String) {
    self.init(rawValue: path.split(separator: "/").last.map(String.init) ?? "")
  }
}
