/// A volume that is there already, and where a worker sees it.
package struct MountedVolume: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable, CaseIterable {
    case claim
    case configMap = "configmap"
    case secret
  }

  struct Source: Hashable {
    var kind: Kind
    var name: String
  }

  let source: Source
  /// Absolute, without a slash at its end.
  let path: String
  let isReadOnly: Bool

  /// Of `KIND/NAME:PATH[:ro]`; nil for anything else. Only claims can be written to.
  package init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard (2...3).contains(parts.count), parts.count == 2 || parts[2] == "ro", let slash = parts[0].firstIndex(of: "/"),
      let kind = Kind(rawValue: String(parts[0][..<slash]))
    else { return nil }
    source = Source(kind: kind, name: String(parts[0][slash...].dropFirst()))
    path = parts[1].hasSuffix("/") ? String(parts[1].dropLast()) : parts[1]
    isReadOnly = parts.count == 3 || kind != .claim
    guard source.name.isDNSSubdomain, path.isAbsolutePath else { return nil }
  }

  /// What a container has of its own accord: its system's.
  private static let systemPaths = ["/proc", "/sys", "/dev"]

  /// Refuses volumes of which one would be within another, or within what else is at those paths: the outer one may be
  /// read-only, and has no place for the inner one then.
  static func check(_ volumes: [MountedVolume], beside paths: [String]) throws(Manifest.Obstacle) {
    var taken = paths + systemPaths
    for volume in volumes {
      if let other = taken.first(where: { $0.isWithin(volume.path) || volume.path.isWithin($0) }) {
        let place = volume.path == other ? "there is something there already" : "there is something at \(other) already"
        throw Manifest.Obstacle(description: "no volume can be at \(volume.path): \(place)")
      }
      taken.append(volume.path)
    }
  }

  /// The pod's volumes, each once, and where they are mounted.
  static func mounted(_ volumes: [MountedVolume]) -> (volumes: [Volume], mounts: [VolumeMount]) {
    var sources: [Source] = []
    let mounts = volumes.map { volume in
      if !sources.contains(volume.source) { sources.append(volume.source) }
      let index = sources.firstIndex(of: volume.source) ?? sources.endIndex
      return VolumeMount(name: name(index), path: volume.path, isReadOnly: volume.isReadOnly)
    }
    return (sources.enumerated().map { Volume(name($0), $1.ofPod) }, mounts)
  }

  /// Not its source's, which may be longer than a volume's may be, and have dots.
  private static func name(_ index: Int) -> String { "volume-\(index + 1)" }
}

extension MountedVolume.Source {
  fileprivate var ofPod: Volume.Source {
    switch kind {
    case .claim: .claim(name: name)
    case .configMap: .configMap(name: name)
    case .secret: .secret(name: name)
    }
  }
}

extension String {
  /// Other than the root, and without detours.
  fileprivate var isAbsolutePath: Bool {
    guard utf8.first == UInt8(ascii: "/") else { return false }
    let components = dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    return !unicodeScalars.contains { $0.properties.generalCategory == .control }
      && components.allSatisfy { !["", ".", ".."].contains($0) && $0.utf8.count <= 255 }
  }

  fileprivate func isWithin(_ folder: String) -> Bool { self == folder || hasPrefix(folder + "/") }
}
