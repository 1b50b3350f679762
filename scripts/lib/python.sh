# shellcheck shell=bash
# Shared by the scripts here: packages of PyPI that Debian does not have.

# What python_packages needs.
# shellcheck disable=SC2034 # used by the scripts that read this file
python_needs=(python3 python3-pip)

# python_packages PACKAGE==VERSION...: prints the folder, made once, in which Debian's own python3 finds them.
python_packages() {
  local state=${AMQP_JOB_STATE:-${TMPDIR:-/tmp}/amqp-job-$UID}
  local words="$*"
  local folder=$state/python/${words// /+}
  mkdir -p "$state/python"
  (
    flock 8
    [[ ! -d $folder ]] || exit 0
    say "Installing with pip into $folder: $*"
    rm -rf "$folder.partial"
    /usr/bin/python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-compile \
      --only-binary :all: --target "$folder.partial" "$@" </dev/null >&2 ||
      fail 69 "pip could not install $*"
    mv -T "$folder.partial" "$folder"
  ) 8>"$state/python/.lock" || return
  printf '%s\n' "$folder"
}
