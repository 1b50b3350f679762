import Arguments
import Manifests

extension WorkerOptions {
  /// The variables whose values are known before Kubernetes replaces parts of them, as an environment has them.
  var knownEnvironment: [[UInt8]] { environment.filter { !$0.refersToOthers }.map(\.entry) }
}

extension WorkerOptions.Variable {
  /// The variable as an environment has it.
  var entry: [UInt8] { Array("\(name)=\(value)".utf8) }

  /// Whether Kubernetes replaces a part of the value, by `$(NAME)`.
  var refersToOthers: Bool { zip(value, value.dropFirst()).contains { $0 == ("$", "(") } }

  /// Refuses a value that `run` in the pods would refuse, as far as it is known before Kubernetes replaces parts of it.
  /// - Throws: `UsageError`
  func checkForRunner() throws(UsageError) {
    guard !refersToOthers, !Settings.isInjected(value.utf8) else { return }
    let setting = Setting(value, from: name)
    guard !setting.text.isEmpty else { return }
    try Run.definition.options.first { Settings.variableName(ofOption: $0.name) == name }?.check(setting)
  }
}
