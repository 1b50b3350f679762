# shellcheck shell=bash
# Shared by the scripts here: building this package, and running commands in the open.

# What a build needs beside Swift itself.
# shellcheck disable=SC2034 # used by the scripts that read this file
build_needs=(ca-certificates git libjansson-dev librabbitmq-dev libssl-dev libyaml-dev)

need_swift() {
  command -v swift >/dev/null ||
    fail 69 "Swift is not installed here (or not in PATH); https://www.swift.org/install/linux/ tells how to install it"
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
