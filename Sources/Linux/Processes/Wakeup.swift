/// Makes pipes through which one thread wakes another, by a byte or by closing its end.
package enum Wakeup {
  package static func make() throws(SystemError) -> (readEnd: Descriptor, writeEnd: Descriptor) { try makePipe() }
}
