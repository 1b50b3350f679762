internal import YAML

/// What a container asks for, and the most that it may have.
package struct Resources: Hashable, Sendable {
  package var cpu: Quantity
  /// nil for none: a limit slows a container down where nobody else wants the processor.
  package var cpuLimit: Quantity?
  package var memory: Quantity
  package var memoryLimit: Quantity

  package init(cpu: Quantity, cpuLimit: Quantity?, memory: Quantity, memoryLimit: Quantity) {
    self.cpu = cpu
    self.cpuLimit = cpuLimit
    self.memory = memory
    self.memoryLimit = memoryLimit
  }

  /// Those of a container that copies a file. It has the limit of another: a namespace whose quota counts limits of the
  /// processor takes no container without one.
  static func forCopying(cpuLimit: Quantity?) -> Resources {
    guard let cpu = Quantity("10m"), let memory = Quantity("32Mi"), let memoryLimit = Quantity("64Mi") else {
      preconditionFailure("these amounts are valid")
    }
    return Resources(
      cpu: min(cpu, cpuLimit ?? cpu), cpuLimit: cpuLimit, memory: memory, memoryLimit: memoryLimit)
  }

  var yaml: YAMLValue {
    .object([
      "requests": YAMLValue.object(["cpu": cpu.description, "memory": memory.description]),
      "limits": YAMLValue.object(["cpu": cpuLimit?.description, "memory": memoryLimit.description]),
    ])
  }
}
