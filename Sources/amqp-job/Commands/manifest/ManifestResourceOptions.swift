import Arguments
import Manifests

/// The options of `amqp-job manifest` about processors and memory. The defaults depend on what the pods run.
enum ManifestResourceOptions {
  static let cpu = Option(
    "cpu", .cpu, "processors to request (default \(Defaults.worker.cpu); broker \(Defaults.broker.cpu))")
  static let cpuLimit = Option(
    "cpu-limit", .cpu, "limit of processors for each container (default none; some quotas require one)")
  static let memory = Option(
    "memory", .bytes, "memory to request (default \(Defaults.worker.memory); broker \(Defaults.broker.memory))")
  static let memoryLimit = Option(
    "memory-limit", .bytes,
    "limit of memory (default as \(memory); broker \(brokerMemoryLimit))")

  static let options: [any CommandOption] = [cpu, cpuLimit, memory, memoryLimit]

  private static let brokerMemoryLimit = ValueType.bytes.constant("1Gi")

  private struct Defaults {
    static let worker = Defaults(
      cpu: ValueType.cpu.constant("100m"), memory: ValueType.bytes.constant("256Mi"), memoryLimit: nil)
    static let broker = Defaults(
      cpu: ValueType.cpu.constant("250m"), memory: ValueType.bytes.constant("512Mi"), memoryLimit: brokerMemoryLimit)

    let cpu: Quantity
    let memory: Quantity
    /// If it is nil, the limit is the request.
    let memoryLimit: Quantity?
  }

  /// - Throws: `UsageError`
  static func worker(_ settings: inout Settings) throws -> Resources {
    try resources(&settings, .worker, Requests(&settings))
  }

  /// The resources of a step. They are those of any worker, except for what is requested for this step alone.
  /// - Throws: `UsageError`
  static func step(_ settings: inout Settings, cpu: Quantity?, memory: Quantity?) throws -> Resources {
    var requests = try Requests(&settings)
    if let cpu { requests.cpu = (cpu, ManifestStepOptions.cpu.description) }
    if let memory { requests.memory = (memory, ManifestStepOptions.memory.description) }
    return try resources(&settings, .worker, requests)
  }

  /// The resources of a runner whose workers are all in steps.
  /// - Throws: `UsageError`
  static func runner(_ settings: inout Settings) throws -> Resources {
    .forRunner(cpuLimit: try settings.value(cpuLimit))
  }

  /// - Throws: `UsageError`
  static func broker(_ settings: inout Settings) throws -> Resources {
    try resources(&settings, .broker, Requests(&settings))
  }

  /// The resources to request, and for each the option that names the amount.
  private struct Requests {
    var cpu: (amount: Quantity?, source: String)
    var memory: (amount: Quantity?, source: String)

    init(_ settings: inout Settings) throws {
      cpu = (try settings.value(ManifestResourceOptions.cpu), ManifestResourceOptions.cpu.description)
      memory = (try settings.value(ManifestResourceOptions.memory), ManifestResourceOptions.memory.description)
    }
  }

  private static func resources(
    _ settings: inout Settings, _ defaults: Defaults, _ requests: Requests
  ) throws -> Resources {
    let cpuLimit = try settings.value(cpuLimit)
    let cpuRequest = requests.cpu.amount ?? min(defaults.cpu, cpuLimit ?? defaults.cpu)
    guard cpuRequest <= cpuLimit ?? cpuRequest else {
      throw UsageError("\(requests.cpu.source) is more than \(Self.cpuLimit)")
    }
    let limit = try settings.value(memoryLimit)
    let request = requests.memory.amount ?? min(defaults.memory, limit ?? defaults.memory)
    let maxMemory = limit ?? max(defaults.memoryLimit ?? request, request)
    guard request <= maxMemory else { throw UsageError("\(requests.memory.source) is more than \(memoryLimit)") }
    return Resources(cpu: cpuRequest, cpuLimit: cpuLimit, memory: request, memoryLimit: maxMemory)
  }
}
