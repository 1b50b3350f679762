# shellcheck shell=bash
# Shared by the scripts here: packages of PyPI that Debian does not have.

# What these functions need.
# shellcheck disable=SC2034 # used by the scripts that read this file
python_needs=(python3 python3-pip)

# kept_folder NAME COMMAND...: prints a folder of that name, made once: by the command, into the folder that is its last word.
kept_folder() {
  local state=${AMQP_JOB_STATE:-${TMPDIR:-/tmp}/amqp-job-$UID}
  local folder=$state/python/$1
  shift
  mkdir -p "$state/python"
  (
    flock 8
    [[ ! -d $folder ]] || exit 0
    rm -rf "$folder.partial"
    "$@" "$folder.partial" || exit
    mv -T "$folder.partial" "$folder"
  ) 8>"$folder.lock" || return
  printf '%s\n' "$folder"
}

# pip_quietly COMMAND [ARG...]: of ready-made packages only, and for Debian's own python3.
pip_quietly() {
  local command=$1
  shift
  /usr/bin/python3 -m pip "$command" --quiet --disable-pip-version-check --retries 2 --only-binary :all: "$@" </dev/null >&2
}

# python_packages PACKAGE==VERSION...: prints the folder in which Debian's own python3 finds them.
python_packages() {
  local words="$*"
  kept_folder "${words// /+}" install_packages "$@"
}

# install_packages PACKAGE==VERSION... FOLDER
install_packages() {
  local folder=${*: -1}
  set -- "${@:1:$#-1}"
  say "Installing with pip: $*"
  pip_quietly install --root-user-action ignore --no-compile --target "$folder" "$@" || fail 69 "pip could not install $*"
}
