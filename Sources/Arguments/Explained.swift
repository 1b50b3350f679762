/// A term with its meaning, as the help and the manual list them. It may be an option, an exit status or a variable.
package struct Explained: Hashable, Sendable {
  package var term: String
  package var meaning: String

  package init(_ term: String, _ meaning: String) {
    self.term = term
    self.meaning = meaning
  }
}
