internal import Linux

/// Makes the files for what workers write.
enum OutputFiles {
  /// How often another name is tried, if others have the names. A name that is tried again is drawn from 2^64.
  private static let maxTries = 8

  /// Makes a file for each stream, of the same name but for its end. If this throws, no file is left.
  static func make(
    for streams: [OutputStream], _ label: OutputLabel, in directory: OutputDirectory
  ) throws(SystemError) -> [OutputStream: OutputDirectory.NewOutput] {
    let name = OutputName(label)
    var suffix: UInt64?
    for _ in 1..<maxTries {
      do throws(SystemError) { return try make(for: streams, name, suffix, in: directory) } catch {
        guard error.isTaken else { throw error }
      }
      suffix = .random(in: .min ... .max)
    }
    return try make(for: streams, name, suffix, in: directory)
  }

  private static func make(
    for streams: [OutputStream], _ name: OutputName, _ suffix: UInt64?, in directory: OutputDirectory
  ) throws(SystemError) -> [OutputStream: OutputDirectory.NewOutput] {
    var files: [OutputStream: OutputDirectory.NewOutput] = [:]
    do throws(SystemError) {
      for stream in streams { files[stream] = try directory.create(name.file(stream, suffix: suffix)) }
    } catch {
      for file in files.values { file.remove() }
      throw error
    }
    return files
  }
}

/// No file can be made for what a worker writes, so it is not started.
struct OutputNotKept: Error, CustomStringConvertible {
  let directory: String
  let error: SystemError
  var description: String { "its output in \(directory): \(error.reason)" }
}
