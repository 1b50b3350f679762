internal import Broker
internal import Linux

/// Publishing the results of workers.
extension EventLoop {
  /// A job has ended, as `end` says. If it has a result, that is published first, and `end` follows when the broker has confirmed
  /// it. Returns the event to handle now. `output` is nil if the worker's output is not kept, or is no result.
  func publishingResult(_ output: OutputFile? = nil, before end: RunnerEvent) -> RunnerEvent {
    guard let slot = end.slot, let result = runner.result(before: end, host: configuration.host, endedAt: .now) else {
      return end
    }
    if let refusal = result.refusal ?? (link == nil ? "the connection was lost" : nil) {
      return result.isSuccess ? publishingResult(before: .resultRefused(reason: refusal, slot: slot)) : end
    }
    do {
      let body: any MessageBody = try output.map { try resultBody(of: $0) } ?? ReceivedBody.memory([])
      if let link {
        discard(copies.publish(result, body: body, slot: slot, then: end, beside: link, parameters(link.broker)))
      }
    } catch {
      // The failure is told without the output.
      return publishingResult(
        before: result.isSuccess ? .resultRefused(reason: SystemError.reason(of: error), slot: slot) : end)
    }
    // The worker has kept its time limit.
    timers.cancel(.workerLimit(slot: slot))
    timers.cancel(.grace(slot: slot))
    return .resultBegun(slot: slot)
  }

  /// A copy or a result has been published, or could not be.
  func handlePublished(_ outcome: PendingResults.Outcome) {
    switch outcome {
    case .published(let size, let end):
      if let slot = end.slot { handle(.resultPublished(size: size, slot: slot)) }
      handle(end)
    case .over(let event): handle(event)
    case .refused(let reason, let slot):
      handle(publishingResult(before: .resultRefused(reason: reason, slot: slot)))
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
