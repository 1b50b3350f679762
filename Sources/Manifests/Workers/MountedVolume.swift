/// An existing volume, and the path at which a worker sees it.
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
  /// An absolute path without a trailing slash.
  let path: String
  let isReadOnly: Bool

  /// Reads `KIND/NAME:PATH[:ro]`; nil for any other text. Only a claim can be mounted writable.
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

  /// The file systems that a container runtime mounts itself.
  private static let systemPaths = ["/proc", "/sys", "/dev"]

  /// Rejects volumes that are nested in one another or in the mounts at `paths`. A mount point cannot be created in a
  /// volume that is read-only.
  static func check(_ volumes: [MountedVolume], beside paths: [String]) throws(Manifest.InvalidOptions) {
    var taken = paths + systemPaths
    for volume in volumes {
      if let other = taken.first(where: { $0.isWithin(volume.path) || volume.path.isWithin($0) }) {
        let place = volume.path == other ? "the path is in use" : "\(other) is in use"
        throw Manifest.InvalidOptions(description: "a volume cannot be mounted at \(volume.path), because \(place)")
      }
      taken.append(volume.path)
    }
  }

  /// The pod's volumes, each of them once, and their mounts.
  static func mounted(_ volumes: [MountedVolume]) -> (volumes: [Volume], mounts: [VolumeMount]) {
    var sources: [Source] = []
    let mounts = volumes.map { volume in
      if !sources.contains(volume.source) { sources.append(volume.source) }
      let index = sources.firstIndex(of: volume.source) ?? sources.endIndex
      return VolumeMount(name: name(index), path: volume.path, isReadOnly: volume.isReadOnly)
    }
    return (sources.enumerated().map { Volume(name($0), $1.volumeSource) }, mounts)
  }

  /// The name of a volume. The name of its source cannot be used, because it may be too long and may contain dots.
  private static func name(_ index: Int) -> String { "volume-\(index + 1)" }
}

extension MountedVolume.Source {
  fileprivate var volumeSource: Volume.Source {
    switch kind {
    case .claim: .claim(name: name)
    case .configMap: .configMap(name: name)
    case .secret: .secret(name: name)
    }
  }
}

extension String {
  /// Whether this is an absolute path other than `/`, without empty components, `.` and `..`.
  fileprivate var isAbsolutePath: Bool {
    guard utf8.first == UInt8(ascii: "/") else { return false }
    let components = dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    return !unicodeScalars.contains { $0.properties.generalCategory == .control }
      && components.allSatisfy { !["", ".", ".."].contains($0) && $0.utf8.count <= 255 }
  }

  fileprivate func isWithin(_ folder: String) -> Bool { self == folder || hasPrefix(folder + "/") }
}

extension [MountedVolume] {
  /// Whether the pod writes to one of them.
  var areWritable: Bool { contains { !$0.isReadOnly } }
}
