"""A fast way to evaluate Erlang in the broker. rabbitmqctl starts its own virtual machine for each call, which takes seconds
on a busy machine."""

import secrets
import socket
import struct

# Starts a process in the broker's virtual machine that evaluates the expressions of clients that know the password.
LISTEN = """
Self = self(),
spawn(fun() ->
  {{ok, Listener}} = gen_tcp:listen(0, [binary, {{ip, {{127,0,0,1}}}}, {{packet, 4}}, {{active, false}}]),
  {{ok, Port}} = inet:port(Listener),
  Self ! {{port, Port}},
  Serve = fun Serve(Socket) ->
    case gen_tcp:recv(Socket, 0) of
      {{ok, Text}} ->
        {{ok, Tokens, _}} = erl_scan:string(binary_to_list(Text)),
        {{ok, Parsed}} = erl_parse:parse_exprs(Tokens),
        Answer = try {{value, Value, _}} = erl_eval:exprs(Parsed, []), {{ok, Value}}
                 catch Class:Reason -> {{failed, Class, Reason}} end,
        gen_tcp:send(Socket, unicode:characters_to_binary(io_lib:format("~0p", [Answer]))),
        Serve(Socket);
      _ -> gen_tcp:close(Socket)
    end
  end,
  Accept = fun Accept() ->
    {{ok, Socket}} = gen_tcp:accept(Listener),
    Handler = spawn(fun() ->
      receive go -> ok end,
      case gen_tcp:recv(Socket, 0, 5000) of
        {{ok, <<"{password}">>}} -> Serve(Socket);
        _ -> gen_tcp:close(Socket)
      end
    end),
    gen_tcp:controlling_process(Socket, Handler),
    Handler ! go,
    Accept()
  end,
  Accept()
end),
receive {{port, Port}} -> Port after 5000 -> none end.
"""
TIME_LIMIT = 30.0


class Console:
    """`slow_eval` evaluates an expression with rabbitmqctl."""

    def __init__(self, slow_eval):
        password = secrets.token_hex(16)
        port = int(slow_eval(LISTEN.format(password=password)))
        self.socket = socket.create_connection(("127.0.0.1", port), TIME_LIMIT)
        self._send(password)

    def _send(self, text):
        data = text.encode()
        self.socket.sendall(struct.pack(">I", len(data)) + data)

    def _read(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionError("the broker is gone")
            data += part
        return data

    def eval(self, text):
        """Returns the value of the expressions in Erlang syntax."""
        self._send(text)
        answer = self._read(struct.unpack(">I", self._read(4))[0]).decode()
        if not answer.startswith("{ok,"):
            raise RuntimeError(f"{text}: {answer}")
        return answer[4:-1]

    def close(self):
        self.socket.close()
