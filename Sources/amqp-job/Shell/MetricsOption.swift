import Arguments
import Console
import Linux
import Telemetry

/// The option of the commands that tell their metrics over HTTP.
enum MetricsOption {
  static let address = Option(
    "metrics", .listenAddress, "serve OpenMetrics here at /metrics, and the probes /healthz and /readyz")

  /// Where a command serves its metrics, which are `initial` as long as it has done nothing. nil if none are asked for.
  /// - Throws: `Failure` if the address cannot be had
  static func place<Value: Measured>(
    _ settings: inout Settings, _ reporter: Reporter, _ initial: (ProcessMetrics) -> Value
  ) throws -> MetricsPlace<Value>? {
    guard let address = try settings.value(address) else { return nil }
    do throws(TCPListener.Failure) {
      let listener = try TCPListener(address)
      // Nobody knows yet which port is the free one.
      reporter.report(LogEntry(address.port == 0 ? .notice : .info, "serving metrics at \(listener.address)"))
      return MetricsPlace(listener, initial(ProcessMetrics(version: version)))
    } catch { throw Failure(.inputOutputError, "cannot serve metrics at \(address): \(error.cause)") }
  }

  /// The same with the socket of the process that has started this one, which is the standard input.
  /// - Throws: `Failure` if there is no descriptor for it
  static func inheritedPlace<Value: Measured>(
    _ settings: inout Settings, _ initial: (ProcessMetrics) -> Value
  ) throws -> MetricsPlace<Value>? {
    guard let address = try settings.value(address) else { return nil }
    do throws(SystemError) {
      return MetricsPlace(try TCPListener(standardInputAt: address), initial(ProcessMetrics(version: version)))
    } catch { throw Failure(.internalError, "the system refuses what the server of metrics needs: \(error)") }
  }
}
