import Arguments
import Console
import JobRunner

/// Several items for one worker at once.
extension Run {
  /// Items that share no channel have one each, and a connection has about two thousand.
  static let mostItems = 1000

  static let batch = Option(
    "batch", .count("N", upTo: mostItems), "hand up to N items to a worker at once, in a form that \(feed) names")
  static let batchWait = DefaultedOption("batch-wait", .batchWait, default: JobOptions.Batch().wait) {
    "how long a batch waits for more items after its first one (default \($0))"
  }

  /// How a worker gets its items. `options` gets the batches.
  /// - Throws: `UsageError`
  static func feed(
    _ settings: inout Settings, _ options: inout JobOptions, _ command: [[UInt8]], hasSteps: Bool
  ) throws -> Feed {
    let feed = try settings.value(feed)
    guard !hasSteps || feed == .stdin else {
      throw UsageError("\(Self.feed) \(feed) excludes steps: a step gets the body of one item on standard input")
    }
    options.worker.batch = try batch(&settings, feed, options)
    guard feed != .arg || ArgumentTemplate(command).hasPlaceholder else {
      throw UsageError("\(Self.feed) arg puts the item in the place of {}, and the command has no argument with {}")
    }
    return feed
  }

  private static func batch(
    _ settings: inout Settings, _ feed: Feed, _ options: JobOptions
  ) throws -> JobOptions.Batch? {
    var batch = JobOptions.Batch()
    batch.size = try settings.value(Self.batch) ?? 1
    batch.wait = try settings.value(batchWait)
    if batch.size == 1 { try refuseAlone([batchWait], without: "\(Self.batch) N", settings) }
    guard feed.isForBatches else {
      guard batch.size == 1 else {
        throw UsageError(
          "\(settings.naming(Self.batch)) goes with \(Self.feed) lines, json or dir: \(feed) is for one item at a time")
      }
      return nil
    }
    if batch.size > 1 { try check(batch, settings, options) }
    return batch
  }

  private static func check(_ batch: JobOptions.Batch, _ settings: Settings, _ options: JobOptions) throws {
    let name = settings.naming(Self.batch)
    guard options.parallelism * batch.size <= mostItems else {
      throw UsageError("\(name) times \(settings.naming(parallelism)) is at most \(mostItems)")
    }
    guard options.results == nil else {
      throw UsageError("\(name) excludes \(resultQueue): a batch has one output, and each result belongs to one item")
    }
    guard options.isOfSeveral else {
      throw UsageError("\(name) is for several items, and one is taken; \(count) N, \(drain) or \(forever) takes more")
    }
  }
}

extension ValueType where Value == Duration {
  fileprivate static var batchWait: Self {
    duration.limited("is more than 0: a batch begins with its first item otherwise") { $0 > .zero }
  }
}
