"""A Kubernetes API server, over https, that takes patches of pods and nothing else, and the service account of a pod."""

import http.server
import json
import shutil
import ssl
import threading

from support import processes
from support import tls

ANNOTATION = "controller.kubernetes.io/pod-deletion-cost"
ISOLATE = str(processes.HERE / "isolate.py")


class PodServer:
    """`status` is that of its answers."""

    def __init__(self, bench, certificate="server", status=200):
        self.requests, self.status = [], status
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PATCH(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append((self.path, dict(self.headers), body))
                self.send_response(server.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.pem(certificate))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        bench.closers += [self._server.shutdown, self._server.server_close]
        self.port = self._server.server_address[1]

    @property
    def costs(self):
        """What it was told, in order."""
        return [body["metadata"]["annotations"][ANNOTATION] for _, _, body in self.requests]


class Pod:
    """The place of a runner in a pod of the namespace fruits."""

    def __init__(self, bench, port, name="apple-1"):
        self.account = bench.path("account")
        self.account.mkdir()
        shutil.copy(tls.CA, self.account / "ca.crt")
        (self.account / "namespace").write_text("fruits")
        self.rotate("first")
        self._bench = bench
        self._environment = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(port), "POD_NAME": name}

    def rotate(self, token):
        (self.account / "token").write_text(token + "\n")

    def start(self, *arguments, **options):
        prefix = [processes.PYTHON, "-IS", ISOLATE, "service-account", str(self.account)]
        return self._bench.start("--deletion-cost", *arguments, env=self._environment, prefix=prefix, **options)
