/// The options and operands that a program was given, byte for byte. They need not be UTF-8.
package struct PoptArguments: Hashable, Sendable {
  /// An option with its value, which is empty for an option without one.
  package struct Given: Hashable, Sendable {
    package let option: String
    package let value: [UInt8]
    /// The index of the word in which the value ends.
    package let position: Int
  }

  package internal(set) var given: [Given] = []
  package internal(set) var operands: [[UInt8]] = []

  package func contains(_ option: some PoptTableEntry) -> Bool { given.contains { $0.option == option.name } }

  /// Whether the option is given.
  package subscript(option: PoptOption<Bool>) -> Bool { contains(option) }

  /// The option's value. It is the last one if there are several.
  package subscript(option: PoptOption<[UInt8]>) -> [UInt8]? { bytes(option) }

  /// The option's value. It is the last one if there are several.
  package subscript(option: PoptOption<Int32>) -> Int32? {
    bytes(option).flatMap { if case .value(let number) = PoptNumber($0) { number } else { nil } }
  }

  /// Every value of the option, in order.
  package subscript(option: PoptOption<[[UInt8]]>) -> [[UInt8]] {
    given.filter { $0.option == option.name }.map(\.value)
  }

  private func bytes(_ option: some PoptTableEntry) -> [UInt8]? { given.last { $0.option == option.name }?.value }
}
