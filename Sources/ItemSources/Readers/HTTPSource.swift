internal import AMQP
internal import HTTP
internal import Linux

/// A source that is asked over HTTP.
final class HTTPSource: SourceReader {
  private enum Question {
    case list
    case item(ByteString)
  }

  private let client: HTTPClient
  private let path: String
  private let field: String?
  private var question: Question?

  /// - Throws: `SystemError`
  init(_ origin: HTTPOrigin, field: String?, userAgent: String) throws(SystemError) {
    client = try HTTPClient(origin, userAgent: userAgent)
    (path, self.field) = (origin.path + "/items", field)
  }

  var interests: [PollInterest] { question == nil ? [] : [client.interest] }

  func list() -> SourceAnswer? {
    question = .list
    client.send(HTTPClient.Request(path: path))
    return nil
  }

  func fetch(_ name: ByteString) -> SourceAnswer? {
    question = .item(name)
    client.send(HTTPClient.Request(path: "\(path)/\(HTTPOrigin.segment(name.bytes))"))
    return nil
  }

  func process(_ readiness: ArraySlice<PollReadiness>) -> SourceAnswer? {
    guard readiness.first?.readable == true, let question, let outcome = client.takeOutcome() else { return nil }
    self.question = nil
    switch question {
    case .list: return .list(list(outcome))
    case .item(let name): return .item(name, item(outcome))
    }
  }

  private func list(_ outcome: HTTPClient.Outcome) -> SourceList {
    switch outcome {
    case .response(200, let body):
      do { return try ItemDocuments.list(body) } catch { return .failed("\(error)") }
    case .response(let status, _): return .failed("\(path) answers \(status)")
    case .unreachable(let reason): return .unreachable(reason)
    case .failed(let reason): return .failed(reason)
    }
  }

  private func item(_ outcome: HTTPClient.Outcome) -> FetchedItem {
    switch outcome {
    case .response(200, let body):
      do { return .body(.memory(try ItemDocuments.body(body, field: field))) } catch { return .unreadable("\(error)") }
    case .response(404, _), .response(410, _): return .gone
    case .response(let status, _): return .unreadable("the source answers \(status)")
    case .unreachable(let reason): return .failed(reason)
    case .failed(let reason): return .unreadable(reason)
    }
  }
}
