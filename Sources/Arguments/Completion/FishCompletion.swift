extension Completion {
  /// The script for fish(1), which registers completions by `complete`.
  var fishScript: String {
    let lines =
      programs.map { "complete -c \($0) -f" }
      + toolCommands.map { command in
        "complete -c \(tool) -n '_\(functionName)_at_start' -a \(command.name)"
          + (command.summary.isEmpty ? "" : " -d \(quoted(command.summary))")
      }
      + ["help", "help-all", "version"].map { "complete -c \(tool) -n '_\(functionName)_at_start' -l \($0)" }
      + commands.flatMap(lines(for:))
    return """
      # Completion of \(tool)'s command lines in fish.

      function _\(functionName)_at_start
          test (count (commandline -opc)) -eq 1
      end

      # Whether the option takes the next word.
      function _\(functionName)_takes_value
          switch $argv[1]
      \(commands.compactMap(valuedOptions).joined(separator: "\n"))
          end
      end

      # Whether the option, which has a value or none, takes this word.
      function _\(functionName)_may_take
          switch "$argv[1] $argv[2]"
      \(commands.flatMap(optionalValues).joined(separator: "\n"))
              case '*'
                  return 1
          end
      end

      # Whether the cursor is at a place of a command: after so many operands, at its options, or among the arguments
      # of another command, which begins after so many operands as the third argument says.
      function _\(functionName)_at --argument-names command place rest
          set -l words (commandline -opc)
          set -l program (string replace -r '.*/' '' -- $words[1])
          set -e words[1]
          if test "$program" = \(tool)
              test "$words[1]" = "$command"; or return 1
              set -e words[1]
          else
              test "$program" = "$command"; or return 1
          end
          set -l operands 0
          set -l before
          set -l dashes no
          set -l last
          for word in $words
              if test -n "$before"
                  set before
              else if test $dashes = no; and string match -qr -- '^-.' $word
                  if string match -q -- -- $word
                      set dashes yes
                  else if _\(functionName)_takes_value $command $word
                      set before $word
                  end
                  set last $word
              else if test -n "$last"; and _\(functionName)_may_take $command $last $word
                  set last
              else
                  set last
                  set operands (math $operands + 1)
                  if test -n "$rest"; and test $operands -gt $rest
                      test $place = arguments
                      return
                  end
              end
          end
          switch $place
              case options
                  test $dashes = no
              case arguments
                  return 1
              case '*'
                  test -z "$before"; and test $operands -eq $place; or return 1
                  # All commands that there are help nobody.
                  test "$place" != "$rest" -o $dashes = yes -o -n "$(commandline -ct)"
          end
      end

      \(lines.joined(separator: "\n"))

      """
  }

  private func lines(for command: CompletedCommand) -> [String] {
    let rest = command.rest.map { " \($0)" } ?? ""
    func start(_ place: String) -> String {
      "complete -c \(command.program ?? tool) -n '_\(functionName)_at \(command.name) \(place)\(rest)'"
    }
    var lines = command.options.map { option in
      "\(start("options"))\(option.spellings.map(flag).joined())\(value(option)) -d \(quoted(option.help))"
    }
    for (index, operand) in command.operands.enumerated() { lines.append(start("\(index)") + action(operand)) }
    if command.rest != nil { lines.append("\(start("arguments")) -F") }
    for option in command.options {
      guard case .optionalWords? = option.value, let value = option.value else { continue }
      let follows = "contains -- (commandline -opc)[-1] \(option.spellings.joined(separator: " "))"
      lines.append(
        "complete -c \(tool) -n '\(follows); and _\(functionName)_at \(command.name) options'" + action(value))
    }
    for option in command.pathOptions {
      let isGiven = "__fish_contains_opt \(option.spellings[0].drop { $0 == "-" })"
      lines.append("complete -c \(tool) -n '\(isGiven); and _\(functionName)_at \(command.name) options' -F")
    }
    return lines
  }

  private func flag(_ spelling: String) -> String {
    spelling.hasPrefix("--") ? " -l \(spelling.dropFirst(2))" : " -s \(quoted(String(spelling.dropFirst())))"
  }

  private func value(_ option: CompletedOption) -> String {
    switch option.value {
    case nil, .optionalWords: ""
    case .text, .command: " -x"
    case .files: " -r -F"
    case .directories, .words: " -x" + (option.value.map(action) ?? "")
    }
  }

  private func action(_ offer: Offer) -> String {
    switch offer {
    case .text: ""
    case .files: " -F"
    case .directories: " -a '(__fish_complete_directories)'"
    case .words(let words), .optionalWords(let words): " -a '\(words.joined(separator: " "))'"
    case .command: " -a '(__fish_complete_command)'"
    }
  }

  private func valuedOptions(_ command: CompletedCommand) -> String? {
    let spellings = command.options.flatMap { option -> [String] in
      switch option.value {
      case nil, .optionalWords: []
      default: option.spellings
      }
    }
    guard !spellings.isEmpty else { return nil }
    return "        case \(command.name)\n            contains -- $argv[2] \(spellings.joined(separator: " "))"
  }

  private func optionalValues(_ command: CompletedCommand) -> [String] {
    command.options.compactMap { option in
      guard case .optionalWords(let words)? = option.value else { return nil }
      let keys = option.spellings.map { "'\(command.name) \($0)'" }.joined(separator: " ")
      return "        case \(keys)\n            contains -- $argv[3] \(words.joined(separator: " "))"
    }
  }

  private func quoted(_ text: String) -> String {
    let escaped = text.reduce(into: "") { $0 += $1 == "'" || $1 == "\\" ? "\\\($1)" : "\($1)" }
    return "'\(escaped)'"
  }
}
