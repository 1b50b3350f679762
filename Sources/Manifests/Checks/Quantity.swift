/// An amount of a resource as Kubernetes writes it: `100m`, `0.5`, `64Mi`
/// (<https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>). It is greater than zero.
package struct Quantity: Hashable, Sendable, Comparable, CustomStringConvertible {
  private static let factors: [String: Double] = [
    "m": 1e-3, "": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 0x1p10, "Mi": 0x1p20, "Gi": 0x1p30, "Ti": 0x1p40,
  ]

  package let description: String
  private let value: Double

  /// nil if the text is not a valid quantity.
  package init?(_ text: String) {
    let number = text.prefix { $0.utf8.allSatisfy { $0.isDigit || $0 == UInt8(ascii: ".") } }
    guard let first = number.utf8.first, first.isDigit, number.last != ".", let count = Double(number), count > 0,
      let factor = Self.factors[String(text[number.endIndex...])]
    else { return nil }
    description = text
    value = count * factor
  }

  package static func < (one: Quantity, other: Quantity) -> Bool { one.value < other.value }
}
