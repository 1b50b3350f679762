/// The work of a queue, and the number of runners that it takes.
package struct Workload: Hashable, Sendable {
  /// The share of its time that a worker is to be busy. The rest is a reserve, since items arrive unevenly.
  package static let busyShare = 0.9
  /// The default time in which the items that wait are to be worked off.
  package static let backlogTime: Duration = .seconds(300)

  /// The attempts that become due per second: new items, and those that come back.
  package var arrivalRate: Double
  /// The mean time in seconds that a worker takes over an item.
  package var serviceTime: Double
  /// The number of items that no worker has yet.
  package var waiting: Int
  /// The number of items that were there at the same time, at most.
  package var most: Int

  package init(arrivalRate: Double, serviceTime: Double, waiting: Int, most: Int) {
    (self.arrivalRate, self.serviceTime, self.waiting, self.most) = (arrivalRate, serviceTime, waiting, most)
  }

  /// How many runners with `parallelism` workers each are needed. It is never more than would give each item a worker.
  package func runners(parallelism: Int) -> Int {
    let arriving = max(0, arrivalRate) / Self.busyShare + Double(waiting) / (Self.backlogTime / .seconds(1))
    let workers = min(arriving * serviceTime, Double(max(most, parallelism)))
    return Int((workers / Double(parallelism)).rounded(.up))
  }
}
