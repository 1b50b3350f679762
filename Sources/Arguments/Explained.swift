/// A term and what it means, as the help and the manual list them: an option, an exit status, a variable.
public struct Explained: Hashable, Sendable {
  public var term: String
  public var meaning: String

  public init(_ term: String, _ meaning: String) {
    self.term = term
    self.meaning = meaning
  }
}
