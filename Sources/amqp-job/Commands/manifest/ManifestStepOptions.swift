import Arguments
import Console
import Manifests

/// The options of `amqp-job manifest` about steps: workers in containers of their own, beside that of the runner.
enum ManifestStepOptions {
  static let step = RepeatableOption(
    "step", .step, "a worker in a container of its own, without credentials, whose output is the next one's input")
  static let separateWorker = Flag(
    "separate-worker", "run COMMAND as such a step, called \(separateName), so that it sees no credentials")
  static let cpu = RepeatableOption("step-cpu", .ofStep(.cpu), "processors to request for this step, instead of --cpu")
  static let memory = RepeatableOption(
    "step-memory", .ofStep(.bytes), "memory to request for this step, instead of --memory")

  static let options: [any CommandOption] = [step, separateWorker, cpu, memory]

  private static let separateName = "worker"

  /// What runs in the steps, and what in the runner's container.
  struct Division {
    var steps: [WorkerStep]
    var image: ImageReference
    /// It is empty if all workers are in steps.
    var command: [String]
    var resources: Resources
  }

  /// Checks that something is run in each image.
  /// - Throws: `UsageError`
  static func check(_ command: [String], _ settings: inout Settings) throws {
    guard command.isEmpty else { return }
    guard try !settings.values(step).isEmpty, try !settings.value(separateWorker) else {
      throw UsageError("COMMAND is missing")
    }
    guard !settings.isGiven(ManifestWorkerOptions.image) else {
      throw UsageError("\(ManifestWorkerOptions.image) goes with COMMAND: a step names its own image")
    }
  }

  /// - Throws: `UsageError`
  static func division(_ settings: inout Settings, _ command: [String]) throws -> Division {
    var workers = try settings.values(step)
    let isSeparate = try settings.value(separateWorker)
    if isSeparate {
      workers.append(StepWorker(name: separateName, image: try image(&settings), command: command))
    }
    let steps = try steps(of: workers, &settings)
    guard !command.isEmpty, !isSeparate else {
      return Division(
        steps: steps, image: try settings.value(ManifestWorkerOptions.runnerImage), command: [],
        resources: try ManifestResourceOptions.runner(&settings))
    }
    return Division(
      steps: steps, image: try image(&settings), command: command,
      resources: try ManifestResourceOptions.worker(&settings))
  }

  private static func image(_ settings: inout Settings) throws -> ImageReference {
    guard let image = try settings.value(ManifestWorkerOptions.image) else {
      throw UsageError("\(ManifestWorkerOptions.image) is missing")
    }
    return image
  }

  private static func steps(of workers: [StepWorker], _ settings: inout Settings) throws -> [WorkerStep] {
    let names = workers.map(\.name)
    if let twice = names.firstRepeated {
      throw UsageError("two steps are called '\(twice)'")
    }
    let processors = try amounts(cpu, names, &settings)
    let memories = try amounts(memory, names, &settings)
    return try workers.map { worker in
      let resources = try ManifestResourceOptions.step(
        &settings, cpu: processors[worker.name], memory: memories[worker.name])
      return WorkerStep(name: worker.name, image: worker.image, command: worker.command, resources: resources)
    }
  }

  /// What the option requests, by the name of the step.
  private static func amounts(
    _ option: RepeatableOption<StepAmount>, _ names: [String], _ settings: inout Settings
  ) throws -> [String: Quantity] {
    var amounts: [String: Quantity] = [:]
    for each in try settings.values(option) {
      guard names.contains(each.step) else { throw UsageError("\(option) \(each.step)=...: there is no such step") }
      guard amounts[each.step] == nil else { throw UsageError("\(option) \(each.step)=... is given twice") }
      amounts[each.step] = each.amount
    }
    return amounts
  }
}

/// What a step runs.
struct StepWorker: Hashable, Sendable {
  var name: String
  var image: ImageReference
  var command: [String]
}

/// An amount of a resource for one step.
struct StepAmount: Hashable, Sendable {
  var step: String
  var amount: Quantity
}

extension ValueType where Value == StepWorker {
  static var step: Self {
    Self("'NAME IMAGE COMMAND [ARG...]'", read: StepWorker.init, text: \.name)
  }
}

extension StepWorker {
  fileprivate init(_ setting: Setting) throws(UsageError) {
    let words: [String]
    do throws(ShellWords.Failure) {
      words = try ShellWords(setting.asGiven).words
    } catch { throw UsageError("\(setting.source) '\(setting.text)': \(error)") }
    guard let name = words.first, name.isDNSLabel else {
      throw setting.error(
        expected:
          "NAME IMAGE COMMAND [ARG...], NAME of up to 63 lower-case letters, digits and '-', none of these at an end")
    }
    let subject = "\(setting.source): step '\(name)' needs"
    guard words.count > 1 else { throw UsageError("\(subject) an image after its name") }
    guard let image = ImageReference(words[1]) else {
      throw UsageError("\(subject) an image such as python:3.13-alpine after its name, not '\(words[1])'")
    }
    guard words.count > 2 else { throw UsageError("\(subject) a command after its image") }
    self.init(name: name, image: image, command: Array(words.dropFirst(2)))
  }
}

extension ValueType where Value == StepAmount {
  /// `NAME=AMOUNT`, the name being that of a step.
  static func ofStep(_ type: ValueType<Quantity>) -> Self {
    Self(
      "NAME=\(type.placeholder)",
      read: { (setting) throws(UsageError) in
        let parts = setting.text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { throw setting.error(expected: "NAME=\(type.placeholder), NAME that of a step") }
        let amount = Setting(parts[1], asGiven: parts[1], source: "the amount in \(setting.source)")
        return StepAmount(step: parts[0], amount: try type.read(amount))
      }, text: { "\($0.step)=\(type.text($0.amount))" })
  }
}
