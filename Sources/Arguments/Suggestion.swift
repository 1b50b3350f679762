/// The word that a user may have meant by a misspelt one.
package struct Suggestion: Hashable, Sendable {
  package let word: String

  /// Finds the candidate with the smallest edit distance, and the first one of several. A candidate that begins with the given
  /// word is preferred if it is the only such one, or the only one in which the word goes on without a hyphen. Returns nil if
  /// no candidate is similar. `synonyms` are other words for some candidates.
  package init?(for given: String, among candidates: some Sequence<String>, synonyms: [String: String] = [:]) {
    if let word = synonyms[given.lowercased()] {
      self.word = word
      return
    }
    let given = Array(given.lowercased())
    guard given.count > 1, given.count <= Self.maxLength else { return nil }
    let maxDistance = max(1, given.count / 3)
    var nearest: (word: String, distance: Int)?
    var longer: Set<String> = []
    for candidate in candidates {
      let letters = Array(candidate.lowercased())
      if letters.starts(with: given) { longer.insert(candidate) }
      guard abs(letters.count - given.count) <= maxDistance else { continue }
      let distance = editDistance(given, letters)
      if distance <= maxDistance, distance < nearest?.distance ?? .max { nearest = (candidate, distance) }
    }
    let withoutHyphen = longer.filter { $0.dropFirst(given.count).first != "-" }
    let completion = [longer, withoutHyphen].first { $0.count == 1 }?.first
    guard let word = completion ?? nearest?.word else { return nil }
    self.word = word
  }

  /// Longer words are not compared, since that would take long.
  private static var maxLength: Int { 64 }
}

/// The number of letters to insert, delete, replace or exchange with a neighbour (optimal string alignment).
func editDistance(_ first: [Character], _ second: [Character]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...second.count)
  for (row, letter) in first.enumerated() {
    var distances = [row + 1]
    for (column, other) in second.enumerated() {
      var distance = min(last[column + 1] + 1, distances[column] + 1, last[column] + (letter == other ? 0 : 1))
      if row > 0, column > 0, letter == second[column - 1], first[row - 1] == other {
        distance = min(distance, beforeLast[column - 1] + 1)
      }
      distances.append(distance)
    }
    (beforeLast, last) = (last, distances)
  }
  return last[second.count]
}
