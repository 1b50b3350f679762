/// How long nothing had been heard of a broker when the connection to it broke off. Proxies, load balancers and firewalls
/// drop connections on which nothing passes.
struct Silence {
  /// From here on that may have been the cause.
  static let least: Duration = .seconds(10)

  let duration: Duration
  /// Seconds between heartbeats, as agreed; nil for none.
  let heartbeat: Int?

  /// What may have been the cause and what to do about it, to end a sentence with; empty where there is nothing to say.
  /// Every program that makes connections has the option.
  var hint: String {
    guard duration >= Self.least else { return "" }
    let now = heartbeat.map { "\($0) s" } ?? "none"
    let time = "\(duration.components.seconds) s"
    return "; nothing had been heard for \(time): if something on the way cuts idle connections, a shorter --heartbeat "
      + "(now \(now)) keeps it from that"
  }
}
