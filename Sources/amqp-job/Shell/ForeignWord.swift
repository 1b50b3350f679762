/// A word that other programs have for what a command of this one does, such as kubectl, docker and rabbitmqadmin.
enum ForeignWord: String, CaseIterable {
  case get, ls, ps, describe, top, info, watch, wait
  case create, add
  case delete, rm, remove
  case send, put, push, enqueue
  case consume, exec, start, worker, work, subscribe
  case list, show, replay, retry, purge
  case apply, generate

  /// The command as a user types it after the program's name.
  var meant: String {
    switch self {
    case .get, .ls, .ps, .describe, .top, .info, .watch, .wait: "status"
    case .create, .add: "declare"
    case .delete, .rm, .remove: "declare QUEUE --delete"
    case .send, .put, .push, .enqueue: "publish"
    case .consume, .exec, .start, .worker, .work, .subscribe: "run"
    case .list, .show, .replay, .purge: "dead \(rawValue)"
    case .retry: "dead replay"
    case .apply, .generate: "manifest"
    }
  }
}
