# shellcheck shell=bash
# Functions for messages, and for processes that the scripts have started.

# say TEXT...: prints a progress message on standard error. Standard output is for results.
say() {
  printf '%s\n' "$*" >&2
}

# fail STATUS TEXT...: prints an error message, and exits with STATUS.
fail() {
  local status=$1
  shift
  printf '%s: %s\n' "scripts/${0##*/}" "$*" >&2
  exit "$status"
}

# help_if_asked [ARGUMENT...]: if the arguments ask for help, prints the comment at the top of the script, and exits.
help_if_asked() {
  [[ ${1-} == -h || " $* " == *" --help "* ]] || return 0
  sed -n '2,/^[^#]/ { s/^# \{0,1\}//p }' "$(dirname "${BASH_SOURCE[0]}")/../${0##*/}"
  exit 0
}

# take_no_arguments [ARGUMENT...]: fails if there is an argument.
take_no_arguments() {
  (($# == 0)) || fail 64 "there is no argument '$1'; see scripts/${0##*/} --help"
}

# start_time PID: prints when the kernel started the process. Together with its id, this identifies a process uniquely.
start_time() {
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
  stat=${stat##*) } # the name in parentheses may contain spaces
  local -a fields
  read -ra fields <<<"$stat"
  [[ ${fields[0]} != Z ]] || return 1
  printf '%s\n' "${fields[19]}"
}

# record_pid FILE PID: writes the id and the start time of a process to FILE.
record_pid() {
  printf '%s %s\n' "$2" "$(start_time "$2" || printf gone)" >"$1"
}

# recorded_pid FILE: prints the recorded process id, if that very process is still running.
recorded_pid() {
  local pid started
  [[ -f $1 ]] && read -r pid started <"$1" && [[ $(start_time "$pid") == "$started" ]] && printf '%s\n' "$pid"
}

# end_recorded FILE [SIGNAL SECONDS]: ends the recorded process and removes FILE. The process gets SIGNAL, and KILL after
# SECONDS. By default it gets KILL at once.
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
