internal import AMQP
internal import Linux
internal import TLS

/// What ends a link from within. `BrokerLink.fail` turns it into the failure that the owner gets.
enum LinkError: Error {
  case system(SystemError)
  case conversation(AMQPError)
  case tls(TLSError)
}
