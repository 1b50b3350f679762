/// Makes pipes through which one thread wakes another, by a byte.
package enum Wakeup {
  package static func make() throws(SystemError) -> (readEnd: Descriptor, writeEnd: Descriptor) { try makePipe() }
}
