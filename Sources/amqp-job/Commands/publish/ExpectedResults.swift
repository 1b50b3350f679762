import AMQP

/// The results that are still to come, and those that are held back until it is their turn. It decides in which order results
/// are printed, without any I/O. Each item has a correlation id of its own, so that its result is known even if it comes twice, or
/// if items have the same message id.
struct ExpectedResults {
  private let inOrder: Bool
  private let prefix: String
  /// The message ids of the items without a result, by their numbers.
  private var open: [Int: ByteString?] = [:]
  private var heldBack: [Int: PublishedResult] = [:]
  private var next = 1
  /// How many items were published, and how many of them have their result.
  private(set) var total = 0
  private(set) var arrived = 0
  private(set) var failedCount = 0
  /// How many of those that failed are dead letters.
  private(set) var deadLetteredCount = 0
  /// The first ones that failed, by their numbers, without their bodies.
  private(set) var failures: [PublishedResult] = []
  /// How many of the failures are kept.
  private let mostFailures = 10

  /// With `inOrder`, results are printed in the order of the items, else as they arrive. The items' correlation ids begin with
  /// `name`.
  init(_ name: String, inOrder: Bool) { (prefix, self.inOrder) = ("\(name)-", inOrder) }

  var isComplete: Bool { arrived == total }

  /// The correlation id of the item with this number, and of its result.
  func correlationID(_ number: Int) -> ByteString { ByteString("\(prefix)\(number)") }

  private func number(_ correlationID: ByteString) -> Int? {
    let text = correlationID.description
    return text.hasPrefix(prefix) ? Int(text.dropFirst(prefix.count)) : nil
  }

  /// An item is published.
  mutating func expect(_ number: Int, id: ByteString?) {
    if total == 0 { next = number }
    total += 1
    open.updateValue(id, forKey: number)
  }

  /// Takes a message from the queue of results. Returns the results to print now. A message that belongs to no item, or that is
  /// there for the second time, has none.
  mutating func take(_ properties: BasicProperties, body: [UInt8]) -> [PublishedResult] {
    guard let number = properties.correlationID.flatMap(number), let id = open.removeValue(forKey: number) else {
      return []
    }
    let result = PublishedResult(number: number, id, properties, body)
    arrived += 1
    if !result.isSuccess { failed(result) }
    guard inOrder else { return [result] }
    heldBack[result.number] = result
    var due: [PublishedResult] = []
    while let result = heldBack.removeValue(forKey: next) {
      due.append(result)
      next += 1
    }
    return due
  }

  private mutating func failed(_ result: PublishedResult) {
    failedCount += 1
    if result.isDeadLettered { deadLetteredCount += 1 }
    failures = Array((failures + [result.withoutBody]).sorted { $0.number < $1.number }.prefix(mostFailures))
  }

  /// The numbers of the items without a result, in their order.
  var openNumbers: [Int] { open.keys.sorted() }

  /// The results that wait for others, in their order.
  mutating func takeRest() -> [PublishedResult] {
    defer { heldBack = [:] }
    return heldBack.values.sorted { $0.number < $1.number }
  }
}
