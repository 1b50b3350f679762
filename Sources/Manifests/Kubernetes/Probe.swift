internal import YAML

/// How the kubelet checks a container. Times are in seconds.
struct Probe: YAMLConvertible {
  enum Action {
    /// The check succeeds if the command's exit status is 0.
    case exec([String])
    /// The check succeeds if the port accepts a TCP connection.
    case tcpSocket(port: String)
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
    case .tcpSocket(let port): (name, value) = ("tcpSocket", .object(["port": port]))
    }
    return .object([
      name: value, "periodSeconds": period, "timeoutSeconds": timeout, "failureThreshold": failureThreshold,
    ])
  }
}
