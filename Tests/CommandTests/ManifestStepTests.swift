import Console
import Manifests
import Testing

@testable import amqp_job

@Suite("What manifest makes of the options about steps") struct ManifestStepTests {
  private func division(_ words: [String], _ command: [String] = []) throws -> ManifestStepOptions.Division {
    var settings = try settings(ManifestCommand.self, ["job", "-q", "q"] + words + ["--"] + command)
    try ManifestStepOptions.check(command, &settings)
    return try ManifestStepOptions.division(&settings, command)
  }

  @Test("A step is a name, an image and a command, split as a shell splits them") func words() throws {
    let steps = try division(["--step", "detect example/detect:1 ./detect.py 'a b'\n", "--step", "blur b:2 blur"]).steps
    #expect(steps.map(\.name) == ["detect", "blur"])
    #expect(steps.map(\.image.description) == ["example/detect:1", "b:2"])
    #expect(steps.map(\.command) == [["./detect.py", "a b"], ["blur"]])
  }

  @Test("A runner without a command has the image of amqp-job, and one with a command that of the command")
  func runner() throws {
    let without = try division(["--step", "a b c", "--runner-image", "amqp-job:2"])
    #expect(without.command == [])
    #expect(without.image.description == "amqp-job:2")
    let with = try division(["--step", "a b c", "--image", "d"], ["e"])
    #expect(with.command == ["e"])
    #expect(with.image.description == "d")
  }

  @Test("A separate worker is the last step") func separateWorker() throws {
    let division = try division(["--step", "a b c", "--separate-worker", "--image", "d"], ["e", "f"])
    #expect(division.steps.map(\.name) == ["a", "worker"])
    #expect(division.steps.last?.image.description == "d")
    #expect(division.steps.last?.command == ["e", "f"])
    #expect(division.command == [])
    #expect(division.image.description == "amqp-job:1")
  }

  @Test("Without steps, the command is the runner's") func noSteps() throws {
    let division = try division(["--image", "a"], ["b"])
    #expect(division.steps.isEmpty)
    #expect(division.command == ["b"])
  }

  @Test("An amount for one step takes the place of that for all") func resources() throws {
    let options = ["--cpu", "200m", "--memory", "64Mi", "--step-cpu", "a=2", "--step-memory", "a=1Gi"]
    let resources = try division(["--step", "a b c", "--step", "d e f"] + options).steps.map(\.resources)
    #expect(resources.map(\.cpu.description) == ["2", "200m"])
    #expect(resources.map(\.memory.description) == ["1Gi", "64Mi"])
    #expect(resources.map(\.memoryLimit.description) == ["1Gi", "64Mi"])
  }

  @Test(
    "Steps that no pod can have are refused",
    arguments: [
      (["--step", "a"], "--step: step 'a' needs an image after its name"),
      (["--step", "a B"], "--step: step 'a' needs an image such as python:3.13-alpine after its name, not 'B'"),
      (["--step", "a b"], "--step: step 'a' needs a command after its image"),
      (["--step", "a b 'c"], "--step 'a b 'c': a single quote (') is not closed"),
      (["--step", "a b c", "--step", "a d e"], "two steps are called 'a'"),
      (["--step", "a b c", "--step-cpu", "d=1"], "--step-cpu d=...: there is no such step"),
      (["--step", "a b c", "--step-cpu", "a=1", "--step-cpu", "a=2"], "--step-cpu a=... is given twice"),
      (["--step", "a b c", "--step-cpu", "a=2", "--cpu-limit", "1"], "--step-cpu is more than --cpu-limit"),
      (["--step", "a b c", "--separate-worker"], "COMMAND is missing"), (["--separate-worker"], "COMMAND is missing"),
      (["--step", "a b c", "--image", "d"], "--image goes with COMMAND: a step names its own image"),
    ])
  func refused(words: [String], error: String) throws {
    #expect(try usageError { _ = try division(words) } == error)
  }
}
