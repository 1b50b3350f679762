extension Completion {
  /// For bash(1)'s programmable completion; zsh understands it through bashcompinit.
  var bashScript: String {
    """
    # Completion of \(tool)'s command lines.
    \(functionName)() {
      local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]-} index
      COMPREPLY=()
      if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W '\(commands.map(\.name).joined(separator: " ")) --help --version' -- "$word"))
        return
      fi
      # Of --name=value bash makes three words.
      if [[ $word == = ]]; then
        word=
      elif [[ $before == = ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
      fi
      for ((index = 2; index < COMP_CWORD; index++)); do
        [[ ${COMP_WORDS[index]} == -- ]] || continue
        case $command in
        \(takingCommands)) ;;
        *) return ;;
        esac
        if ((index == COMP_CWORD - 1)); then
          COMPREPLY=($(compgen -c -- "$word"))
        else
          compopt -o filenames 2>/dev/null
          local IFS=$'\\n'
          COMPREPLY=($(compgen -f -- "$word"))
        fi
        return
      done
      case $command$before in
    \(commands.flatMap(valueCases).joined(separator: "\n"))
      esac
      case $command in
    \(commands.map(wordCase).joined(separator: "\n"))
      esac
    }
    complete -o default -F \(functionName) \(tool)

    """
  }

  private var takingCommands: String {
    let names = commands.filter(\.takesCommand).map(\.name)
    return names.isEmpty ? "''" : names.joined(separator: " | ")
  }

  private func valueCases(_ command: Command) -> [String] {
    command.options.filter { $0.value != nil }.map { option in
      let patterns = option.spellings.map { command.name + $0 }.joined(separator: " | ")
      return "  \(patterns)) \(reply(option)) ;;"
    }
  }

  private func reply(_ option: Option) -> String {
    if option.takesPath {
      let action = option.value == "DIR" ? "-d" : "-f"
      return "compopt -o filenames 2>/dev/null; local IFS=$'\\n'; COMPREPLY=($(compgen \(action) -- \"$word\")); return"
    }
    guard !option.alternatives.isEmpty else { return "return" }
    let words = "COMPREPLY=($(compgen -W '\(option.alternatives.joined(separator: " "))' -- \"$word\")); return"
    return option.impliedValue == nil ? words : "[[ $word == -* ]] || { \(words); }"
  }

  private func wordCase(_ command: Command) -> String {
    let options =
      command.options.map { "--\($0.name)" } + ["--help", "--help-all"] + (command.takesCommand ? ["--"] : [])
    let words = (command.choices + options).joined(separator: " ")
    let directories = command.takesDirectory ? "; [[ $word == -* ]] || \(reply(.init("", value: "DIR", "")))" : ""
    return "  \(command.name)) COMPREPLY=($(compgen -W '\(words)' -- \"$word\"))\(directories) ;;"
  }
}

extension Option {
  fileprivate var spellings: [String] { ["--\(name)"] + (short.map { ["-\($0)"] } ?? []) }
}
