internal import Broker
internal import Linux

/// Publishing the results of workers.
extension EventLoop {
  /// A worker has ended, as `end` says. If it has a result, that is published first, and `end` follows when the broker has
  /// confirmed it. Returns the event to handle now. `output` is nil if the worker's output is not kept.
  func publishingResult(
    _ output: OutputFile?, of status: ProcessStatus, before end: RunnerEvent, slot: Int
  ) -> RunnerEvent {
    guard let result = runner.result(status, in: slot, host: configuration.host, endedAt: .now) else { return end }
    do {
      if let refusal = result.refusal { throw ResultFailure(reason: refusal) }
      let body: any MessageBody = try output.map { try resultBody(of: $0) } ?? ReceivedBody.memory([])
      guard let link else { throw ResultFailure(reason: "the connection was lost") }
      discard(copies.publish(result, body: body, slot: slot, then: end, beside: link, parameters(link.broker)))
      // The worker has kept its time limit.
      timers.cancel(.workerLimit(slot: slot))
      timers.cancel(.grace(slot: slot))
      return .resultBegun(slot: slot)
    } catch {
      return result.isSuccess ? .resultRefused(reason: SystemError.reason(of: error), slot: slot) : end
    }
  }

  private struct ResultFailure: Error, CustomStringConvertible {
    let reason: String
    var description: String { reason }
  }

  /// - Throws: `SystemError`, or `ResultFailure` if the result is too large
  private func resultBody(of output: OutputFile) throws -> ResultBody {
    let size = try output.byteCount()
    if let limit = runner.options.results?.maxSize, size > limit {
      throw ResultFailure(reason: "it has \(size) bytes, and may have \(limit)")
    }
    return ResultBody(output: output, size: size)
  }

  /// The worker is to end, and has ended already. Its result has a moment left, or none if it is to be killed.
  func hurryResult(_ signal: Signal, slot: Int) {
    switch signal {
    case .terminate, .interrupt, .hangup: copies.hurryResult(slot: slot, now: .now)
    case .kill where copies.dropResult(slot: slot):
      followUps.append(.workerEnded(.killed(.kill), slot: slot))
    default: break
    }
  }
}

/// The output of a worker that has ended. A program that it left behind might still write, so the size is taken once.
struct ResultBody: MessageBody {
  let output: OutputFile
  let size: UInt64

  func read(at offset: UInt64, atMost count: Int) throws -> [UInt8] {
    try output.read(at: offset, atMost: Int(min(UInt64(count), size - min(size, offset))))
  }
}
