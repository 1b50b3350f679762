package import Linux

/// Where a program serves its metrics.
package struct MetricsPlace<Value: Measured> {
  package var listener: TCPListener
  /// The metrics of a program that has done nothing.
  var initial: Value

  package init(_ listener: TCPListener, _ initial: Value) { (self.listener, self.initial) = (listener, initial) }

  /// Begins to serve, in a thread that inherits the signal mask of this one.
  /// - Throws: `SystemError`
  package func open() throws(SystemError) -> MetricsPage<Value> { try MetricsPage(listener, initial) }
}
