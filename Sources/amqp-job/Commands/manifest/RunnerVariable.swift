import Arguments
import Manifests

extension WorkerOptions.Variable {
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
