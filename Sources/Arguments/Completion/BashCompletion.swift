extension Completion {
  /// The script for bash(1)'s programmable completion.
  var bashScript: String {
    let name = functionName
    return """
      # Completion of \(tool)'s command lines in bash.

      \(tables)

      \(name)_options() {
        case $1 in
      \(commands.map(optionRow).joined(separator: "\n"))
        esac
      }

      \(name)() {
        local -a words=()
        local line=$COMP_LINE piece offer options command word
        local -i count=0 first=1 operands=0 index
        COMPREPLY=()
        # Bash cuts words at = and :, too. What belongs together is put together again.
        for ((index = 0; index <= COMP_CWORD; index++)); do
          piece=${COMP_WORDS[index]}
          if [[ $count -gt 0 && -n $line && $line != [[:blank:]]* ]]; then
            words[count - 1]+=$piece
          else
            words[count]=$piece
            count+=1
          fi
          line=${line#*"$piece"}
        done
        word=${words[count - 1]}
        command=${words[0]##*/}
        if [[ $command == \(tool) ]]; then
          if ((count < 3)); then
            \(name)_reply '\(toolCommands.map(\.name).joined(separator: " "))' '--help --help-all --version' "$word"
            return
          fi
          command=${words[1]} first=2
        fi

        local before='' dashes='' paths='' after=''
        for ((index = first; index < count - 1; index++)); do
          piece=${words[index]}
          if [[ -n $before ]]; then
            before=
          elif [[ -z $dashes && $piece == -- ]]; then
            dashes=yes
          elif [[ -z $dashes && $piece == -?* ]]; then
            if \(name)_has_paths "$command" "$piece"; then paths=yes; fi
            \(name)_value "$command" "$piece"
            case $offer in
            '') ;;
            '?'*) [[ " ${offer#'?'} " != *" ${words[index + 1]} "* || $index -eq $((count - 2)) ]] || index+=1 ;;
            *) before=$piece ;;
            esac
          else
            \(name)_operand "$command" "$operands"
            if [[ $offer == @command ]]; then
              after=yes
              break
            fi
            operands+=1
          fi
        done

        \(name)_options "$command"
        if [[ -n $after ]]; then
          \(name)_reply @files '' "$word"
        elif [[ -n $before ]]; then
          \(name)_value "$command" "$before"
          \(name)_reply "$offer" '' "$word"
        elif [[ -z $dashes && $word == --*=* ]]; then
          \(name)_value "$command" "${word%%=*}"
          \(name)_reply "${offer#'?'}" '' "${word#*=}" "${word%%=*}="
        elif [[ -z $dashes && $piece == --* && $word != -* ]] && \(name)_value "$command" "$piece" && [[ $offer == '?'* ]]; then
          \(name)_reply "${offer#'?'}" '' "$word"
        else
          \(name)_operand "$command" "$operands"
          if [[ -n $paths ]]; then offer=@files; fi
          if [[ -n $dashes ]]; then options=; fi
          if [[ $offer == @command && -z $dashes$word ]]; then offer=; fi
          \(name)_reply "$offer" "$options" "$word"
        fi
      }

      # What is offered: an operand, or else options; for a word of which that is known, behind what stands before it.
      \(name)_reply() {
        local offer=$1 options=$2 word=$3 prefix=${4-} piece=${COMP_WORDS[COMP_CWORD]} cut candidate
        if [[ -n $options && ($word == -* || -z $offer) ]]; then offer=$options; fi
        case $offer in
        - | '') ;;
        @files) compopt -o default 2>/dev/null ;;
        @directories) compopt -o dirnames 2>/dev/null ;;
        *)
          # Bash replaces only what stands behind the last = or :.
          cut=$prefix$word
          if [[ $piece != [=:] ]]; then cut=${cut%"$piece"}; fi
          while IFS= read -r candidate; do
            candidate=$prefix$candidate
            COMPREPLY+=("${candidate#"$cut"}")
          done < <(if [[ $offer == @command ]]; then compgen -c -- "$word"; else compgen -W "$offer" -- "$word"; fi)
          ;;
        esac
      }

      complete -F \(name) \(programs.joined(separator: " "))

      """
  }

  private func optionRow(_ command: CompletedCommand) -> String {
    let words = command.options.compactMap(\.spellings.first) + (command.rest == nil ? [] : ["--"])
    return "  '\(command.name)') options='\(words.joined(separator: " "))' ;;"
  }
}
