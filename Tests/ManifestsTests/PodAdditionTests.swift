import Testing
import YAML

@testable import Manifests

@Suite struct PodAdditionTests {
  private static let longest = String(repeating: "x", count: 63)

  @Test(
    "Valid labels are read",
    arguments: [
      ("a=b", "a", "b"), ("a=", "a", ""), ("example.com/A_b.c-1=X_y.z", "example.com/A_b.c-1", "X_y.z"),
      ("\(longest)=\(longest)", longest, longest),
    ])
  func validLabels(text: String, key: String, value: String) throws {
    let label = try #require(KeyValue(label: text))
    #expect((label.key, label.value) == (key, value))
  }

  @Test(
    "Invalid labels are rejected",
    arguments: [
      "", "a", "=b", "a b=c", "-a=b", "a-=b", "/a=b", "a/=b", "a/b/c=d", "Example.com/a=b", "a..b/c=d", "a=b c", "a=-b",
      "a=b=c",
      "a=é", "\(longest)x=b", "a=\(longest)x", "\(String(repeating: "a.", count: 127))/b=c",
    ])
  func invalidLabels(text: String) { #expect(KeyValue(label: text) == nil) }

  @Test("The value of an annotation may be any text") func annotations() {
    for text in ["a=", "a=b=c", "a=two\nlines", "Example.com/A=日本"] { #expect(KeyValue(annotation: text) != nil) }
    for text in ["a", "=b", "a b=c", "a/b/c=d"] { #expect(KeyValue(annotation: text) == nil, "\(text)") }
  }

  @Test("Tolerations are read") func tolerations() {
    let expected: [(String, YAMLValue)] = [
      ("gpu", .object(["key": "gpu", "operator": "Exists"])),
      ("gpu:NoExecute", .object(["key": "gpu", "operator": "Exists", "effect": "NoExecute"])),
      ("a.b/c=d", .object(["key": "a.b/c", "operator": "Equal", "value": "d"])),
      (
        "c=:PreferNoSchedule",
        .object(["key": "c", "operator": "Equal", "value": "", "effect": "PreferNoSchedule"])
      ),
    ]
    for (text, yaml) in expected { #expect(Toleration(text)?.yaml == yaml, "\(text)") }
    for text in ["", ":", "=a", "a:", "a:noschedule", "a=b c", "a=b:NoSchedule:", "a b", "-a"] {
      #expect(Toleration(text) == nil, "\(text)")
    }
  }

  @Test("Volumes are read") func volumes() throws {
    for (text, path, isReadOnly) in [
      ("claim/models:/models", "/models", false), ("claim/models:/models/:ro", "/models", true),
      ("configmap/a.b:/etc/a.conf", "/etc/a.conf", true), ("secret/a:/a b/ü:ro", "/a b/ü", true),
    ] {
      let volume = try #require(MountedVolume(text), "\(text)")
      #expect((volume.path, volume.isReadOnly) == (path, isReadOnly))
    }
    for text in [
      "", "claim", "claim/a", "claim/:/a", "claim/A:/a", "a:/a", "volume/a:/a", "Claim/a:/a", "claim/a:a", "claim/a:",
      "claim/a:/", "claim/a://", "claim/a:/a/../b", "claim/a:/./a", "claim/a:/a//b", "claim/a:/a:rw",
      "claim/a:/a:ro:ro",
      "claim/a:/a\nb", "claim/a/b:/a", "claim/a:/\(String(repeating: "x", count: 256))",
    ] {
      #expect(MountedVolume(text) == nil, "\(text)")
    }
  }

  @Test(
    "Nested volumes are rejected",
    arguments: [
      (["/a", "/b", "/ab"], true), (["/tmpdir", "/opt"], true), (["/a", "/a"], false), (["/a", "/a/b"], false),
      (["/a/b", "/a"], false), (["/tmp"], false), (["/tmp/a"], false), (["/run"], false), (["/proc/sys"], false),
      (["/dev"], false),
    ])
  func nestedVolumes(paths: [String], isFine: Bool) throws {
    let volumes = try paths.map { try #require(MountedVolume("claim/a:\($0)")) }
    var failure: Manifest.InvalidOptions?
    do { try MountedVolume.check(volumes, beside: ["/run/amqp-job", "/tmp"]) } catch { failure = error }
    #expect((failure == nil) == isFine)
    #expect(failure.map { $0.description.contains(paths.last ?? "") } != false)
  }

  @Test("A claim that is mounted repeatedly is one volume") func repeatedClaim() throws {
    let volumes = try ["claim/a:/one", "secret/a:/two", "claim/a:/three:ro"].map { try #require(MountedVolume($0)) }
    let (made, mounts) = MountedVolume.mounted(volumes)
    #expect(made.map(\.name) == ["volume-1", "volume-2"])
    #expect(mounts.map(\.name) == ["volume-1", "volume-2", "volume-1"])
    #expect(mounts.map(\.isReadOnly) == [false, true, true])
  }

  @Test(
    "The container that copies the runner has the CPU limit of the worker",
    arguments: [(nil, "10m"), ("5m", "5m"), ("2", "10m")])
  func copyingContainer(limit: String?, request: String) {
    let resources = Resources.forCopying(cpuLimit: limit.flatMap { Quantity($0) })
    #expect((resources.cpu.description, resources.cpuLimit?.description) == (request, limit))
  }
}
