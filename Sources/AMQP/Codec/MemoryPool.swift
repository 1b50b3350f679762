internal import CRabbitMQ

/// The memory that librabbitmq's codec works in. Decoded values point into the pool, and values to encode are copied into
/// it. Recycling the pool invalidates all of these pointers, so none of them may leave this folder.
final class MemoryPool {
  private let pool: UnsafeMutablePointer<amqp_pool_t>

  init() {
    pool = .allocate(capacity: 1)
    pool.initialize(to: amqp_pool_t())
    init_amqp_pool(pool, 4096)
  }

  deinit {
    empty_amqp_pool(pool)
    pool.deallocate()
  }

  /// Calls `body` with the pool, and recycles the pool afterwards.
  func use<Result, Failure: Error>(
    _ body: (UnsafeMutablePointer<amqp_pool_t>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { recycle_amqp_pool(pool) }
    return try body(pool)
  }
}

extension UnsafeMutablePointer where Pointee == amqp_pool_t {
  func copy(_ string: ByteString) -> amqp_bytes_t {
    copy(string.bytes)
  }

  func copy(_ bytes: [UInt8]) -> amqp_bytes_t {
    guard !bytes.isEmpty else { return amqp_bytes_t() }
    var copy = amqp_bytes_t()
    amqp_pool_alloc_bytes(self, bytes.count, &copy)
    guard let memory = copy.bytes else { fatalError("out of memory") }
    bytes.withUnsafeBytes { memory.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: $0.count) }
    return copy
  }

  func allocate<Element>(_ type: Element.Type, count: Int) -> UnsafeMutablePointer<Element> {
    guard let memory = amqp_pool_alloc(self, count * MemoryLayout<Element>.stride) else {
      fatalError("out of memory")
    }
    return memory.bindMemory(to: type, capacity: count)
  }
}

extension amqp_bytes_t {
  var array: [UInt8] {
    Array(UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : len))
  }

  var byteString: ByteString { ByteString(array) }

  var text: String {
    String(decoding: UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : len), as: UTF8.self)
  }
}
