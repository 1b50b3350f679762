internal import COpenSSL
internal import Glibc

/// The contents of a peer's certificate, for error messages. Nothing in it has been verified.
struct PeerCertificate {
  /// An identity that the certificate is valid for.
  enum Name: Hashable, CustomStringConvertible {
    case host(String)
    case address(String)

    var description: String {
      switch self {
      case .host(let text), .address(let text): text
      }
    }
  }

  /// The pointer is valid only during the verification.
  let certificate: OpaquePointer

  /// The date on which the certificate expires, in UTC and in the form 2026-12-31.
  var expiryDate: String? {
    var time = tm()
    guard ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) == 1 else { return nil }
    func twoDigits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(time.tm_year + 1900)-\(twoDigits(time.tm_mon + 1))-\(twoDigits(time.tm_mday))"
  }

  /// The host names and IP addresses of the subjectAltName (RFC 5280, 4.2.1.6).
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

  /// Accepts only printable ASCII, so that a certificate cannot send control characters to a terminal.
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
