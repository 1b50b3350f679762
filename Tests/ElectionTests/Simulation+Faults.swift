import Linux
import TestSupport

@testable import Election

/// What happens to the candidates of a simulation.
extension Simulation {
  func scheduleFault() {
    guard let period = faults.period else { return }
    at(time + period * (Double(random.number(in: 0...200)) / 100), .fault)
  }

  func fault() {
    // Leaders are hit more often than others.
    guard let process = random.chance(1, in: 2) ? leader : processes.keys.sorted().randomElement(using: &random) else {
      return
    }
    switch random.number(in: 0...5) {
    case 0: crash(process)
    case 1: processes[process]?.session.map(endSession)
    case 2:
      // The broker ends the connection long before the process notices.
      guard let session = processes[process]?.session else { return }
      ways[session]?.toClient = time + .seconds(random.number(in: 0...30))
      endSession(session)
    case 3: freeze(process, notices: random.chance(1, in: 2))
    case 4: give(.signal(.terminate), process)
    default: for session in ways.keys.sorted() { endSession(session) }
    }
  }

  func crash(_ process: Int) { end(process) }

  func terminate(_ process: Int) { give(.signal(.terminate), process) }

  private func freeze(_ process: Int, notices: Bool) {
    guard processes[process]?.isFrozen == false else { return }
    processes[process]?.isFrozen = true
    at(time + .seconds(random.number(in: 0...60)), .thaw(process: process))
    if notices, let session = processes[process]?.session {
      at(time + .seconds(random.number(in: 0...20)), .sessionEnds(session))
    }
  }
}
