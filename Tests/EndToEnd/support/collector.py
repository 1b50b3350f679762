"""A collector of traces, which receives spans as OpenTelemetry's protocol sends them over HTTP in JSON."""

import json
import re
import ssl
import threading

from support import quiet_server
from support.processes import wait_until

# The fields of the messages (<https://github.com/open-telemetry/opentelemetry-proto>), by their names in JSON.
FIELDS = {
    "request": {"resourceSpans"}, "resourceSpans": {"resource", "scopeSpans", "schemaUrl"},
    "resource": {"attributes", "droppedAttributesCount"}, "scopeSpans": {"scope", "spans", "schemaUrl"},
    "scope": {"name", "version", "attributes", "droppedAttributesCount"},
    "spans": {
        "traceId", "spanId", "traceState", "parentSpanId", "flags", "name", "kind", "startTimeUnixNano",
        "endTimeUnixNano", "attributes", "droppedAttributesCount", "events", "droppedEventsCount", "links",
        "droppedLinksCount", "status"},
    "status": {"message", "code"}, "attributes": {"key", "value"}, "value": {"stringValue", "intValue"},
}
CONSUMER, ERROR = 5, 2


class Collector:
    """Answers each request with the next of `statuses`, and then with 200. With a certificate it speaks https."""

    def __init__(self, *statuses, certificate=None):
        self.statuses, self.requests, self.flaws = list(statuses), [], []
        self.silent = threading.Event()  # Set by `be_silent`: requests are taken, and none is answered.
        self.server = quiet_server.Server(("127.0.0.1", 0), _Handler)
        self.server.collector = self
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def be_silent(self):
        self.silent.set()
        return self

    def close(self):
        self.silent.clear()
        self.server.shutdown()
        self.server.server_close()

    @property
    def spans(self):
        """The spans that were accepted. Their form was checked."""
        assert self.flaws == []
        return [
            Span(span, resource) for status, _, body in self.requests if status == 200
            for resource in body["resourceSpans"] for scope in resource["scopeSpans"] for span in scope["spans"]]


class Span:
    def __init__(self, content, resource):
        self.content = content
        self.name, self.kind = content["name"], content["kind"]
        self.trace, self.id, self.parent = content["traceId"], content["spanId"], content.get("parentSpanId")
        self.start, self.end = int(content["startTimeUnixNano"]) / 1e9, int(content["endTimeUnixNano"]) / 1e9
        self.attributes, self.resource = _values(content["attributes"]), _values(resource["resource"]["attributes"])
        self.status = content.get("status", {})


def _values(attributes):
    return {each["key"]: next(int(value) if kind == "intValue" else value for kind, value in each["value"].items())
            for each in attributes}


def _flaws(content, kind="request"):
    """What a message has that the protocol does not know, or that has another type there."""
    if isinstance(content, list):
        return [flaw for each in content for flaw in _flaws(each, kind)]
    if not isinstance(content, dict):
        return [f"{kind} is {content!r}"]
    found = [f"{kind}.{name}" for name in content.keys() - FIELDS[kind]]
    for name, value in content.items():
        if name in FIELDS:
            found += _flaws(value, name)
        elif name in ("kind", "code"):
            found += [] if isinstance(value, int) else [f"{name} is {value!r}"]
        elif not isinstance(value, str):  # Also numbers of 64 bits.
            found.append(f"{name} is {value!r}")
    for name, digits in (("traceId", 32), ("spanId", 16), ("parentSpanId", 16)):
        if name in content and not re.fullmatch(f"[0-9a-f]{{{digits}}}", content[name]):
            found.append(f"{name} is {content[name]!r}")
    return found


class _Handler(quiet_server.Handler):
    def do_POST(self):
        collector = self.server.collector
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/traces" or self.headers["Content-Type"] != "application/json":
            collector.flaws.append(f"{self.path}, {self.headers['Content-Type']}")
        collector.flaws += _flaws(body)
        if collector.silent.is_set():
            collector.requests.append((None, dict(self.headers), body))
            wait_until(lambda: not collector.silent.is_set(), what="the end of the silence")
            return
        status = collector.statuses.pop(0) if collector.statuses else 200
        collector.requests.append((status, dict(self.headers), body))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
