package import Linux

/// What a runner and a step say to each other, each in one packet. `Documentation.docc/Steps.md` describes the protocol.
///
/// A slot is the runner's number for one item in hand. A runner has at most one worker for a slot in a step.
package enum StepMessage: Hashable, Sendable {
  /// The first packet of each side: the version of the protocol that it speaks, and the version of its program.
  case hello(version: Int32, program: String)
  /// Run the command on an item. The packet passes descriptors: the environment's variables about the item, each with a NUL
  /// behind it, and the standard input; then, where `streams` has them, the standard output and the standard error.
  case run(streams: Streams, slot: Int)
  /// Send the signal to the worker.
  case signal(Signal, slot: Int)
  /// The runner has ended as it should, so the step may end, too.
  case end
  /// The worker could not be started.
  case notStarted(SystemError, slot: Int)
  case ended(ProcessStatus, slot: Int)

  /// The standard streams that come with an item. The others are those of the step itself.
  package struct Streams: OptionSet, Hashable, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }
    package static let output = Streams(rawValue: 1)
    package static let error = Streams(rawValue: 2)

    /// How many descriptors the packet passes.
    package var descriptorCount: Int { 2 + (contains(.output) ? 1 : 0) + (contains(.error) ? 1 : 0) }
  }

  /// The version of the protocol that this program speaks.
  package static let version: Int32 = 1
  /// The maximum size of a packet in bytes.
  package static let maxSize = 256
}

/// A packet has a byte for the kind of message, four each for the slot and for a number, the least significant first, and a
/// text in UTF-8.
extension StepMessage {
  private static let fixedSize = 9

  package var bytes: [UInt8] {
    let (kind, slot, number, text) = fields
    let fixed = [UInt8(ascii: kind)] + Self.littleEndian(Int32(truncatingIfNeeded: slot)) + Self.littleEndian(number)
    return Array((fixed + text.utf8).prefix(Self.maxSize))
  }

  private var fields: (kind: Unicode.Scalar, slot: Int, number: Int32, text: String) {
    switch self {
    case .hello(let version, let program): ("H", 0, version, program)
    case .run(let streams, let slot): ("R", slot, streams.rawValue, "")
    case .signal(let signal, let slot): ("S", slot, signal.rawValue, "")
    case .end: ("E", 0, 0, "")
    case .notStarted(let error, let slot): ("N", slot, error.code, error.call)
    case .ended(.exited(let code), let slot): ("X", slot, code, "")
    case .ended(.killed(let signal), let slot): ("K", slot, signal.rawValue, "")
    }
  }

  private static let exitCodes: ClosedRange<Int32> = 0...255
  private static let signals: ClosedRange<Int32> = 1...64

  /// nil for a packet that is none of these messages.
  package init?(_ bytes: [UInt8]) {
    guard let kind = bytes.first, bytes.count >= Self.fixedSize else { return nil }
    let slot = Int(Self.number(bytes[1..<5]))
    let number = Self.number(bytes[5..<9])
    let text = String(decoding: bytes[Self.fixedSize...], as: UTF8.self)
    guard slot >= 0 else { return nil }
    switch Unicode.Scalar(kind) {
    case "H": self = .hello(version: number, program: text)
    case "R": self = .run(streams: Streams(rawValue: number), slot: slot)
    case "S" where Self.signals.contains(number): self = .signal(Signal(rawValue: number), slot: slot)
    case "E": self = .end
    case "N": self = .notStarted(SystemError(call: text, code: number), slot: slot)
    case "X" where Self.exitCodes.contains(number): self = .ended(.exited(number), slot: slot)
    case "K" where Self.signals.contains(number): self = .ended(.killed(Signal(rawValue: number)), slot: slot)
    default: return nil
    }
  }

  private static func littleEndian(_ number: Int32) -> [UInt8] {
    let pattern = UInt32(bitPattern: number)
    return [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: pattern >> $0) }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> Int32 {
    Int32(bitPattern: bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) })
  }
}
