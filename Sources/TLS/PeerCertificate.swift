internal import COpenSSL
internal import Glibc

/// What a peer's certificate says, for messages about it: nothing here has been verified.
struct PeerCertificate {
  /// What it is for.
  enum Name: Hashable, CustomStringConvertible {
    case host(String)
    case address(String)

    var description: String {
      switch self {
      case .host(let text), .address(let text): text
      }
    }
  }

  /// Valid during a verification.
  let certificate: OpaquePointer

  /// The day of its end, as 2026-12-31 (UTC).
  var end: String? {
    var time = tm()
    guard ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) == 1 else { return nil }
    func twoDigits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(time.tm_year + 1900)-\(twoDigits(time.tm_mon + 1))-\(twoDigits(time.tm_mday))"
  }

  /// The names and addresses that it is for (RFC 5280, 4.2.1.6).
  var names: [Name] {
    guard let list = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return [] }
    let stack = OpaquePointer(list)
    defer { GENERAL_NAMES_free(stack) }
    return (0..<OPENSSL_sk_num(stack)).compactMap { name(stack, $0) }
  }

  private func name(_ names: OpaquePointer, _ index: Int32) -> Name? {
    var kind: Int32 = -1
    var length: Int32 = 0
    guard let data = copenssl_name(names, index, &kind, &length) else { return nil }
    let bytes = UnsafeBufferPointer(start: data, count: Int(length))
    return kind == GEN_DNS ? host(bytes).map(Name.host) : address(bytes).map(Name.address)
  }

  /// Of printable ASCII; anything else would be somebody's prank on a terminal.
  private func host(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
    bytes.allSatisfy { (0x21...0x7E).contains($0) } ? String(decoding: bytes, as: UTF8.self) : nil
  }

  private func address(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
    guard let family = [4: AF_INET, 16: AF_INET6][bytes.count] else { return nil }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(family, bytes.baseAddress, &text, socklen_t(text.count)) != nil else { return nil }
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
  }
}
