import Testing

@testable import Broker

@Suite struct TokenRenewalTests {
  /// Now, by the wall clock.
  private static let time = 1_000_000.0

  private static func token(_ seconds: Double, _ name: String = "a") -> AccessToken {
    AccessToken(jwt("{\"sub\": \"\(name)\", \"exp\": \(Int(time + seconds))}"))
  }

  /// A renewal and both of its clocks.
  private struct Driver {
    let start = ContinuousClock.now
    var now: ContinuousClock.Instant
    var renewal: TokenRenewal

    init(_ token: AccessToken) {
      now = start
      renewal = TokenRenewal(token, now: start, time: TokenRenewalTests.time)
    }

    var time: Double { TokenRenewalTests.time + start.duration(to: now) / .seconds(1) }

    /// Looks at the next time that is due, and finds that.
    mutating func look(_ found: TokenRenewal.Found) -> TokenRenewal.Step? {
      now = renewal.nextCheck
      return renewal.check(found, now: now, time: time)
    }

    /// Looks until something is to be done, and says after how many seconds that was.
    mutating func lookUntilStep(_ found: TokenRenewal.Found) -> (step: TokenRenewal.Step, seconds: Double)? {
      for _ in 0..<10_000 {
        if let step = look(found) { return (step, time - TokenRenewalTests.time) }
      }
      return nil
    }

    mutating func taken() { renewal.accepted(now: now, time: time) }
  }

  @Test(
    "A token's file is read the more often, the nearer the token's end is",
    arguments: [(3600.0, 60.0), (600, 60), (100, 10), (10, 1), (1, 0.5), (-5, 0.5), (1e300, 60)])
  func looksTheMoreOftenTheNearerTheEndIs(left: Double, pause: Double) {
    let token = AccessToken(jwt("{\"exp\": \(left < 1e9 ? "\(Int(Self.time + left))" : "\(left)")}"))
    let driver = Driver(token)
    #expect(driver.start.duration(to: driver.renewal.nextCheck) == .seconds(pause))
  }

  @Test("The file of a token without an end is read once a minute") func withoutAnEndItLooksOnceAMinute() {
    var driver = Driver(AccessToken("secret"))
    #expect(driver.start.duration(to: driver.renewal.nextCheck) == .seconds(60))
    #expect(driver.look(.token(AccessToken("secret"))) == nil)
    #expect(driver.start.duration(to: driver.renewal.nextCheck) == .seconds(120))
    // It is sent once it has stayed the same for a second.
    #expect(driver.look(.token(AccessToken("other"))) == nil)
    #expect(driver.look(.token(AccessToken("other"))) == .renew(AccessToken("other")))
    #expect(driver.start.duration(to: driver.now) == .seconds(121))
  }

  @Test("A new token is sent once it has been read twice") func whatIsNewIsSentOnceItHasStayedTheSame() {
    var driver = Driver(Self.token(100))
    let (half, whole) = (Self.token(200, "half"), Self.token(200, "whole"))
    #expect(driver.look(.token(half)) == nil)
    #expect(driver.look(.token(whole)) == nil)
    #expect(driver.look(.token(whole)) == .renew(whole))
    #expect(driver.renewal.isUnderWay)
    // Nothing more is sent before the answer.
    #expect(driver.look(.token(Self.token(300))) == nil)
    driver.taken()
    #expect(!driver.renewal.isUnderWay && driver.renewal.current == whole)
    #expect(driver.look(.token(whole)) == nil)
  }

  @Test("A new token is sent at once if the old one is about to run out") func nearTheEndItIsSentAtOnce() {
    var driver = Driver(Self.token(2.5))
    #expect(driver.look(.token(Self.token(100))) == .renew(Self.token(100)))
  }

  @Test(
    "A file without a better token is warned of once, when the end nears",
    arguments: [
      (TokenRenewal.Found.token(token(100)), TokenProblem.unchanged),
      (.token(token(50, "older")), .endsNoLater), (.token(token(100, "other")), .endsNoLater),
      (.token(AccessToken("a.b.c")), .unknownEnd), (.unreadable("no"), .unreadable("no")),
    ])
  func whatIsNoBetterIsWarnedOfOnceAsTheEndNears(found: TokenRenewal.Found, obstacle: TokenProblem) throws {
    var driver = Driver(Self.token(100))
    let first = driver.lookUntilStep(found)
    let (step, seconds) = try #require(first)
    guard case .warn(let left, obstacle) = step else {
      Issue.record("\(step)")
      return
    }
    #expect(left <= 10 && left > 8 && abs(seconds + left - 100) < 1e-6)
    #expect(driver.lookUntilStep(found) == nil)
    // It is not too late yet.
    driver.now = driver.start + .seconds(99)
    _ = driver.renewal.check(.token(Self.token(200)), now: driver.now, time: driver.time)
    #expect(driver.renewal.isUnderWay)
  }

  @Test("The end of a long-lived token is warned of five minutes before")
  func aLongLifeIsWarnedOfFiveMinutesBefore() throws {
    var driver = Driver(Self.token(36_000))
    let first = driver.lookUntilStep(.unreadable("no"))
    let (_, seconds) = try #require(first)
    #expect((36_000 - 300..<36_000 - 240).contains(seconds))
  }

  @Test("A token that has run out does not follow one without an end")
  func aTokenThatHasRunOutIsNoSuccessorOfOneWithoutAnEnd() {
    var driver = Driver(AccessToken("secret"))
    #expect(driver.look(.token(Self.token(30))) == nil)
    #expect(driver.look(.token(Self.token(30))) == nil)
    #expect(!driver.renewal.isUnderWay)
  }

  @Test("The end of the next token is warned of as well") func theNextOneIsWarnedOfToo() {
    var driver = Driver(Self.token(100))
    _ = driver.lookUntilStep(.unreadable("no"))
    let next = Self.token(1000)
    _ = driver.lookUntilStep(.token(next))
    driver.taken()
    guard case .warn? = driver.lookUntilStep(.token(next))?.step else {
      Issue.record("no warning")
      return
    }
  }
}

@Suite struct AccessTokenTests {
  @Test(
    "A token says when it runs out",
    arguments: [
      ("{\"exp\": 1700000000, \"aud\": [\"a\"]}", 1_700_000_000.0), ("{\"a\": {\"exp\": 1}, \"exp\": 1.5}", 1.5),
    ])
  func saysWhenItRunsOut(claims: String, expiry: Double) { #expect(AccessToken(jwt(claims)).expiry == expiry) }

  @Test(
    "A token that does not say when it runs out has no end",
    arguments: [
      "", "a", "a.b.c", "..", "a.b", jwt("{}"), jwt("[]"), jwt("{\"exp\": \"1\"}"), jwt("{\"exp\": null}"),
      jwt("{\"exp\": 1}") + ".d", "a.e30", "\u{301}.\u{301}.\u{301}",
    ])
  func whatDoesNotSaySoHasNoEnd(text: String) { #expect(AccessToken(text).expiry == nil) }
}

/// A JWT with these claims, and a signature that nobody made.
func jwt(_ claims: String) -> String {
  let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
  let bits = claims.utf8.flatMap { byte in stride(from: 7, through: 0, by: -1).map { byte >> UInt8($0) & 1 } }
  let text = stride(from: 0, to: bits.count, by: 6).map { start in
    let group = bits[start..<min(start + 6, bits.count)]
    return digits[Int(group.reduce(0) { $0 << 1 | $1 }) << (6 - group.count)]
  }
  return "e30." + String(text) + ".c2lnbmVk"
}
