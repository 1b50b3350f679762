internal import Console

/// What the leader file and the HTTP server say of a leader.
struct LeaderDocument {
  let leader: Leader
  /// Whether the candidate that says so is the leader.
  let isSelf: Bool

  init(_ leader: Leader, isSelf: Bool) { (self.leader, self.isSelf) = (leader, isSelf) }

  var json: JSON {
    .object([
      .init("name", .text("\(leader.name)")), .init("epoch", .integer(leader.epoch)),
      .init("isLeader", .boolean(isSelf)),
    ])
  }

  /// Whether this is a leader file. An empty file is taken for one.
  static func isContent(_ bytes: [UInt8]) -> Bool { bytes.isEmpty || bytes.starts(with: "{\"name\":".utf8) }
}
