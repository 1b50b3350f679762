internal import Console
internal import Linux

/// The message of a pod whose runner has ended with success: what it did, as one line of JSON. Kubernetes shows it as the
/// container's termination message.
package struct TerminationMessage: Sendable {
  /// The kubelet cuts a longer message off.
  package static let maxSize = 4096

  private let isOfSeveral: Bool
  private var last: JobRecord?
  private var counts: [String: Int] = [:]
  private var ids: [String] = []
  private var idSize = 0

  /// `isOfSeveral` is whether the runner was asked for more than one item.
  package init(isOfSeveral: Bool) { self.isOfSeveral = isOfSeveral }

  package mutating func add(_ record: JobRecord) {
    last = record
    counts[record.settlement, default: 0] += 1
    guard let id = record.id, idSize < Self.maxSize else { return }
    ids.append(id)
    idSize += id.utf8.count
  }

  /// The message, without a newline. `duration` is how long the runner ran.
  package func text(duration: Duration) -> String {
    guard !isOfSeveral, let last else { return summary(duration) }
    let id = last.id.map { [JSON.Member("item", .text($0))] } ?? []
    let step = last.step.map { [JSON.Member("step", .text($0))] } ?? []
    let status = last.status.map { [JSON.Member("status", .integer(Int64($0.shellCode)))] } ?? []
    let rest = [
      JSON.Member("attempt", .integer(Int64(last.attempt))), .init("seconds", .seconds(last.duration)),
      .init("settlement", .text(last.settlement)),
    ]
    return JSON.object(id + rest + status + step).description
  }

  /// The counts, and as many of the items' ids as there is room for.
  private func summary(_ duration: Duration) -> String {
    let counts = counts.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .integer(Int64($0.value))) }
    var ids = ids
    while true {
      let items = ids.isEmpty ? [] : [JSON.Member("items", .array(ids.map(JSON.text)))]
      let text = JSON.object(counts + [.init("seconds", .seconds(duration))] + items).description
      guard text.utf8.count > Self.maxSize, !ids.isEmpty else { return text }
      ids.removeLast(max(1, ids.count / 8))
    }
  }
}
