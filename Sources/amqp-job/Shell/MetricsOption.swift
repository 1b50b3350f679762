import Arguments
import Console
import Linux
import Telemetry

/// The option of the commands that tell their metrics over HTTP.
enum MetricsOption {
  static let address = Option(
    "metrics", .listenAddress, "serve OpenMetrics here at /metrics, and the probes /healthz and /readyz")

  /// nil if no metrics are asked for.
  /// - Throws: `Failure` if the address cannot be had
  static func listener(_ settings: inout Settings, _ reporter: Reporter) throws -> TCPListener? {
    guard let address = try settings.value(address) else { return nil }
    do throws(TCPListener.Failure) {
      let listener = try TCPListener(address)
      // Nobody knows yet which port is the free one.
      reporter.report(LogEntry(address.port == 0 ? .notice : .info, "serving metrics at \(listener.address)"))
      return listener
    } catch { throw Failure(.inputOutputError, "cannot serve metrics at \(address): \(error.cause)") }
  }

  /// The socket of the process that has started this one, which is the standard input. nil if no metrics are asked for.
  /// - Throws: `Failure` if there is no descriptor for it
  static func inherited(_ settings: inout Settings) throws -> TCPListener? {
    guard let address = try settings.value(address) else { return nil }
    do throws(SystemError) { return try TCPListener(standardInputAt: address) } catch {
      throw Failure(.internalError, "the system refuses what the server of metrics needs: \(error)")
    }
  }
}
