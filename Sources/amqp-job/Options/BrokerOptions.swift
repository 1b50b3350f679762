import AMQP
import ArgumentParser
import JobRunner
import Linux

/// Which broker, and how to talk to it.
struct BrokerOptions: ParsableArguments {
  @Option(
    help: "Broker, amqp://user:password@host/vhost; several, with commas, are tried in turn (AMQP_URL, BROKER_URL).")
  var url: String?

  @Option(help: ArgumentHelp("Read the broker's URL from a file.", valueName: "path"))
  var urlFile: String?

  @Option(help: ArgumentHelp("Read the password from a file.", valueName: "path"))
  var passwordFile: String?

  @Option(help: "How long the broker may be out of reach (default: 60s).")
  var connectTimeout: Duration?

  @Option(help: "Time between heartbeats; 0 for none (default: 30s).")
  var heartbeat: Duration?

  struct Resolved {
    var brokers: [BrokerURL]
    var connectTimeout: Duration
    /// Seconds.
    var heartbeat: UInt16
    /// What to warn of, once somebody listens.
    var warning: String?
  }

  func resolved(_ settings: inout Settings) throws -> Resolved {
    let (text, source) = try urlText(&settings)
    var brokers: [BrokerURL]
    do {
      brokers = try BrokerURL.list(parsing: text)
    } catch {
      throw Failure(.usage, "the broker's URL in \(source) cannot be used: \(error)")
    }
    if let path = try settings.value(passwordFile, "password-file") {
      let password = try Self.content(of: path, for: "--password-file")
      for index in brokers.indices { brokers[index].password = password }
    }
    let heartbeat = try settings.value(heartbeat, "heartbeat") ?? .seconds(30)
    guard heartbeat == .zero || heartbeat >= .seconds(1), heartbeat <= .seconds(UInt16.max) else {
      throw Failure(.usage, "--heartbeat is 0, or from 1s to \(UInt16.max)s")
    }
    return Resolved(
      brokers: brokers,
      connectTimeout: try settings.value(connectTimeout, "connect-timeout") ?? .seconds(60),
      heartbeat: UInt16(heartbeat / .seconds(1)), warning: hidePassword())
  }

  private func urlText(_ settings: inout Settings) throws -> (text: String, source: String) {
    if let url { return (url, "--url") }
    if let urlFile { return (try Self.content(of: urlFile, for: "--url-file"), "--url-file") }
    if let url = settings.variable("AMQP_URL") { return (url, "AMQP_URL") }
    if let path = try settings.value(String?.none, "url-file") {
      return (try Self.content(of: path, for: "AMQP_JOB_URL_FILE"), "AMQP_JOB_URL_FILE")
    }
    if let url = settings.variable("BROKER_URL") { return (url, "BROKER_URL") }
    throw Failure(.usage, "no broker given: use --url, AMQP_URL or BROKER_URL")
  }

  private func hidePassword() -> String? {
    guard let url else { return nil }
    let ranges = BrokerURL.passwordRanges(in: url)
    guard !ranges.isEmpty, ThisProcess.hide(ranges, ofArgument: url) else { return nil }
    return "the password in --url could be seen by every process of this host until now; use AMQP_URL or --url-file"
  }

  private static func content(of path: String, for option: String) throws -> String {
    do {
      let content = String(decoding: try SmallFile.read(path), as: UTF8.self)
      return String(content.reversed().drop { $0.isWhitespace }.reversed())
    } catch let error as SystemError {
      throw Failure(.usage, "\(option) \(path): \(error.reason)")
    }
  }
}
