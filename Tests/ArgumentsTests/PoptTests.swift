import Arguments
import Testing

@Suite struct PoptTests {
  private let queue = PoptOption.text(
    "queue", short: "q", "queue", "the queue to consume from, and one that needs a line more")
  private let count = PoptOption.number("count", short: "c", "limit", "stop after so many")
  private let exclusive = PoptOption.flag("exclusive", short: "x", "be alone")
  private let header = PoptOption.list("header", short: "H", "\"key: value\"", "a header")

  private func command(_ operands: PoptCommand.Operands) -> PoptCommand {
    PoptCommand(
      program: "a-tool", summary: "Does it.", examples: [], differences: [], operands: operands,
      options: [
        queue, count, exclusive, PoptOption.constant("durable", short: "d", "be kept"), header,
        PoptOption.constant("unused", short: "u", "only where nobody uses it"),
      ],
      common: PoptGroup("Connection options", [PoptOption.text("url", short: "u", "amqp://...", "the URL")]))
  }

  /// What was given, as `option=value`, then `:` and the operands.
  private func scan(_ words: [String], _ operands: PoptCommand.Operands = .none) throws -> String {
    switch try command(operands).scan(words.map { Array($0.utf8) }) {
    case .helpRequested: return "help"
    case .usageRequested: return "usage"
    case .arguments(let arguments):
      let given = arguments.given.map { "\($0.option)=\(String(decoding: $0.value, as: UTF8.self))" }
      return (given + [":"] + arguments.operands.map { String(decoding: $0, as: UTF8.self) }).joined(separator: " ")
    }
  }

  @Test(arguments: [
    (["-q", "a"], "queue=a :"), (["-qa"], "queue=a :"), (["-q=a"], "queue=a :"), (["--queue", "a"], "queue=a :"),
    (["--queue=a=b"], "queue=a=b :"), (["--queue="], "queue= :"), (["-q="], "queue= :"), (["-q", ""], "queue= :"),
    (["-q", "-x"], "queue=-x :"), (["-q", "--", "--help"], "queue=-- help"), (["-queue"], "queue=ueue :"),
    (["-xdq", "a"], "exclusive= durable= queue=a :"), (["-xd", "-dqa"], "exclusive= durable= durable= queue=a :"),
    (["-H", "a", "-Hb"], "header=a header=b :"), (["-u", "a"], "url=a :"), (["--unused"], "unused= :"),
    (["-c", " -0x1F"], "count= -0x1F :"), (["-c="], "count= :"), (["-xd?"], "help"), (["--usage", "--nope"], "usage"),
    (["--"], ":"),
  ])
  func readsAsPoptDoes(words: [String], given: String) throws {
    let expected = given.hasSuffix(" help") ? "help" : given
    #expect(try scan(words) == expected)
  }

  @Test(arguments: [
    (["--nope"], "--nope: unknown option"), (["-z"], "-z: unknown option"), (["-xz"], "-xz: unknown option"),
    (["-"], "unexpected operand: -"), (["-x", ""], "unexpected operand: "),
    (["a", "-x", "b"], "unexpected operand: a"),
    (["--", "-x"], "unexpected operand: -x"), (["-q"], "-q: missing argument"), (["-xq"], "-xq: missing argument"),
    (["--queue"], "--queue: missing argument"), (["--durable=1"], "--durable=1: option does not take an argument"),
    (["-d=1"], "-d=1: option does not take an argument"), (["--help=1"], "--help=1: option does not take an argument"),
    (["-x1"], "-x1: unknown option"), (["--count=1x"], "--count=1x: invalid numeric value"),
    (["-c", "a"], "a: invalid numeric value"), (["-c08"], "-c08: invalid numeric value"),
    (["-c", "0x"], "0x: invalid numeric value"), (["-c", "-"], "-: invalid numeric value"),
    (["-c2147483648"], "-c2147483648: number too large or too small"),
    (["-c99999999999999999999"], "-c99999999999999999999: number too large or too small"),
    (["--pasword=secret"], "--pasword: unknown option"), (["--nope", "--help"], "--nope: unknown option"),
  ])
  func refusesAsPoptDoes(words: [String], reason: String) {
    #expect(throws: UsageError(reason)) { try scan(words) }
  }

  @Test(arguments: [
    (["-x", "sh", "-c", "cat", "--", "-q"], "exclusive= : sh -c cat -- -q"), (["--", "sh", "-x"], ": sh -x"),
    (["-q", "a", "-"], "queue=a : -"), ([], ":"), (["sh", "--help"], ": sh --help"),
  ])
  func leavesAnotherCommandAlone(words: [String], given: String) throws {
    #expect(try scan(words, .command) == given)
    var command = command(.command)
    command.missingCommand = "no command"
    guard given == ":" else { return }
    #expect(throws: UsageError("no command")) { try command.scan(words.map { Array($0.utf8) }) }
  }

  @Test(arguments: [("12", 12), ("-5", -5), ("+010", 8), ("0x1f", 31), ("", 0), ("0", 0), ("-2147483648", Int32.min)])
  func readsNumbers(text: String, number: Int32) throws {
    guard case .arguments(let arguments) = try command(.none).scan([Array("--count=\(text)".utf8)]) else { return }
    #expect(arguments[count] == number)
    #expect(arguments[queue] == nil)
  }

  @Test func keepsBytesAndPlaces() throws {
    let words = ["-x", "--queue"].map { Array($0.utf8) } + [[0xFF, 0x3D], Array("-Ha".utf8)]
    guard case .arguments(let arguments) = try command(.none).scan(words) else { return }
    #expect(arguments[queue] == [0xFF, 0x3D])
    #expect(arguments.given.map(\.position) == [0, 2, 3])
  }

  @Test func helpAndUsageAreLaidOutAsPopts() {
    #expect(
      command(.command).helpText == """
        Usage: a-tool [OPTIONS]... <command> <args>
          -q, --queue=queue             the queue to consume from, and one that needs
                                        a line more
          -c, --count=limit             stop after so many
          -x, --exclusive               be alone
          -d, --durable                 be kept
          -H, --header "key: value"     a header
          -u, --unused                  only where nobody uses it

        Connection options
          -u, --url=amqp://...          the URL

        Help options:
          -?, --help                    Show this help message
              --usage                   Display brief usage message

        """)
    #expect(
      command(.none).usageText == """
        Usage: a-tool [-x?] [-u|--url=amqp://...] [-q|--queue=queue]
                [-c|--count=limit] [-x|--exclusive] [-d|--durable]
                [-H|--header="key: value"] [-u|--unused] [-?|--help] [--usage]
                [OPTIONS]...

        """)
  }
}
