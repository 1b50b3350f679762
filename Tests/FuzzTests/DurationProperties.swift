import Console
import TestSupport
import Testing

@Suite struct DurationProperties {
  private func number(_ random: inout Random) -> String {
    let digits = (0..<random.size(upTo: random.chance(1, in: 20) ? 5000 : 25)).map { _ in
      random.one(of: random.chance(1, in: 8) ? "." : "0123456789")
    }
    return String(digits)
  }

  @Test("A duration that is read can be written and read again") func durations() {
    property("durations, read and written") { random in
      var text = number(&random) + random.one(of: ["", "ms", "s", "m", "h", "d", random.text(upTo: 3)])
      if random.chance(1, in: 4) { text = random.damaged(text) }
      guard let duration = Duration(parsing: text) else { return }
      try expect(duration >= .zero && duration <= .seconds(3600) * 1_000_000_000, "'\(text)' is \(duration)")
      let written = duration.text
      try expect(Duration(parsing: written) == duration, "'\(text)' is written \(written)")
    }
  }

  @Test("Durations of whole milliseconds are exact") func wholeMilliseconds() {
    property("durations of whole milliseconds") { random in
      let milliseconds = random.size(upTo: Int(UInt32.max))
      let fraction = String(String(1000 + milliseconds % 1000).dropFirst())
      for text in ["\(milliseconds)ms", "\(milliseconds / 1000).\(fraction)s"] {
        guard let duration = Duration(parsing: text) else { throw Broken("'\(text)' is refused") }
        try expect(duration == .milliseconds(milliseconds), "\(text) is \(duration)")
        try expect(duration.wholeMilliseconds == milliseconds, "\(text) is \(duration.wholeMilliseconds) ms")
      }
    }
  }

  @Test("A size that is read is within its limits") func sizes() {
    property("sizes") { random in
      let digits = number(&random)
      let unit = random.one(of: ["", "B", "KiB", "MiB", "GiB", "TiB", "kb", random.text(upTo: 3)])
      let text = random.chance(1, in: 4) ? random.damaged(digits + unit) : digits + unit
      guard let size = Int(byteCount: text) else { return }
      try expect(size >= 0 && size <= 1 << 62, "'\(text)' is \(size)")
    }
  }
}
