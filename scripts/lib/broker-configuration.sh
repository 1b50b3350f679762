# shellcheck shell=bash
# For scripts/broker: the files that configure a server. The caller sets $dir, $port, $tls and $tokens.
# shellcheck disable=SC2154 # The caller sets these variables.

# write_configuration: writes all of the files into $dir.
write_configuration() {
  local plugins=() list
  cat >"$dir/rabbitmq.conf" <<END
loopback_users = none
max_message_size = 134217728
log.file.level = info
raft.wal_max_size_bytes = 67108864
END
  [[ ! $tls ]] || configure_tls
  [[ ! $tokens ]] || configure_tokens
  # Both ticks are shortened to a second. The channel's (by default a minute) looks for overdue acks. The quorum queue's
  # (by default five seconds) updates the figures of list_queues.
  echo '[{rabbit, [{channel_tick_interval, 1000}, {quorum_tick_interval, 1000}]}].' >"$dir/advanced.config"
  echo '{host, {127,0,0,1}, ["localhost"]}. {lookup, [file, native]}.' >"$dir/inetrc"
  # A server in a root that finds no entry for its host waits for a name server.
  echo "127.0.0.1 localhost $(uname -n)" >"$dir/hosts"
  list=${plugins[*]}
  echo "[${list// /,}]." >"$dir/enabled_plugins"
  : >"$dir/rabbitmq-env.conf"
  mkdir -p "$dir/conf.d"
}

# configure_tls: adds a TLS listener that has the certificates of the folder $tls. It adds to its caller's array "plugins".
configure_tls() {
  cp "$tls/ca.pem" "$tls/cert.pem" "$tls/key.pem" "$dir/" || fail 66 "$tls lacks ca.pem, cert.pem or key.pem"
  cat >>"$dir/rabbitmq.conf" <<END
listeners.ssl.1 = 127.0.0.1:$((port + 3))
ssl_options.cacertfile = $dir/ca.pem
ssl_options.certfile = $dir/cert.pem
ssl_options.keyfile = $dir/key.pem
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = false
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = AMQPLAIN
auth_mechanisms.3 = EXTERNAL
ssl_cert_login_from = common_name
END
  plugins+=(rabbitmq_auth_mechanism_ssl)
}

# configure_tokens: accepts tokens that the key in the file $tokens has signed. It adds to its caller's array "plugins".
configure_tokens() {
  cp "$tokens" "$dir/tokens.pem" || fail 66 "$tokens is not there"
  cat >>"$dir/rabbitmq.conf" <<END
auth_backends.1 = internal
auth_backends.2 = rabbit_auth_backend_oauth2
auth_oauth2.resource_server_id = amqp-job
auth_oauth2.default_key = test
auth_oauth2.signing_keys.test = $dir/tokens.pem
END
  plugins+=(rabbitmq_auth_backend_oauth2)
}
