internal import Linux
internal import Synchronization

/// Tells Kubernetes whether the runner's pod works, in a thread of its own, so that it holds nothing up.
final class PodAnnotator {
  /// What both threads use.
  final class Exchange: Sendable {
    private struct State {
      var isBusy = false
      var complaint: String?
    }

    private let state = Mutex(State())

    var isBusy: Bool { state.withLock { $0.isBusy } }

    /// Takes why the latest request was not taken.
    func complain(_ reason: String) { state.withLock { $0.complaint = reason } }

    /// Takes whether the runner is busy, and returns the complaint that has come since the last call.
    func update(isBusy: Bool) -> String? {
      state.withLock { state in
        state.isBusy = isBusy
        defer { state.complaint = nil }
        return state.complaint
      }
    }
  }

  private let exchange = Exchange()
  private let changes: Descriptor
  private let thread: StoppableThread
  private var isBusy = false

  /// - Throws: `SystemError`
  init(_ pod: PodPlace) throws(SystemError) {
    let (changing, stopping) = (try Wakeup.make(), try Wakeup.make())
    changes = changing.writeEnd
    let (exchange, changed, stopped) = (exchange, changing.readEnd, stopping.readEnd)
    thread = try StoppableThread(stop: stopping.writeEnd) {
      var loop = PodAnnotatorLoop(pod, exchange, changed: changed, stopped: stopped)
      loop.run()
    }
  }

  /// Takes whether the runner holds an item. Returns why Kubernetes could not be told, once for each reason.
  func update(isBusy: Bool) -> String? {
    let complaint = exchange.update(isBusy: isBusy)
    if isBusy != self.isBusy { _ = try? changes.write([0]) }
    self.isBusy = isBusy
    return complaint
  }
}
