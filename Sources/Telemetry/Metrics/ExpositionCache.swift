/// The metrics that were asked for last, and their text. Whoever asks again before anything has changed gets the same text,
/// because writing it is most of what an answer costs.
struct ExpositionCache: Sendable {
  private var families: [MetricFamily] = []
  private var format: Exposition.Format?
  private var text = ""

  mutating func text(of families: [MetricFamily], as format: Exposition.Format) -> String {
    if self.format != format || self.families != families {
      (self.families, self.format) = (families, format)
      text = Exposition(families, as: format).text
    }
    return text
  }
}
