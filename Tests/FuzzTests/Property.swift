import Glibc
import TestSupport
import Testing

/// Reports that a property does not hold.
struct Broken: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}

/// Checks a property on random input for `FUZZ_SECONDS`. The seeds are `FUZZ_SEED` and the numbers that follow it. A failure
/// names the seed that reproduces it. A trap cannot name its seed; it is reproduced by starting again with `FUZZ_SEED`.
func property(_ name: String, _ holds: (inout Random) throws -> Void) {
  let seconds = setting("FUZZ_SECONDS").flatMap { Double($0) } ?? 0.2
  let first = setting("FUZZ_SEED").flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64(UInt32.max))
  say("fuzz: \(name), seed \(first)")
  let end = ContinuousClock.now + .seconds(seconds)
  var seed = first
  repeat {
    var random = Random(seed: seed)
    do {
      try holds(&random)
    } catch {
      Issue.record("\(name): \(error); reproduce it with scripts/fuzz --seed \(seed)")
      return
    }
    seed &+= 1
  } while ContinuousClock.now < end
  say("fuzz: \(name), \(seed &- first) cases")
}

func expect(_ condition: Bool, _ text: @autoclosure () -> String) throws {
  guard condition else { throw Broken(text()) }
}

private func setting(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

private func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = write(STDERR_FILENO, bytes, bytes.count)
}
