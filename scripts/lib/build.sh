# shellcheck shell=bash
# Functions for building this package and for running commands visibly.

# The packages that a build needs besides Swift. On Debian 12 this includes the packages that Swift needs
# (https://www.swift.org/install/linux/tarball/, and libstdc++-12-dev from Swift's Debian 12 image).
# shellcheck disable=SC2034 # used by the scripts that read this file
build_needs=(ca-certificates git libevent-dev libjansson-dev librabbitmq-dev libssl-dev libyaml-dev)
swift_needs=(binutils gcc git libcurl4-openssl-dev libedit-dev libicu-dev libncurses-dev libpython3-dev libsqlite3-dev
  libstdc++-12-dev libxml2-dev pkg-config tzdata uuid-dev)
[[ $(. /etc/os-release 2>/dev/null && echo "$ID $VERSION_ID") != "debian 12" ]] || build_needs+=("${swift_needs[@]}")

need_swift() {
  command -v swift >/dev/null ||
    fail 69 "Swift is not installed or not in PATH; https://www.swift.org/install/linux/ tells how to install it"
}

# check_swift: fails if Swift does not start. To be called after its packages have been installed.
check_swift() {
  local problem
  problem=$(swift --version 2>&1 >/dev/null) ||
    fail 69 "Swift does not start: ${problem:-no message}; https://www.swift.org/install/linux/ tells what it needs"
}

# announce_build CONFIGURATION: prints a message if this is the first build, which takes long.
announce_build() {
  [[ -d .build/$1 ]] || say "Building for ${1}, which takes some minutes the first time"
}

# run COMMAND...: prints the command, then runs it.
run() {
  say "+ $(shell_words "$@")"
  "$@"
}

# shell_words WORD...: prints the words as one would type them in a shell.
shell_words() {
  local word text=
  for word; do
    [[ $word =~ ^[A-Za-z0-9_./:=@%+,-]+$ ]] || word=${word@Q}
    text+=" $word"
  done
  printf '%s\n' "${text# }"
}

# forget_settings: unsets the caller's settings for amqp-job, so that the scripts do not pass them on.
forget_settings() {
  local setting
  for setting in BROKER_URL QUEUE "${!AMQP_@}"; do
    [[ $setting == AMQP_JOB_STATE ]] || unset "$setting" # AMQP_JOB_STATE is for scripts/broker
  done
}
