internal import AMQP
internal import Broker
internal import Linux

/// An event that a publication decides about.
enum PublicationEvent {
  /// Time has passed. The deadline may have come.
  case tick
  /// The input has an item.
  case item(Item)
  /// The input has no more items, or cannot be read because of the error.
  case inputEnded(InputError?)
  /// The broker has opened the channel. Items can be sent.
  case ready
  /// The connection, or the attempt to make one, has failed.
  case failed(BrokerFailure)
  /// The connection has room for this many more bytes.
  case room(byteCount: Int)
  /// An item from the latest `send` does not fit a frame.
  case doesNotFitFrame(number: Int, AMQPError)
  /// The body of the last item from the latest `send` could not be read to its end. Its message can never be completed.
  case bodyFailed(number: Int, InputError)
  case confirmation(Confirmation)
  /// In answer to `askForQueue`, the broker has said that the queue does not exist.
  case queueMissing(CloseReason)
  case signal(Signal)
}

/// What to do about an event, in order.
enum PublicationAction {
  /// Connect to the broker with this index.
  case connect(broker: Int)
  /// Give up the attempt to connect, which has taken too long, and report it as `failed`.
  case giveUpAttempt
  /// Close the connection.
  case disconnect
  /// Send these items.
  case send([Item])
  /// Ask the broker on another connection whether the queue exists.
  case askForQueue
  case notify(Publication.Notice)
  /// The publication has ended. No action follows.
  case finish(Publication.End)
}
