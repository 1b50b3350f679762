internal import AMQP
internal import Console
internal import Linux

/// What a leader does: its command runs, and its leader file is there.
final class Work {
  private let processes: ProcessGroups
  private let command: ProcessGroups.Program?
  private let file: PresenceFile?
  private let name: ByteString
  /// The socket on which the command serves metrics in place of this process.
  private let listener: TCPListener?
  private var processID: Int32?

  init(
    _ processes: ProcessGroups, _ command: ProcessGroups.Program?, _ file: PresenceFile?, name: ByteString,
    listener: TCPListener?
  ) {
    (self.processes, self.command, self.file, self.name) = (processes, command, file, name)
    self.listener = listener
  }

  /// Returns how the work has ended, if it does not begin.
  func begin(epoch: Int64, limit: ContinuousClock.Instant) -> Candidate.WorkEnd? {
    processes.setDeadline(limit)
    do throws(SystemError) { try file?.show(content(epoch)) } catch {
      end()
      let line: LogMessage = "cannot write the leader file \(file?.path ?? ""): \(error.reason)"
      return .notBegun(.inputOutputError, line)
    }
    guard var command else { return nil }
    command.environment.append(Array("LEADER_EPOCH=\(epoch)".utf8))
    do throws(SystemError) {
      processID = try retryingOnShortage { () throws(SystemError) in
        let input = if let listener { try processes.makeInput(listener) } else { try processes.makeEmptyInput() }
        return try processes.start(command, input: input)
      }
      return nil
    } catch {
      end()
      if error.isPastDeadline { return .stopped }
      return .notBegun(
        ExitStatus(refusedCommand: error) ?? .failure, "the command could not be started: \(error.reason)")
    }
  }

  private func content(_ epoch: Int64) -> [UInt8] {
    Array("\(LeaderDocument(Leader(name: name, epoch: epoch), isSelf: true).json)\n".utf8)
  }

  func extend(limit: ContinuousClock.Instant) { processes.setDeadline(limit) }

  /// Returns how the work has ended, if nothing has to be waited for.
  func stop(_ signal: Signal) -> Candidate.WorkEnd? {
    file?.remove()
    guard let processID else {
      end()
      return .stopped
    }
    processes.send(signal, to: processID)
    return nil
  }

  func signal(_ signal: Signal) {
    if let processID { processes.send(signal, to: processID) }
  }

  /// How the command has ended, if it has since the last call.
  func reap() -> Candidate.WorkEnd? {
    guard let ended = processes.reap().first(where: { $0.processID == processID }) else { return nil }
    end()
    return .ended(ended.status)
  }

  private func end() {
    processID = nil
    file?.remove()
    processes.setDeadline(nil)
  }
}
