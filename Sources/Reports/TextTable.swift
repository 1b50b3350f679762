/// Lines in columns, for people.
package struct TextTable: Sendable {
  package struct Column: Sendable {
    var title: String
    var isNumber: Bool

    package static func text(_ title: String) -> Column { Column(title: title, isNumber: false) }
    /// Its values end below each other.
    package static func number(_ title: String) -> Column { Column(title: title, isNumber: true) }
  }

  private let columns: [Column]
  private var rows: [[String]]

  package init(_ columns: Column...) {
    self.columns = columns
    rows = [columns.map(\.title)]
  }

  /// Adds a line; what there is no value for gets a dash.
  package mutating func add(_ values: String?...) {
    rows.append(values.map { $0?.printable ?? "-" })
  }

  /// All lines, that with the titles first.
  package var text: String {
    let widths = columns.indices.map { column in rows.map { $0[column].width }.max() ?? 0 }
    return rows.map { row in
      let cells = columns.indices.map { column in
        row[column].padded(to: widths[column], left: columns[column].isNumber)
      }
      return cells.joined(separator: "  ").withoutTrailingSpaces + "\n"
    }.joined()
  }
}

extension String {
  func padded(to width: Int, left: Bool) -> String {
    let padding = String(repeating: " ", count: max(0, width - self.width))
    return left ? padding + self : self + padding
  }

  /// How many characters it has: of ASCII, which most are, that is known without looking for them.
  fileprivate var width: Int { utf8.allSatisfy { $0 < 0x80 && $0 != 0x0D } ? utf8.count : count }

  fileprivate var withoutTrailingSpaces: String {
    var text = self
    while text.utf8.last == UInt8(ascii: " ") { text.removeLast() }
    return text
  }
}
