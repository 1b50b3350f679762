internal import YAML

/// How the kubelet finds out about a container. Times are in seconds.
struct Probe: YAMLConvertible {
  enum Action {
    /// Exit status 0 is well.
    case exec([String])
    /// A connection to that port is well.
    case connection(port: String)
  }

  var action: Action
  var period: Int
  var timeout: Int?
  var failureThreshold: Int?

  var yaml: YAMLValue {
    let name: String
    let value: YAMLValue
    switch action {
    case .exec(let command): (name, value) = ("exec", .object(["command": command]))
    case .connection(let port): (name, value) = ("tcpSocket", .object(["port": port]))
    }
    return .object([
      name: value, "periodSeconds": period, "timeoutSeconds": timeout, "failureThreshold": failureThreshold,
    ])
  }
}
