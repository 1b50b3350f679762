import Glibc
import Testing

/// A directory that is removed after the test.
final class TemporaryDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/amqp-job-test-XXXXXX".utf8CString)
    path = String(cString: try #require(mkdtemp(&template)))
  }

  deinit { rmdir(path) }

  var entries: [String] {
    get throws {
      let stream = try #require(opendir(path))
      defer { closedir(stream) }
      var names: [String] = []
      while let entry = readdir(stream) {
        names.append(
          withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
      }
      return names.filter { $0 != "." && $0 != ".." }
    }
  }
}
