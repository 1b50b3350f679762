import Testing

@testable import Console

@Suite("How many runners the work of a queue needs") struct WorkloadTests {
  @Test(
    "The workers are to be busy for 90 % of their time",
    arguments: [
      // arrivals a second, seconds each, waiting, at most at once, workers a runner, runners
      (0.0, 1.0, 0, 0, 1, 0), (9, 1, 0, 20, 1, 10), (9.1, 1, 0, 20, 1, 11), (9, 1, 0, 20, 4, 3), (0.001, 1, 0, 1, 1, 1),
      // 600 items of one second are worked off in five minutes.
      (0, 1, 600, 600, 1, 2), (9, 1, 600, 600, 1, 12), (9, 1, 600, 600, 2, 6),
      // What shrinks does not arrive.
      (-3, 1, 0, 5, 1, 0),
    ])
  func runners(arrivals: Double, seconds: Double, waiting: Int, most: Int, parallelism: Int, expected: Int) {
    let work = Workload(arrivalRate: arrivals, serviceTime: seconds, waiting: waiting, most: most)
    #expect(work.runners(parallelism: parallelism) == expected)
  }

  @Test("There is never more than one worker for each item") func longItems() {
    // A single item of an hour seems to be a rate of one a minute, which would keep 60 workers busy.
    let one = Workload(arrivalRate: 1 / 60, serviceTime: 3600, waiting: 1, most: 1)
    #expect(one.runners(parallelism: 1) == 1)
    let ten = Workload(arrivalRate: 10 / 60, serviceTime: 3600, waiting: 4, most: 10)
    #expect(ten.runners(parallelism: 1) == 10)
    #expect(ten.runners(parallelism: 4) == 3)
  }
}

@Suite("What is known of how fast a queue is filled and worked off") struct ThroughputTests {
  private let start = ContinuousClock.now

  private func figures(_ ready: Int, consumers: Int = 5) -> QueueFigures {
    QueueFigures(name: "q", ready: ready, consumers: consumers, retry: 99, dead: 9)
  }

  @Test("One look shows no change") func oneLook() {
    var throughput = Throughput(parallelism: 1)
    throughput.observe(figures(5), at: start)
    #expect(throughput.rates(at: 0) == nil)
  }

  @Test("Without a job log only the change of the ready items is known") func withoutLog() {
    var throughput = Throughput()
    throughput.observe(figures(5), at: start)
    throughput.observe(figures(25), at: start + .seconds(10))
    let rates = throughput.rates(at: 0)
    #expect(rates == QueueRates(netChange: 2))
    #expect(rates?.texts == ["growing by 2.0/s"])
    #expect(rates?.arrivals == nil)
  }

  @Test("What arrives is what is done, and the growth") func withLog() throws {
    var throughput = Throughput(parallelism: 2)
    throughput.observe(figures(10), at: start, clock: 1000)
    let ended = (0..<60).map { Throughput.Attempt(end: 1000.05 + Double($0) / 6, duration: 1.5) }
    throughput.observe(figures(40), at: start + .seconds(10), ended: ended, clock: 1010)
    let rates = try #require(throughput.rates(at: 1010))
    #expect(rates.netChange == 3 && rates.completions == 6 && rates.arrivals == 9 && rates.serviceTime == 1.5)
    // (9 / 0.9 + 40 / 300) * 1.5 / 2
    #expect(rates.advice == 8)
    #expect(rates.texts == ["9.0/s arriving", "6.0/s done", "1.5s each", "advice: 8 runners"])
  }

  @Test("Attempts before the first look, and after the clock, are not counted, but tell how long they take")
  func otherAttempts() throws {
    var throughput = Throughput(parallelism: 1)
    throughput.observe(figures(0), at: start, ended: [.init(end: 999, duration: 3)], clock: 1000)
    throughput.observe(figures(0), at: start + .seconds(10), ended: [.init(end: 1011, duration: 5)], clock: 1010)
    let rates = try #require(throughput.rates(at: 1010))
    #expect(rates.completions == 0 && rates.arrivals == 0 && rates.serviceTime == 4 && rates.advice == 0)
    #expect(rates.texts == ["0/s arriving", "0/s done", "4.0s each", "advice: 0 runners"])
  }

  @Test("Looks of more than a minute ago do not count, and the mean time outlasts its attempts") func window() throws {
    var throughput = Throughput(parallelism: 1)
    throughput.observe(figures(0), at: start, ended: [.init(end: 999, duration: 3)], clock: 1000)
    throughput.observe(figures(60), at: start + .seconds(30), clock: 1030)
    throughput.observe(figures(90), at: start + .seconds(900), clock: 1900)
    throughput.observe(figures(120), at: start + .seconds(930), clock: 1930)
    let rates = try #require(throughput.rates(at: 1930))
    #expect(rates.netChange == 60.0 / 900 && rates.serviceTime == 3 && rates.completions == 0)
    throughput.observe(figures(120), at: start + .seconds(960), clock: 1960)
    #expect(throughput.rates(at: 1960)?.netChange == 0.5)
  }

  @Test("No attempt has shown how long one takes: there is no advice") func noAttempts() throws {
    var throughput = Throughput(parallelism: 1)
    throughput.observe(figures(0), at: start, clock: 1000)
    throughput.observe(figures(10), at: start + .seconds(10), clock: 1010)
    let rates = try #require(throughput.rates(at: 1010))
    #expect(rates.arrivals == 1 && rates.serviceTime == nil && rates.advice == nil)
    #expect(
      figures(10).json(rates).description.contains(
        #""net_change":1.0,"arrivals":1.0,"completions":0.0,"service_time":null,"advice":null"#))
    #expect(figures(10).json(nil).description.contains(#""net_change":null,"arrivals":null"#))
  }
}
