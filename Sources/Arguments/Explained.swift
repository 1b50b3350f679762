/// A term and what it means, as the help and the manual list them: an option, an exit status, a variable.
package struct Explained: Hashable, Sendable {
  package var term: String
  package var meaning: String

  package init(_ term: String, _ meaning: String) {
    self.term = term
    self.meaning = meaning
  }
}
