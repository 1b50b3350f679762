internal import YAML

/// The resource requests and limits of a container.
package struct Resources: Hashable, Sendable {
  package var cpu: Quantity
  /// nil means no limit. A CPU limit slows a container down even if the processor is idle.
  package var cpuLimit: Quantity?
  package var memory: Quantity
  package var memoryLimit: Quantity

  package init(cpu: Quantity, cpuLimit: Quantity?, memory: Quantity, memoryLimit: Quantity) {
    self.cpu = cpu
    self.cpuLimit = cpuLimit
    self.memory = memory
    self.memoryLimit = memoryLimit
  }

  /// The resources of a container that copies a file. It gets the CPU limit of the worker, if that has one, because a
  /// namespace with a quota on CPU limits rejects containers without a limit.
  static func forCopying(cpuLimit: Quantity?) -> Resources {
    guard let cpu = Quantity("10m"), let memory = Quantity("32Mi"), let memoryLimit = Quantity("64Mi") else {
      preconditionFailure("these amounts are valid")
    }
    return Resources(
      cpu: min(cpu, cpuLimit ?? cpu), cpuLimit: cpuLimit, memory: memory, memoryLimit: memoryLimit)
  }

  /// The resources of a runner whose workers are all in other containers. It holds an item of up to a mebibyte in memory.
  package static func forRunner(cpuLimit: Quantity?) -> Resources {
    guard let cpu = Quantity("50m"), let memory = Quantity("64Mi"), let memoryLimit = Quantity("128Mi") else {
      preconditionFailure("these amounts are valid")
    }
    return Resources(
      cpu: min(cpu, cpuLimit ?? cpu), cpuLimit: cpuLimit, memory: memory, memoryLimit: memoryLimit)
  }

  /// The resources of a publisher that follows a source of up to 500,000 names.
  package static func forPublisher(cpuLimit: Quantity?) -> Resources {
    guard let memoryLimit = Quantity("256Mi") else { preconditionFailure("this amount is valid") }
    var resources = forRunner(cpuLimit: cpuLimit)
    resources.memoryLimit = memoryLimit
    return resources
  }

  var yaml: YAMLValue {
    .object([
      "requests": YAMLValue.object(["cpu": cpu.description, "memory": memory.description]),
      "limits": YAMLValue.object(["cpu": cpuLimit?.description, "memory": memoryLimit.description]),
    ])
  }
}
