import AMQP
import Broker

/// A worker's result of one published item.
struct PublishedResult: Hashable {
  /// The item's number, from 1.
  var number: Int
  var id: String
  /// The worker's exit status, as a shell shows it. nil if the result has none.
  var status: Int?
  var attempts: Int?
  var seconds: Double?
  var host: String?
  var body: [UInt8]

  var isSuccess: Bool { status == 0 }

  var withoutBody: PublishedResult {
    var result = self
    result.body = []
    return result
  }
}

/// The results that are still to come, and those that are held back until it is their turn. It decides in which order results
/// are printed, without any I/O.
struct ExpectedResults {
  private let inOrder: Bool
  /// The items' numbers, by the id that their results have. Several items may have the same id.
  private var numbers: [ByteString: [Int]] = [:]
  private var heldBack: [Int: PublishedResult] = [:]
  private var next = 1
  /// How many items were published, and how many of them have their result.
  private(set) var total = 0
  private(set) var arrived = 0
  /// The results of workers that failed, without their bodies, as they came.
  private(set) var failures: [PublishedResult] = []

  /// With `inOrder`, results are printed in the order of the items, else as they arrive.
  init(inOrder: Bool) { self.inOrder = inOrder }

  var isComplete: Bool { arrived == total }

  /// An item is published. `id` is what its result has as its correlation id.
  mutating func expect(_ number: Int, id: ByteString) {
    if total == 0 { next = number }
    total += 1
    numbers[id, default: []].append(number)
  }

  /// Takes a message from the queue of results. Returns the results to print now. A message that belongs to no item, or that is
  /// there for the second time, has none.
  mutating func take(_ properties: BasicProperties, body: [UInt8]) -> [PublishedResult] {
    guard let id = properties.correlationID, var open = numbers[id], !open.isEmpty else { return [] }
    let result = Self.result(number: open.removeFirst(), id, properties, body)
    numbers[id] = open.isEmpty ? nil : open
    arrived += 1
    if !result.isSuccess { failures.append(result.withoutBody) }
    guard inOrder else { return [result] }
    heldBack[result.number] = result
    var due: [PublishedResult] = []
    while let result = heldBack.removeValue(forKey: next) {
      due.append(result)
      next += 1
    }
    return due
  }

  /// The numbers of the items that have no result yet.
  var openNumbers: [Int] { numbers.values.joined().sorted() }

  /// The results that wait for others, in their order.
  mutating func takeRest() -> [PublishedResult] {
    defer { heldBack = [:] }
    return heldBack.values.sorted { $0.number < $1.number }
  }

  private static func result(
    number: Int, _ id: ByteString, _ properties: BasicProperties, _ body: [UInt8]
  ) -> PublishedResult {
    let headers = properties.headers ?? [:]
    func integer(_ name: ByteString) -> Int? { headers[name]?.integer.map { Int(clamping: $0) } }
    var result = PublishedResult(
      number: number, id: id.description, status: integer(ItemHeader.status),
      attempts: integer(ItemHeader.attempts), body: body)
    result.seconds = integer(ItemHeader.milliseconds).map { Double($0) / 1000 }
    if case .string(let host)? = headers[ItemHeader.host] { result.host = host.description }
    return result
  }
}
