package import Console

extension JobLog {
  /// Whether a job log can have this beginning, also one of GNU parallel's. The first line need not be the header, which is lost
  /// when somebody truncates the log, and it counts once it is complete.
  package static func mayBegin(with bytes: [UInt8]) -> Bool {
    guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return true }
    return bytes[..<end].count { $0 == UInt8(ascii: "\t") } >= 8
  }

  /// The attempt that a line of a job log records, also one of GNU parallel's. nil for the header, and where no worker has ended.
  package static func attempt(_ line: some Collection<UInt8>) -> Throughput.Attempt? {
    let cells = line.split(separator: UInt8(ascii: "\t"), maxSplits: 7, omittingEmptySubsequences: false).map { cell in
      String(decoding: cell.drop { $0 == UInt8(ascii: " ") }, as: UTF8.self)
    }
    guard cells.count == 8, let start = Double(cells[2]), let duration = Double(cells[3]), let exit = Int32(cells[6]),
      exit >= 0
    else { return nil }
    return Throughput.Attempt(end: start + duration, duration: duration)
  }
}
