import Glibc
import Testing

@testable import Linux

/// Scripts whose first line names an interpreter.
@Suite struct CommandLookupTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Calls `body` with the path of a file that has this content.
  private func withFile(_ content: String, mode: mode_t = 0o755, _ body: (String) throws -> Void) throws {
    let path = NewFile.path(in: directory.path, prefix: "script")
    let file = try NewFile.create(path, mode: mode)
    defer { unlink(path) }
    try file.writeAll(Array(content.utf8))
    try body(path)
  }

  private func failure(_ command: String, searchPath: String = "/usr/bin:/bin") -> CommandLookup.Failure? {
    do {
      _ = try CommandLookup.path(of: command, searchPath: searchPath)
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "A script with a valid first line can be run",
    arguments: [
      "#!/bin/sh\n", "#!/bin/sh", "#! \t/bin/sh \t\n", "#!/bin/sh -e \n", "#!\n", "#! \n", "echo\r\n", "", "#",
      "#!/usr/bin/env sh\n", "#!/usr/bin/env -S sh -e\r\n", "#!/usr/bin/env -i A=1 sh\n", "#!/usr/bin/perl -w\r\n",
      "#!/bin/sh " + String(repeating: "x", count: 400) + "\n",
    ])
  func runnableScripts(content: String) throws {
    guard !content.contains("perl") || access("/usr/bin/perl", X_OK) == 0 else { return }
    try withFile(content) { #expect(failure($0) == nil) }
  }

  private static let windows = "the script has Windows line endings (CR LF)"

  @Test(
    "A missing interpreter is named",
    arguments: [
      ("#!/bin/sh\r\n", #"/bin/sh\r"#, windows), ("#!\r\n", #"\r"#, windows),
      ("#!/usr/bin/env sh\r\n", #"sh\r"#, windows),
      ("#!/usr/bin/env no-such-command\n", "no-such-command", nil), ("#!/usr/bin/env sh -e\n", "sh -e", nil),
      ("#!/no/such\n", "/no/such", nil), ("#!/bin/sh/\n", "/bin/sh/", nil), ("#!/no/such -e\r\n", "/no/such", nil),
    ])
  func missingInterpreter(content: String, interpreter: String, hint: String?) throws {
    try withFile(content) { #expect(failure($0) == .notFound(what: "\($0)'s interpreter \(interpreter)", hint: hint)) }
  }

  @Test("A script or interpreter that cannot be run is named, with the reason") func notExecutable() throws {
    try withFile("#!/tmp\n") {
      #expect(failure($0) == .notExecutable(what: "\($0)'s interpreter /tmp", reason: "not a regular file"))
    }
    try withFile("#!/bin/sh -e\r\n") {
      let reason = #"\#(Self.windows), so the argument of its interpreter is -e\r"#
      #expect(failure($0) == .notExecutable(what: $0, reason: reason))
    }
    try withFile("#!/\(String(repeating: "x", count: 253))\n") {
      let reason = "its first line is longer than the 255 bytes that Linux reads"
      #expect(failure($0) == .notExecutable(what: $0, reason: reason))
    }
    try withFile("#!/\(String(repeating: "x", count: 252))\n") {
      let what = "\($0)'s interpreter /\(String(repeating: "x", count: 252))"
      #expect(failure($0) == .notFound(what: what))
    }
  }

  @Test("An interpreter may itself be a script") func scriptAsInterpreter() throws {
    try withFile("#!/bin/sh\r\n") { inner in
      try withFile("#!\(inner)\n") { outer in
        #expect(failure(outer) == .notFound(what: #"\#(inner)'s interpreter /bin/sh\r"#, hint: Self.windows))
      }
    }
    try withFile("#!/bin/sh\n") { inner in
      try withFile("#!\(inner)\n") { #expect(failure($0) == nil) }
    }
    try withFile("#!/bin/sh\n", mode: 0o644) { inner in
      try withFile("#!\(inner)\n") { outer in
        let what = "\(outer)'s interpreter \(inner)"
        #expect(failure(outer) == .notExecutable(what: what, reason: "Permission denied", path: inner))
      }
    }
  }

  @Test("A script cannot be its own interpreter") func ownInterpreter() throws {
    let path = directory.path + "/own"
    let file = try NewFile.create(path, mode: 0o755)
    defer { unlink(path) }
    try file.writeAll(Array("#!\(path)\n".utf8))
    #expect(
      failure(path) == .notExecutable(what: "\(path)'s interpreter \(path)", reason: String(cString: strerror(ELOOP))))
  }
}
