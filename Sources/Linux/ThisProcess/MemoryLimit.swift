import Glibc

/// The limits on the memory of this process (RLIMIT_AS and RLIMIT_DATA, a shell's `ulimit -v` and `ulimit -d`). They must
/// be checked in advance, because an allocation beyond a limit ends the process.
package enum MemoryLimit {
  /// The number of bytes that may still be allocated; nil if there is no limit.
  package static var remaining: UInt64? {
    let limits = [(limit(RLIMIT_AS), field: 0), (limit(RLIMIT_DATA), field: 5)]
    guard limits.contains(where: { $0.0 != nil }) else { return nil }
    let used = usedPages.map { $0 * UInt64(max(0, sysconf(Int32(_SC_PAGESIZE)))) }
    return limits.compactMap { limit, field in
      limit.map { $0 - min($0, used.indices.contains(field) ? used[field] : 0) }
    }.min()
  }

  private static func limit(_ resource: __rlimit_resource) -> UInt64? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0, limit.rlim_cur != .max else {
      return nil
    }
    return UInt64(limit.rlim_cur)
  }

  /// The fields of /proc/self/statm (see proc(5)). The first is the address space; the sixth is data and stack.
  private static var usedPages: [UInt64] {
    let text = String(decoding: (try? SmallFile.read("/proc/self/statm")) ?? [], as: UTF8.self)
    return text.split(whereSeparator: \.isWhitespace).compactMap { UInt64($0) }
  }
}
