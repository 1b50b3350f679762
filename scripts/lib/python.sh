# shellcheck shell=bash
# Installs PyPI packages that Debian does not have.

# The Debian packages that these functions need.
# shellcheck disable=SC2034 # used by the scripts that read this file
python_needs=(python3 python3-pip)

# kept_folder NAME COMMAND...: prints the path of a folder that is kept for later runs. If it does not exist, the command
# must create it; the path to create is added as the command's last argument.
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

# pip_quietly COMMAND [ARG...]: runs pip for Debian's python3. It accepts only packages that need not be built.
pip_quietly() {
  local command=$1
  shift
  /usr/bin/python3 -m pip "$command" --quiet --disable-pip-version-check --retries 2 --only-binary :all: "$@" </dev/null >&2
}

# python_packages PACKAGE==VERSION...: installs the packages for Debian's python3, and prints the folder for PYTHONPATH.
python_packages() {
  local words="$*"
  kept_folder "${words// /+}" install_packages "$@"
}

# install_packages PACKAGE==VERSION... FOLDER: installs the packages into the folder.
install_packages() {
  local folder=${*: -1}
  set -- "${@:1:$#-1}"
  say "Installing with pip: $*"
  pip_quietly install --root-user-action ignore --no-compile --target "$folder" "$@" || fail 69 "pip could not install $*"
}
