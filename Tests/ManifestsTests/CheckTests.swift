import Manifests
import Testing

@Suite struct CheckTests {
  @Test(
    "The name resembles the queue's name",
    arguments: [
      ("job1", "job1"), ("Fruits.Citrus", "fruits-citrus"), ("a_b c", "a-b-c"), ("--a--b--", "a-b"), ("1", "1"),
      (String(repeating: "x", count: 52), String(repeating: "x", count: 52)),
    ])
  func nameFromQueue(queue: String, name: String) {
    #expect(ObjectName(resembling: queue).description == name)
  }

  @Test("Shortened names differ if the queues differ") func shortenedNames() {
    let long = String(repeating: "orders-", count: 36)
    let names = [long, long + "2", "日本", "中国", "!", String(repeating: "x", count: 53)].map {
      ObjectName(resembling: $0).description
    }
    #expect(Set(names).count == names.count)
    for name in names { #expect(ObjectName(name) != nil, "\(name)") }
    #expect(names[0].hasPrefix("orders-orders-") && names[2].hasPrefix("queue-"))
  }

  @Test("There is a name for every queue") func nameOfAnyQueue() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let scalars = (0..<Int.random(in: 1...80, using: &generator)).compactMap { _ in
        Unicode.Scalar(UInt32.random(in: 1...(Bool.random() ? 0x7F : 0x3000), using: &generator))
      }
      let queue = String(String.UnicodeScalarView(scalars))
      #expect(ObjectName(ObjectName(resembling: queue).description) != nil, "\(queue.debugDescription)")
    }
  }

  @Test(
    "Invalid names are rejected",
    arguments: ["", "A", "a.b", "-a", "a-", "a_b", "é", "a\u{10}", String(repeating: "x", count: 53)])
  func invalidNames(text: String) { #expect(ObjectName(text) == nil) }

  @Test("DNS labels and subdomains are recognized") func dnsNames() {
    #expect("a.b-1.c".isDNSSubdomain && !"a..b".isDNSSubdomain && !"".isDNSSubdomain && !"a.B".isDNSSubdomain)
    #expect("Job_1.x".isLabelValue && !"".isLabelValue && !"a b".isLabelValue && !"_a".isLabelValue)
    #expect(!String(repeating: "x", count: 64).isLabelValue)
    #expect("A_b.c-1".isVariableName && !"1A".isVariableName && !"".isVariableName && !"A B".isVariableName)
  }

  @Test(
    "Valid image references are accepted",
    arguments: [
      "python", "python:3.13-alpine", "a/b/c:v1", "ghcr.io/a/b", "localhost/a", "localhost:5000/a:b",
      "R.example:5000/a",
      "a__b/c--d", "a@sha256:" + String(repeating: "0f", count: 32), "a:1@sha256:" + String(repeating: "0f", count: 32),
      "192.168.0.1:80/a",
    ])
  func validImages(text: String) { #expect(ImageReference(text)?.description == text) }

  @Test(
    "Invalid image references are rejected",
    arguments: [
      "", " ", "a b", "Python", "a:", "a:b c", ":a", "/a", "a/", "a//b", "a@sha256:1", "a@", "-a", "a:b/c",
      "https://a/b",
      "a:\(String(repeating: "x", count: 129))", "--inject", "a$b", "é",
    ])
  func invalidImages(text: String) { #expect(ImageReference(text) == nil) }

  @Test("Quantities are read and compared") func quantities() throws {
    for text in ["100m", "0.5", "64Mi", "1", "1.5Gi", "2k"] { #expect(Quantity(text)?.description == text) }
    for text in ["", "m", "0", "0m", "-1", "1MB", "1 Gi", ".5", "1.", "1e3", "1..2", "Mi"] {
      #expect(Quantity(text) == nil, "\(text)")
    }
    #expect(try #require(Quantity("1000m")) < #require(Quantity("1.5")))
    #expect(try #require(Quantity("1023Mi")) < #require(Quantity("1Gi")))
  }
}
