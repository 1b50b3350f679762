import Glibc
import Testing

/// Files in a directory that is removed after the test.
final class TestFiles {
  let directory: String
  private var paths: [String] = []

  init() throws {
    var template = Array("/tmp/amqp-job-tls-XXXXXX".utf8CString)
    directory = String(cString: try #require(mkdtemp(&template)))
  }

  deinit {
    for path in paths { unlink(path) }
    rmdir(directory)
  }

  /// Writes a new file, and returns its path.
  func write(_ text: String, suffix: String = "") throws -> String {
    let path = "\(directory)/\(paths.count)\(suffix)"
    let file = try #require(fopen(path, "w"))
    defer { fclose(file) }
    try #require(fputs(text, file) >= 0)
    paths.append(path)
    return path
  }
}
