import AMQP
import Testing

@Suite struct BrokerURLTests {
  @Test("Every part of a URL is read") func readsEveryPart() throws {
    let url = try BrokerURL(parsing: "AMQP://us%40er:p%3Aa%2fss@[::1]:5673/v%2Fh")
    #expect(url == BrokerURL(host: "::1", port: 5673, username: "us@er", password: "p:a/ss", vhost: "v/h"))
    #expect("\(url)" == "[::1]:5673")
  }

  @Test(
    "Missing parts have the usual defaults",
    arguments: [
      "amqp://h", "amqp://h/", "amqp://h:/", "amqp://h:5672/%2F", "amqp://h:5672/%2f", "amqp://h//", "pyamqp://h",
    ])
  func defaults(text: String) throws {
    #expect(try BrokerURL(parsing: text) == BrokerURL(host: "h"))
  }

  @Test(
    "An invalid URL is rejected without quoting it",
    arguments: [
      "", "h", "h:5672", "redis://h", "amqpss://h", "amqp:/h", "amqp://", "amqp://:5672", "amqp://h:0",
      "amqp://h:65536",
      "amqp://h:x", "amqp://h:-1", "amqp://[::1", "amqp://[::1]x", "amqp://h/a/b", "amqp://h//a/b",
      "amqp://h/v#x", "amqp://h?a=%zz",
      "amqp://u:%zz@h", "amqp://u:%2@h", "amqp://u:%FF@h", "amqp://u:%00@h", "amqp://a b", "amqp://a%0Ab",
    ])
  func invalidURLs(text: String) {
    #expect { try BrokerURL(parsing: text) } throws: { error in
      (error as? BrokerURL.ParseError).map { !$0.description.contains("%zz") } ?? false
    }
  }

  @Test("amqps URLs have their own default port") func securePort() throws {
    let urls = try BrokerURL.list(parsing: "AMQPS://h, amqps://h:1, amqp://h")
    #expect(urls.map(\.isSecure) == [true, true, false])
    #expect(urls.map(\.port) == [5671, 1, 5672])
  }

  @Test("A query is read") func query() throws {
    let url = try BrokerURL(parsing: "amqp://h/v?heartbeat=5&a=x%26y=z&flag&&path=/a?b")
    #expect(url.vhost == "v")
    #expect(
      url.parameters == [.init("heartbeat", "5"), .init("a", "x&y=z"), .init("flag", nil), .init("path", "/a?b")])
    #expect(try BrokerURL(parsing: "amqp://h?a=1").host == "h")
    #expect(try BrokerURL(parsing: "amqp://h//name?").vhost == "/name")
  }

  @Test(
    "A list in Celery's notation is read",
    arguments: [
      "amqp://a//;amqp://b//x", "pyamqp://a; amqp://b//x", "amqp://a,amqp://b//x?o={'c':1,'d':2}",
      "amqp://a?o={'c':1,'d':2};pyamqp://b//x",
    ])
  func celeryLists(text: String) throws {
    let urls = try BrokerURL.list(parsing: text)
    #expect(urls.map(\.host) == ["a", "b"] && urls.map(\.vhost) == ["/", "/x"])
  }

  @Test("A password may contain a semicolon") func semicolonInPassword() throws {
    #expect(try BrokerURL.list(parsing: "amqp://u:a;b@h").map(\.password) == ["a;b"])
  }

  @Test("A list of URLs is read") func lists() throws {
    let urls = try BrokerURL.list(parsing: "amqp://a:1, amqp://b:2/x")
    #expect(urls == [BrokerURL(host: "a", port: 1), BrokerURL(host: "b", port: 2, vhost: "x")])
    #expect(throws: BrokerURL.ParseError.self) { try BrokerURL.list(parsing: "amqp://h1:1,h2:2/") }
    #expect(throws: BrokerURL.ParseError.self) { try BrokerURL.list(parsing: "amqp://h1:1,") }
  }

  @Test("A combining mark does not hide the separator before it") func combiningMarks() throws {
    let text = "amqp://u:\u{301}p@\u{301}h:1/\u{301}v"
    let url = try BrokerURL(parsing: text)
    #expect(url == BrokerURL(host: "\u{301}h", port: 1, username: "u", password: "\u{301}p", vhost: "\u{301}v"))
    #expect(BrokerURL.passwordRanges(in: text) == [9..<12])
  }

  @Test("Passwords are found in a text") func passwordRanges() {
    let list = "amqp://ü:sécret@h/v,amqp://h2,amqp://u:b:c@h3"
    let bytes = Array(list.utf8)
    let found = BrokerURL.passwordRanges(in: list).map { String(decoding: bytes[$0], as: UTF8.self) }
    #expect(found == ["sécret", "b:c"])
    let key = Array("amqps://u@h?keyfile=k&password=sesame&a=b".utf8)
    #expect(
      BrokerURL.passwordRanges(in: String(decoding: key, as: UTF8.self)).map { Array(key[$0]) } == [
        Array("sesame".utf8)
      ])
  }

  @Test(
    "The error tells how to write a special character of the password",
    arguments: [
      ("a/b", "'/' as %2F"), ("a?b", "'?' as %3F"), ("a#b", "'#' as %23"), ("12/34", "'/' as %2F"),
      ("a@b/c", "'/' as %2F"),
      ("a/b?c", "'/' as %2F, '?' as %3F"), ("a%b", "'%' itself is written %25"), ("a,b", "written %2C"),
      ("12,34", "written %2C"), ("a,b,c", "written %2C"),
    ])
  func passwordAdvice(password: String, rule: String) throws {
    for before in ["", "amqp://h2,"] {
      let text = "\(before)amqp://u:\(password)@h/v"
      #expect { try BrokerURL.list(parsing: text) } throws: { error in
        guard let error = error as? BrokerURL.ParseError else { return false }
        return error.description.contains(rule) && !error.description.contains(password)
      }
      let start = before.utf8.count + 9
      #expect(BrokerURL.passwordRanges(in: "\(text) is no URL") == [start..<start + password.utf8.count])
    }
  }

  @Test(
    "The error tells how to write an '@' outside the password",
    arguments: ["amqp://us/er:p@h", "amqp://h/a@b", "amqp://h/v?ca=a@b"])
  func atOutsidePassword(text: String) {
    #expect { try BrokerURL(parsing: text) } throws: { "\($0)".contains("%40") }
  }

  @Test("A password may contain an '@'") func atInPassword() throws {
    #expect(try BrokerURL(parsing: "amqp://u:a@b:c@h").password == "a@b:c")
  }
}
