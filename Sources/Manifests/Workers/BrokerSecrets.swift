/// The Secrets with which a container reaches the broker.
package struct BrokerSecrets: Hashable, Sendable {
  static let urlKey = "BROKER_URL"
  /// The key that cert-manager uses in its `kubernetes.io/tls` Secrets.
  static let authorityKey = "ca.crt"
  private static let tokenKey = "token"
  private static let (tlsDirectory, tokenDirectory) = ("/etc/amqp-job/tls", "/etc/amqp-job/token")
  private static let (tlsVolume, tokenVolume) = ("tls", "token")

  /// The name of the Secret that has the broker's URL under the key `BROKER_URL`.
  package var url: String
  /// The name of the Secret that has the certificate authorities for the broker under the key `ca.crt`. nil means those of
  /// the image.
  package var tls: String?
  /// The name of the Secret that has the password under the key `token`. nil means the password in the URL.
  package var token: String?

  package init(url: String, tls: String? = nil, token: String? = nil) {
    (self.url, self.tls, self.token) = (url, tls, token)
  }

  var urlVariable: ContainerVariable { ContainerVariable(Self.urlKey, .secret(name: url, key: Self.urlKey)) }

  /// The variables that say where the files of the Secrets are.
  var fileVariables: [ContainerVariable] {
    let authority = ContainerVariable("AMQP_JOB_TLS_CA", .value("\(Self.tlsDirectory)/\(Self.authorityKey)"))
    let password = ContainerVariable("AMQP_JOB_TOKEN_FILE", .value("\(Self.tokenDirectory)/\(Self.tokenKey)"))
    return (tls == nil ? [] : [authority]) + (token == nil ? [] : [password])
  }

  /// The environment of a candidate of an election, with variables that the user sets.
  func environment(_ others: [WorkerOptions.Variable]) -> [ContainerVariable] {
    [urlVariable, .podName] + fileVariables + others.map { ContainerVariable($0.name, .value($0.value)) }
  }

  /// Whole directories are mounted, because Kubernetes does not update a single mounted file.
  var mounts: [VolumeMount] {
    (tls == nil ? [] : [VolumeMount(name: Self.tlsVolume, path: Self.tlsDirectory, isReadOnly: true)])
      + (token == nil ? [] : [VolumeMount(name: Self.tokenVolume, path: Self.tokenDirectory, isReadOnly: true)])
  }

  var volumes: [Volume] {
    [tls.map { Volume(Self.tlsVolume, .secret(name: $0)) }, token.map { Volume(Self.tokenVolume, .secret(name: $0)) }]
      .compactMap(\.self)
  }
}
