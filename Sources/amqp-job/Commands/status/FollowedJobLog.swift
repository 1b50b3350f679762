import Arguments
import Console
import JobRunner
import Linux

/// The job log of a queue's runners, which `status` reads as it grows.
final class FollowedJobLog {
  /// How much of a log that is there already is read: some ten thousand lines.
  private static let tail = 1 << 20

  /// The number of workers of each runner.
  let parallelism: Int
  private let file: GrowingFile
  private let path: Setting

  /// - Throws: `Failure` if it cannot be opened, or if it is no job log
  init(_ path: Setting, parallelism: Int) throws(Failure) {
    (self.path, self.parallelism) = (path, parallelism)
    let beginning: [UInt8]
    do throws(SystemError) {
      file = try GrowingFile(path: path.text, tail: Self.tail)
      beginning = try file.beginning(atMost: 4096)
    } catch {
      throw Self.failure("open", path, error)
    }
    guard JobLog.mayBegin(with: beginning) else {
      throw Failure(
        .inputOutputError,
        "\(path.text) is not a job log: its first line lacks columns that 'amqp-job run --joblog' writes "
          + "(\(path.source))")
    }
  }

  /// The attempts that are new in the log.
  /// - Throws: `Failure` if it cannot be read
  func newAttempts() throws(Failure) -> [Throughput.Attempt] {
    do throws(SystemError) { return try file.newLines().compactMap { JobLog.attempt($0) } } catch {
      throw Self.failure("read", path, error)
    }
  }

  private static func failure(_ verb: String, _ path: Setting, _ error: SystemError) -> Failure {
    let cure = error.isMissing ? "; a runner makes it ('amqp-job run --joblog \(path.text.shellWord)')" : ""
    return Failure(
      .inputOutputError, "cannot \(verb) the job log \(path.text): \(error.reason)\(cure) (\(path.source))")
  }
}
