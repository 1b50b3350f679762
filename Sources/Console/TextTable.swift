/// A table for people: one row a line, in columns.
package struct TextTable: Sendable {
  package struct Column: Sendable {
    var title: String
    var isNumber: Bool

    package static func text(_ title: String) -> Column { Column(title: title, isNumber: false) }
    /// A column whose values are aligned to the right.
    package static func number(_ title: String) -> Column { Column(title: title, isNumber: true) }
  }

  private let columns: [Column]
  private var rows: [[String]]

  package init(_ columns: Column...) {
    self.columns = columns
    rows = [columns.map(\.title)]
  }

  /// Adds a row. A missing value is shown as a dash.
  package mutating func add(_ values: String?...) {
    rows.append(values.map { $0?.printable ?? "-" })
  }

  /// All rows, preceded by the row of titles.
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

  /// The number of characters. Most texts are ASCII, where counting bytes gives the same number faster.
  fileprivate var width: Int { utf8.allSatisfy { $0 < 0x80 && $0 != 0x0D } ? utf8.count : count }

  fileprivate var withoutTrailingSpaces: String {
    var text = self
    while text.utf8.last == UInt8(ascii: " ") { text.removeLast() }
    return text
  }
}
