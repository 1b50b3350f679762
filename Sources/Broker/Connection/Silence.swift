/// The time without a sign of the broker before a connection was lost. Proxies, load balancers and firewalls drop idle
/// connections.
struct Silence {
  /// The minimum time for which an idle connection is a likely cause.
  static let minDuration: Duration = .seconds(10)

  let duration: Duration
  /// The negotiated interval between heartbeats in seconds; nil if there are no heartbeats.
  let heartbeat: Int?

  /// An explanation of the likely cause to append to a message, with a remedy. It is empty if there is none. All
  /// programs that connect have the option.
  var hint: String {
    guard duration >= Self.minDuration else { return "" }
    let now = heartbeat.map { "\($0) s" } ?? "none"
    let time = "\(duration.components.seconds) s"
    return "; nothing had been heard for \(time): if something on the way cuts idle connections, a shorter --heartbeat "
      + "(now \(now)) prevents that"
  }
}
