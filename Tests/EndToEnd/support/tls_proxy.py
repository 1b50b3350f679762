"""A server that speaks TLS, with Python's ssl module, in front of a broker that does not."""

import socket
import ssl
import threading

from support.sockets import close_listener, cut


class TLSProxy:
    """Accepts TLS with this certificate, and forwards the plaintext to the broker."""

    def __init__(self, target, certificate, client_ca=None, version=None):
        self.target = target
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
        if client_ca:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(client_ca)
        if version:
            self.context.set_ciphers("DEFAULT@SECLEVEL=0")
            self.context.minimum_version, self.context.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, version
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.plaintext = bytearray()  # From clients.
        self.farewells = 0  # Counts clients that ended TLS (close_notify) before the connection.
        self.sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        try:
            wrapped = self.context.wrap_socket(raw, server_side=True, suppress_ragged_eofs=False)
            with wrapped as client, socket.create_connection(self.target) as broker:
                self.sockets += [client, broker]
                back = threading.Thread(target=self._pump, args=(broker, client), daemon=True)
                back.start()
                try:
                    while data := client.recv(65536):
                        self.plaintext += data
                        broker.sendall(data)
                    self.farewells += 1
                    broker.shutdown(socket.SHUT_WR)
                    back.join()
                finally:
                    cut([broker])  # A close would not end the connection while the other thread reads from it.
        except OSError:
            pass

    @staticmethod
    def _pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass

    def cut(self):
        cut(self.sockets)

    def close(self):
        close_listener(self.listener)
        self.cut()
