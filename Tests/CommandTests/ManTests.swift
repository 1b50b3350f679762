import Arguments
import Testing

@testable import amqp_job

@Suite("Which page man prints") struct ManTests {
  @Test("Each command has a page, by its own name and by that of the page") func commands() throws {
    for command in Main.commands {
      let page = try Man.page(command.name).roff
      #expect(page.contains("AMQP\\-JOB\\-\(command.name.uppercased())"), "\(command.name)")
      #expect(try Man.page("amqp-job-\(command.name)").roff == page)
    }
  }

  @Test("Each program of amqp-tools has a page", arguments: ToolName.allCases) func programs(name: ToolName) throws {
    #expect(try !Man.page(name.rawValue).roff.isEmpty)
  }

  @Test("The page of amqp-job lists all commands") func whole() throws {
    let page = try Man.page("amqp-job").roff
    for command in Main.commands { #expect(page.contains(".B \"\(command.name)\""), "\(command.name)") }
  }

  @Test("A misspelt command is answered with the one that was meant") func misspelt() throws {
    #expect(
      try usageError { _ = try Man.page("publsh") } == "there is no page about 'publsh': did you mean 'publish'?")
  }
}
