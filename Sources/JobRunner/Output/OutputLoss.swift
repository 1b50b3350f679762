/// What a worker has written could not be written where it belongs.
struct OutputLoss: Hashable, Sendable {
  let place: String
  let reason: String
  let slot: Int
}
