# shellcheck shell=bash
# For scripts/broker: which server a broker runs, and how the server is started. The caller sets $state (the folder of all
# brokers and roots), $dir (the broker's own folder), $log, $name, $rabbitmq, $port and $join.
# shellcheck disable=SC2154 # The caller sets these variables.

bin=/usr/lib/rabbitmq/bin # These are the programs themselves. Debian's wrappers in /usr/sbin change the user.

# find_suite: sets $suite to the Debian suite whose server --rabbitmq asks for, or to "installed".
find_suite() {
  if [[ ! $rabbitmq || $(version_in "") == "$rabbitmq".* ]]; then suite=installed; else suite=$(suite_with "$rabbitmq"); fi
}

# find_root: sets $root to the root that the server runs in. It is empty for the installed server.
find_root() {
  root=
  [[ $suite == installed ]] || root=$state/roots/$suite
}

# choose_server: sets $suite and $root for a start, and makes the root if it is missing. A broker keeps the version that it
# was first started with, because its data belong to that version.
choose_server() {
  local wanted
  find_suite
  wanted=$suite
  [[ ! -f $dir/suite ]] || suite=$(<"$dir/suite")
  find_root
  [[ ! $rabbitmq || $suite == "$wanted" ]] ||
    fail 64 "the broker named $name has RabbitMQ $(version_in "$root"); scripts/broker stop --name $name removes it"
  if [[ $root ]]; then
    make_root "$root" "$suite" rabbitmq-server
    [[ ! $rabbitmq || $(version_in "$root") == "$rabbitmq".* ]] ||
      say "Debian $suite's RabbitMQ is $(version_in "$root") by now, which is taken for $rabbitmq"
  else
    [[ -x $bin/rabbitmq-server ]] ||
      fail 69 "RabbitMQ is not installed here; scripts/install-dependencies rabbitmq-server installs it"
  fi
}

# become_inside COMMAND...: replaces this process by the command, inside the broker's root if it has one.
become_inside() {
  [[ ! $root ]] || enter_root "$root" "${dir%/*}" "$dir/hosts" "$@"
  exec "$@"
}

# node NAME: prints the name of a broker's Erlang node.
node() {
  printf 'amqp-job-%s@localhost\n' "$1"
}

# mapper_port: prints the port of the port mapper. The nodes of a cluster have one together.
mapper_port() {
  cat "$dir/mapper" 2>/dev/null || printf '%s\n' "$((port + 2))"
}

# share_with OTHER: lets this broker find the nodes of the broker OTHER, which is running, and talk to them.
share_with() {
  local other=$state/brokers/$1
  [[ -f $other/port ]] || fail 69 "no broker named $1 is running to be joined"
  cp "$other/.erlang.cookie" "$dir/"
  cat "$other/mapper" >"$dir/mapper" 2>/dev/null || printf '%s\n' "$(($(<"$other/port") + 2))" >"$dir/mapper"
}

# join_cluster: makes this broker, which is running, a node of the cluster of the broker $join.
join_cluster() {
  local words
  for words in stop_app "join_cluster $(node "$join")" start_app; do
    # shellcheck disable=SC2086 # These are words.
    (become "$bin/rabbitmqctl" --quiet $words </dev/null >>"$log" 2>&1) || fail 69 "$words failed; its log is $log"
  done
}

# become [NAME=VALUE...] COMMAND...: replaces this process by the server or rabbitmqctl. The command gets every setting that
# it needs, and none of the caller's or the system's.
become() {
  become_inside env -i PATH="$PATH:/usr/bin:/bin:/usr/sbin:/sbin" LANG=C.UTF-8 \
    HOME="$dir" ERL_CRASH_DUMP="$dir/erl_crash.dump" \
    ERL_FLAGS="-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false +S 2:2" \
    ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$(mapper_port)" ERL_INETRC="$dir/inetrc" \
    RABBITMQ_NODENAME="$(node "$name")" \
    RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT="$port" RABBITMQ_DIST_PORT="$((port + 1))" \
    RABBITMQ_CTL_DIST_PORT_MIN=0 RABBITMQ_CTL_DIST_PORT_MAX=0 \
    RABBITMQ_CONF_ENV_FILE="$dir/rabbitmq-env.conf" \
    RABBITMQ_CONFIG_FILE="$dir/rabbitmq.conf" RABBITMQ_ADVANCED_CONFIG_FILE="$dir/advanced.config" \
    RABBITMQ_CONFIG_FILES="$dir/conf.d" RABBITMQ_ENABLED_PLUGINS_FILE="$dir/enabled_plugins" \
    RABBITMQ_MNESIA_BASE="$dir/data" RABBITMQ_MNESIA_DIR="$dir/data/node" \
    RABBITMQ_FEATURE_FLAGS_FILE="$dir/data/feature_flags" RABBITMQ_PLUGINS_EXPAND_DIR="$dir/data/plugins" \
    RABBITMQ_GENERATED_CONFIG_DIR="$dir/data/config" RABBITMQ_PID_FILE="$dir/server.own-pid" \
    RABBITMQ_LOG_BASE="$dir" RABBITMQ_LOGS="$log" \
    "$@"
}

# launch: starts the port mapper and the server on $port. It fails if either of them ends, or if the server accepts no login
# within a minute.
launch() {
  local deadline=$((SECONDS + 240)) # On a busy machine a start takes minutes.
  if [[ ! -f $dir/mapper ]] && ! recorded_pid "$dir/epmd.pid" >/dev/null; then
    become_inside setsid epmd -address 127.0.0.1 -port "$((port + 2))" </dev/null >>"$log" 2>&1 9>&- &
    record_pid "$dir/epmd.pid" $!
    disown
  fi
  # With RUNNING_UNDER_SYSTEMD the script becomes the virtual machine. Without it, the script stays as its parent.
  become RUNNING_UNDER_SYSTEMD=true setsid "$bin/rabbitmq-server" </dev/null >>"$log" 2>&1 9>&- &
  record_pid "$dir/server.pid" $!
  disown
  until accepts_login; do
    [[ -f $dir/mapper ]] || recorded_pid "$dir/epmd.pid" >/dev/null || return 1
    recorded_pid "$dir/server.pid" >/dev/null || return 1
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

# evaluate EXPRESSION: evaluates Erlang in the server, and prints the value. Unlike "rabbitmqctl eval" it starts no virtual
# machine for that. The name of erl_call's own node has to be unique, since others may run at the same time.
evaluate() {
  local answer
  answer=$(become erl_call -h "eval-$$" -address "127.0.0.1:$((port + 1))" -timeout 600 -e <<<"$1" 2>&1) || fail 69 "erl_call failed: $answer"
  [[ $answer == "{ok, "* ]] || fail 65 "the expression failed: $answer"
  answer=${answer#"{ok, "}
  printf '%s\n' "${answer%\}}"
}
