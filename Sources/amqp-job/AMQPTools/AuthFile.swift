import Console
import Linux

/// The file of `--authfile`. It holds a line `username:NAME`, then a line `password:WORD`, and nothing else.
struct AuthFile {
  let username: String
  let password: String

  /// - Throws: `Failure`, whose message quotes nothing from the file
  init(path: String) throws {
    let content: [UInt8]
    do {
      content = try SmallFile.read(path)
    } catch {
      throw Failure(.usage, "Could not read auth data file \(path): \(error.reason)")
    }
    var rest = content[...]
    username = try Self.take("username", from: &rest)
    password = try Self.take("password", from: &rest)
    guard rest.isEmpty else { throw Failure(.usage, "Malformed auth file (trailing data)") }
  }

  private static func take(_ name: String, from rest: inout ArraySlice<UInt8>) throws -> String {
    let line = rest.prefix { $0 != UInt8(ascii: "\n") }
    rest = rest[line.endIndex...].dropFirst()
    guard line.starts(with: "\(name):".utf8),
      let value = String(validating: line.dropFirst(name.utf8.count + 1), as: UTF8.self)
    else { throw Failure(.usage, "Malformed auth file (missing \(name))") }
    return value
  }
}
