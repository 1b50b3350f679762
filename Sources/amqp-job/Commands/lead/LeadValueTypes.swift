import Arguments
import Console
import Election
import Linux

extension ValueType where Value == String {
  static var electionName: Self {
    name("NAME").limited("has from 1 to \(ElectionQueue.maxNameSize) bytes") {
      (1...ElectionQueue.maxNameSize).contains($0.utf8.count)
    }
  }

  static var candidateName: Self {
    name("NAME").limited("has from 1 to 253 bytes") { (1...253).contains($0.utf8.count) }
  }
}

extension ValueType where Value == ListenAddress {
  static var listenAddress: Self {
    Self(
      "HOST:PORT", expected: "an address such as 127.0.0.1:9464, or :9464 for all of this host",
      parse: { ListenAddress(parsing: $0) })
  }
}

extension ValueType where Value == Duration {
  static var lease: Self {
    duration.limited("is from \(LeasePlan.shortestLease.text) to \(LeasePlan.longestLease.text)") {
      (LeasePlan.shortestLease...LeasePlan.longestLease).contains($0)
    }
  }
}
