/// The random number generator SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>). A seed makes a test repeatable.
package struct Random: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  package mutating func number(in range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

  /// True in `one` of `count` cases.
  package mutating func chance(_ one: Int, in count: Int) -> Bool { Int.random(in: 0..<count, using: &self) < one }
}
