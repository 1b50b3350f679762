# shellcheck shell=bash
# For scripts/broker: free ports, and the login that shows that a server is ready. The caller sets $state.
# shellcheck disable=SC2154 # The caller sets this variable.

# listening PORT: whether something accepts connections there.
listening() {
  (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# pick_ports: sets $port to the first of four free neighbouring ports, below the kernel's range for outgoing connections.
# The four are for AMQP, Erlang's distribution, the port mapper, and AMQP over TLS.
pick_ports() {
  while :; do
    port=$((20000 + RANDOM % 1200 * 4))
    ! grep -qsx "$port" "$state"/brokers/*/port || continue # A stopped broker keeps its port.
    listening "$port" || listening "$((port + 1))" || listening "$((port + 2))" || listening "$((port + 3))" || return 0
  done
}

# read_frame: reads one AMQP frame from descriptor 3, and prints the class and method of its payload in hex.
read_frame() {
  local header size
  header=$(timeout 2 head -c 7 <&3 | od -An -v -tx1 | tr -d ' \n')
  [[ ${#header} == 14 ]] || return 1
  size=$((16#${header:6:8}))
  timeout 2 head -c $((size + 1)) <&3 | od -An -v -tx1 -N4 | tr -d ' \n'
}

# accepts_login: whether guest can log in on $port. It sends the protocol header, expects Connection.Start, sends Start-Ok,
# and expects Connection.Tune.
accepts_login() (
  exec 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
  printf 'AMQP\0\0\x09\x01' >&3
  [[ $(read_frame) == 000a000a ]] || exit 1
  printf '\x01\0\0\0\0\0\x24\0\x0a\0\x0b\0\0\0\0\x05PLAIN\0\0\0\x0c\0guest\0guest\x05en_US\xce' >&3
  [[ $(read_frame) == 000a001e ]]
) 2>/dev/null
