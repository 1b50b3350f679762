extension Completion {
  /// The script for zsh(1)'s completion system. It is put into `fpath` as a file, or sourced after compinit.
  var zshScript: String {
    let name = functionName
    return """
      #compdef \(programs.joined(separator: " "))
      # Completion of \(tool)'s command lines in zsh.

      \(tables)

      \(name)_options() {
        case $1 in
      \(commands.map(optionRow).joined(separator: "\n"))
        esac
      }

      \(name)() {
        local command=${words[1]:t} word=${words[CURRENT]} piece= offer= before= dashes= paths=
        local -a options
        integer first=2 operands=0 index
        if [[ $command == \(tool) ]]; then
          if ((CURRENT == 2)); then
            if [[ $word == -* ]]; then
              options=(--help --help-all --version)
              \(name)_offer ''
            else
              local -a commands=(
      \(toolCommands.map { "          " + pair($0.name, $0.summary) }.joined(separator: "\n"))
              )
              _describe command commands
            fi
            return
          fi
          command=${words[2]} first=3
        fi

        for ((index = first; index < CURRENT; index++)); do
          piece=${words[index]}
          if [[ -n $before ]]; then
            before=
          elif [[ -z $dashes && $piece == -- ]]; then
            dashes=yes
          elif [[ -z $dashes && $piece == -?* ]]; then
            if \(name)_has_paths "$command" "$piece"; then paths=yes; fi
            \(name)_value "$command" "$piece"
            case $offer in
            ('') ;;
            ('?'*) if ((index + 1 < CURRENT)) && [[ " ${offer#'?'} " == *" ${words[index + 1]} "* ]]; then index+=1; fi ;;
            (*) before=$piece ;;
            esac
          else
            \(name)_operand "$command" "$operands"
            if [[ $offer == @command ]]; then
              # The other command may have a completion of its own.
              words=("${(@)words[index,-1]}")
              ((CURRENT -= index - 1))
              _normal
              return
            fi
            operands+=1
          fi
        done

        \(name)_options "$command"
        if [[ -n $before ]]; then
          \(name)_value "$command" "$before"
          options=()
        elif [[ -z $dashes && $word == --*=* ]]; then
          \(name)_value "$command" "${word%%=*}"
          options=()
          compset -P '*='
        elif [[ -z $dashes && $piece == --* && $word != -* ]] && \(name)_value "$command" "$piece" && [[ $offer == '?'* ]]; then
          options=()
        else
          \(name)_operand "$command" "$operands"
          if [[ -n $paths ]]; then offer=@files; fi
          if [[ -n $dashes ]]; then options=(); fi
          if [[ $offer == @command && -z $dashes$word ]]; then offer=; fi
          if [[ -n $offer && $word != -* ]]; then options=(); fi
        fi
        \(name)_offer "${offer#'?'}"
      }

      # An operand, or where there are any, options.
      \(name)_offer() {
        if ((${#options})); then
          _describe -o option options
          return
        fi
        case $1 in
        (- | '') return 1 ;;
        (@files) _files ;;
        (@directories) _files -/ ;;
        (@command) _command_names -e ;;
        (*) compadd -- ${=1} ;;
        esac
      }

      if [[ ${funcstack[1]} == \(name) || ${funcstack[1]} == _\(tool) ]]; then
        \(name) "$@"
      else
        compdef \(name) \(programs.joined(separator: " "))
      fi

      """
  }

  private func optionRow(_ command: CompletedCommand) -> String {
    let pairs =
      command.options.map { pair($0.spellings[0], $0.help) } + (command.rest == nil ? [] : ["'--:the command'"])
    return "  ('\(command.name)')\n    options=(\n"
      + pairs.map { "      " + $0 }.joined(separator: "\n") + "\n    ) ;;"
  }

  /// A word with its meaning, as `_describe` takes them.
  private func pair(_ word: String, _ meaning: String) -> String {
    let escaped = meaning.reduce(into: "") { text, character in
      switch character {
      case "'": text += "'\\''"
      case ":": text += "\\:"
      default: text.append(character)
      }
    }
    return "'\(word):\(escaped)'"
  }
}
