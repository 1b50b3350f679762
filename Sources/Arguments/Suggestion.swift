/// The word that somebody may have meant who misspelt it.
package struct Suggestion: Hashable, Sendable {
  package let word: String

  /// The nearest of the candidates, the first of those that are equally near; nil where none is near. One that begins with
  /// the given word is near, too, if it is the only one, or the only one in which that word itself goes on.
  package init?(for given: String, among candidates: some Sequence<String>) {
    let given = Array(given.lowercased())
    guard given.count > 1, given.count <= Self.longestWord else { return nil }
    let most = max(1, given.count / 3)
    var nearest: (word: String, distance: Int)?
    var longer: Set<String> = []
    for candidate in candidates {
      let letters = Array(candidate.lowercased())
      if letters.starts(with: given) { longer.insert(candidate) }
      guard abs(letters.count - given.count) <= most else { continue }
      let distance = editDistance(given, letters)
      if distance <= most, distance < nearest?.distance ?? .max { nearest = (candidate, distance) }
    }
    let goingOn = longer.filter { $0.dropFirst(given.count).first != "-" }
    let completion = [longer, goingOn].first { $0.count == 1 }?.first
    guard let word = completion ?? nearest?.word else { return nil }
    self.word = word
  }

  /// Nobody misspells a longer one, and to compare it would take long.
  private static var longestWord: Int { 64 }
}

/// How many letters have to be put in, left out, replaced, or exchanged with their neighbour (optimal string alignment).
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
