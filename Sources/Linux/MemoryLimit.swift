import Glibc

/// The limits on this process's memory (RLIMIT_AS and RLIMIT_DATA, a shell's `ulimit -v` and `ulimit -d`). An allocation
/// that meets one cannot be answered for: it ends the process.
package enum MemoryLimit {
  /// How many bytes may still be allocated; nil where there is no limit.
  package static var room: UInt64? {
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

  /// proc(5): the address space comes first, data and stack sixth.
  private static var usedPages: [UInt64] {
    let text = String(decoding: (try? SmallFile.read("/proc/self/statm")) ?? [], as: UTF8.self)
    return text.split(whereSeparator: \.isWhitespace).compactMap { UInt64($0) }
  }
}
