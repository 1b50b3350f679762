import Testing

@testable import Console

@Suite struct DrawnProgressTests {
  private func line(
    _ name: String = "job1", left: Int = 25, of total: Int = 100, retry: Int = 0, dead: Int = 1
  ) -> ProgressLine {
    var progress = Progress()
    let start = ContinuousClock.now
    progress.observe(left: total, at: start)
    progress.observe(left: left, at: start + .seconds(10))
    return ProgressLine(
      QueueFigures(name: name, ready: left - retry, consumers: 2, retry: retry, dead: dead), progress)
  }

  private func drawn(_ lines: ProgressLine..., width: Int) -> [String] { DrawnProgress(lines, width: width).lines }

  @Test func inTheWidthThatThereIs() {
    #expect(
      drawn(line(), line("job234"), width: 79)[0]
        == "job1    [#############-----]   75%  75/100  7.5/s  3s left  2 consumers  1 dead")
    #expect(drawn(line(), width: 60) == ["job1   75%  75/100  7.5/s  3s left  2 consumers  1 dead"])
    #expect(drawn(line(), width: 300)[0].contains("[" + String(repeating: "#", count: 30) + "----------]"))
    #expect(drawn(line(left: 0, of: 0, dead: 0), width: 60)[0].hasSuffix("]     -  0/0  2 consumers"))
  }

  @Test func columnsGoWholeTheLeastImportantFirst() {
    #expect(drawn(line(), width: 50) == ["job1   75%  75/100  3s left  2 consumers  1 dead"])
    #expect(drawn(line(), width: 39) == ["job1   75%  75/100  3s left  1 dead"])
    #expect(drawn(line(retry: 3), width: 39) == ["job1   75%  75/100  3 to retry  1 dead"])
    #expect(drawn(line(), width: 20) == ["job1   75%  75/100"])
    #expect(drawn(line(), width: 17) == ["job1   75%"])
    #expect(drawn(line(), width: 3) == [""])
  }

  @Test func aLongNameIsShortenedBeforeThat() {
    let name = "images-that-are-to-be-resized-1"
    #expect(drawn(line(name), width: 70) == ["images-t...esized-1   75%  75/100  7.5/s  3s left  2 consumers  1 dead"])
    #expect(
      drawn(line(name), line("job1"), width: 39) == [
        "images-...sized-1   75%  75/100  1 dead", "job1                75%  75/100  1 dead",
      ])
    #expect(drawn(line(name), width: 20) == ["images   75%  75/100"])
  }

  @Test(arguments: 0...120)
  func noFigureIsCutAtAnyWidth(width: Int) {
    let queues = [line("images-that-are-to-be-resized-1", left: 123_456, of: 9_876_543, retry: 17, dead: 4321), line()]
    let words = queues.flatMap(\.columns).flatMap { $0.text.split(separator: " ") }
    for drawn in DrawnProgress(queues, width: width).lines {
      #expect(drawn.count <= width)
      let figures = drawn.split(separator: " ").drop { $0.first?.isLetter == true }.filter { !$0.hasPrefix("[") }
      #expect(figures.allSatisfy(words.contains))
    }
  }

  @Test(arguments: [(0.0, "----------"), (0.5, "#####-----"), (0.99, "#########-"), (1, "##########")])
  func bar(fraction: Double, expected: String) { #expect(DrawnProgress.bar(fraction, 10) == expected) }

  @Test func publishing() {
    let progress = PublishProgress(
      destination: "images-that-are-to-be-resized", confirmed: 1234, unconfirmed: 56, total: 9876, rate: 12,
      blocked: nil)
    #expect(
      progress.drawn(width: 100)
        == "images-that-are-to-be-resized: 1234 of 9876 in the queue, 56 under way, 12/s")
    #expect(progress.drawn(width: 60) == "image...sized: 1234 of 9876 in the queue, 56 under way, 12/s")
    #expect(progress.drawn(width: 39) == "image...ized: 1234 of 9876 in the queue")
    #expect(progress.drawn(width: 10) == "")
  }
}
