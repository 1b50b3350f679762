# shellcheck shell=bash
# Shared by the scripts here: building this package, and running commands in the open.

# What a build needs beside Swift itself, and, on Debian 12, what Swift does: https://www.swift.org/install/linux/tarball/ has
# that list, to which its image of Debian 12 adds libstdc++-12-dev. Other systems have others.
# shellcheck disable=SC2034 # used by the scripts that read this file
build_needs=(ca-certificates git libjansson-dev librabbitmq-dev libssl-dev libyaml-dev)
swift_needs=(binutils gcc git libcurl4-openssl-dev libedit-dev libicu-dev libncurses-dev libpython3-dev libsqlite3-dev
  libstdc++-12-dev libxml2-dev pkg-config tzdata uuid-dev)
[[ $(. /etc/os-release 2>/dev/null && echo "$ID $VERSION_ID") != "debian 12" ]] || build_needs+=("${swift_needs[@]}")

need_swift() {
  command -v swift >/dev/null ||
    fail 69 "Swift is not installed here (or not in PATH); https://www.swift.org/install/linux/ tells how to install it"
}

# check_swift: to be called when what it needs has been installed.
check_swift() {
  local problem
  problem=$(swift --version 2>&1 >/dev/null) ||
    fail 69 "Swift does not start: ${problem:-it says nothing}; https://www.swift.org/install/linux/ tells what it needs"
}

# announce_build CONFIGURATION: says that it takes long, unless something is built already.
announce_build() {
  [[ -d .build/$1 ]] || say "Building for ${1}; the first time that takes some minutes"
}

# run COMMAND...: says it, then does it.
run() {
  say "+ $(shell_words "$@")"
  "$@"
}

# shell_words WORD...: as one would type them.
shell_words() {
  local word text=
  for word; do
    [[ $word =~ ^[A-Za-z0-9_./:=@%+,-]+$ ]] || word=${word@Q}
    text+=" $word"
  done
  printf '%s\n' "${text# }"
}

# The caller's own settings for amqp-job must not reach the ones that these scripts start.
forget_settings() {
  local setting
  for setting in BROKER_URL QUEUE "${!AMQP_@}"; do
    [[ $setting == AMQP_JOB_STATE ]] || unset "$setting" # that one is for scripts/broker
  done
}
