import Arguments
import JobRunner
import Linux

extension Run {
  static let deletionCost = Flag(
    "deletion-cost",
    "in a pod: let Kubernetes delete pods that are idle before this one, while it works; its service account must be allowed to patch pods"
  )

  /// The runner's pod, if Kubernetes is to be told whether it works.
  /// - Throws: `UsageError` if this is no pod, or one without a token
  static func pod(_ settings: inout Settings) throws -> PodPlace? {
    guard try settings.value(deletionCost) else { return nil }
    let environment = settings.environment
    guard let host = environment["KUBERNETES_SERVICE_HOST"], let port = environment["KUBERNETES_SERVICE_PORT"] else {
      throw UsageError("\(settings.naming(deletionCost)) is for a pod: KUBERNETES_SERVICE_HOST or _PORT is not set")
    }
    do {
      return try PodPlace(
        host: host, port: port, namespace: try PodPlace.text(of: "namespace"),
        name: environment["POD_NAME"] ?? ThisProcess.hostName, userAgent: "\(Main.tool)/\(version)")
    } catch let error as SystemError {
      throw UsageError(
        "\(settings.naming(deletionCost)) needs a service account, and \(PodPlace.accountDirectory) cannot be read: "
          + error.reason)
    } catch {
      throw UsageError("\(settings.naming(deletionCost)): the URL of the API server is wrong: \(error)")
    }
  }
}
