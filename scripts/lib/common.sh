# shellcheck shell=bash
# Shared by the scripts here: messages, and processes that we started.

# say TEXT...: progress, on standard error (standard output is for answers).
say() {
  printf '%s\n' "$*" >&2
}

# fail STATUS TEXT...: one line that says what is wrong, then the end.
fail() {
  local status=$1
  shift
  printf '%s: %s\n' "scripts/${0##*/}" "$*" >&2
  exit "$status"
}

# help_if_asked [ARGUMENT...]: if one of the script's arguments asks for help, prints what is at its top, and ends.
help_if_asked() {
  [[ ${1-} == -h || " $* " == *" --help "* ]] || return 0
  sed -n '2,/^[^#]/ { s/^# \{0,1\}//p }' "$(dirname "${BASH_SOURCE[0]}")/../${0##*/}"
  exit 0
}

# take_no_arguments [ARGUMENT...]: fails if there is one.
take_no_arguments() {
  (($# == 0)) || fail 64 "there is no argument '$1'; see scripts/${0##*/} --help"
}

# start_time PID: when the kernel started the process; with the number it names one process for ever.
start_time() {
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
  stat=${stat##*) } # the name in parentheses may hold spaces
  local -a fields
  read -ra fields <<<"$stat"
  [[ ${fields[0]} != Z ]] || return 1
  printf '%s\n' "${fields[19]}"
}

# record_pid FILE PID: remembers a process that we started.
record_pid() {
  printf '%s %s\n' "$2" "$(start_time "$2" || printf gone)" >"$1"
}

# recorded_pid FILE: its number, if that very process still runs.
recorded_pid() {
  local pid started
  [[ -f $1 ]] && read -r pid started <"$1" && [[ $(start_time "$pid") == "$started" ]] && printf '%s\n' "$pid"
}

# end_recorded FILE [SIGNAL SECONDS]: ends that process, by force after SECONDS (default: at once), and forgets it.
end_recorded() {
  local pid deadline=$((SECONDS + ${3:-0}))
  if pid=$(recorded_pid "$1"); then
    kill "-${2:-KILL}" "$pid" 2>/dev/null || true
    while recorded_pid "$1" >/dev/null; do
      ((SECONDS < deadline)) || kill -KILL "$pid" 2>/dev/null || true
      sleep 0.05
    done
  fi
  rm -f "$1"
}
