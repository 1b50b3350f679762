import AMQP
import Testing

@testable import Broker

@Suite struct DeclarationRefusalTests {
  private static let declaration = WorkQueue("q").declaration(.quorum)

  private static func refusal(
    _ text: String, _ code: ReplyCode = .preconditionFailed, of declaration: AMQP.Method.QueueDeclaration = declaration
  ) -> DeclarationRefusal? {
    DeclarationRefusal(CloseReason(code: code, text: "PRECONDITION_FAILED - " + text), of: declaration)
  }

  @Test(
    "A refusal of a declaration tells what the queue has instead",
    arguments: [
      ("received none but current is the value '2' of type 'signedint'", DeclarationRefusal.Current.value(.int64(2))),
      ("received none but current is the value 'a' of type 'longstr'", .value(.string("a"))),
      ("received none but current is the value 'true' of type 'bool'", .value(.boolean(true))),
      ("received none but current is the value '[...]' of type 'array'", .unreadable),
      ("received the value 'quorum' of type 'longstr' but current is none", .nothing),
      ("received none but current is the value 'it's' of type 'longstr'", .value(.string("it's"))),
      ("received none but current is the value 'a long one that is cut o...", .unreadable),
    ])
  func tellsWhatTheQueueHas(text: String, current: DeclarationRefusal.Current) {
    #expect(
      Self.refusal("inequivalent arg 'x-any' for queue 'q' in vhost '/': \(text)")
        == .differs("x-any", current: current))
  }

  @Test("A value without a type in the text has the type of ours") func aValueOfTheSameTypeIsReadLikeOurs() {
    let text = "inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': received 'quorum' but current is 'classic'"
    #expect(Self.refusal(text) == .differs("x-queue-type", current: .value(.string("classic"))))
  }

  /// Anybody may choose the names.
  @Test("Words within a queue's name are not taken for those of the broker") func wordsWithinNamesMeanNothing() {
    let name = "a': received none but current is none"
    let declaration = AMQP.Method.QueueDeclaration(name: ByteString(name))
    let text =
      "inequivalent arg 'x-any' for queue '\(name)' in vhost '/': received none but current is the value '1' of type 'long'"
    #expect(Self.refusal(text, of: declaration) == .differs("x-any", current: .value(.int64(1))))
  }

  @Test("A queue that the broker cannot make at all is not taken for an existing one")
  func whatCannotBeMadeIsNotThere() {
    let text = "invalid arg 'x-any' for queue 'q' in vhost '/' of queue type rabbit_quorum_queue"
    #expect(Self.refusal(text) == .unsupported("x-any"))
  }

  @Test("A refusal for another reason says nothing about the declaration") func otherRefusalsAreNone() {
    #expect(Self.refusal("unknown delivery tag 1") == nil)
    #expect(Self.refusal("inequivalent arg 'x-any' for", .accessRefused) == nil)
  }
}
