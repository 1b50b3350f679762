"""The parts of a Kubernetes API server that kubectl needs
(https://kubernetes.io/docs/reference/using-api/api-concepts/). The server tells which kinds exist. It keeps objects,
which can be created, read, changed and deleted. It acts on them in two ways only: a StatefulSet leaves a volume for
each of its claims, and deleting an object deletes what it owns."""

import http.server
import json
import threading
import urllib.parse
import uuid

# {group and version: {plural: (kind, short name)}}. Every kind lives in namespaces.
KINDS = {
    "v1": {
        "configmaps": ("ConfigMap", "cm"), "persistentvolumeclaims": ("PersistentVolumeClaim", "pvc"),
        "pods": ("Pod", "po"), "secrets": ("Secret", ""), "services": ("Service", "svc"),
    },
    "apps/v1": {"deployments": ("Deployment", "deploy"), "statefulsets": ("StatefulSet", "sts")},
    "autoscaling/v2": {"horizontalpodautoscalers": ("HorizontalPodAutoscaler", "hpa")},
    "batch/v1": {"cronjobs": ("CronJob", "cj"), "jobs": ("Job", "")},
    "keda.sh/v1alpha1": {
        "scaledjobs": ("ScaledJob", "sj"), "scaledobjects": ("ScaledObject", "so"),
        "triggerauthentications": ("TriggerAuthentication", "ta"),
    },
    "monitoring.coreos.com/v1": {"podmonitors": ("PodMonitor", "pmon"), "prometheusrules": ("PrometheusRule", "promrule")},
    "networking.k8s.io/v1": {"networkpolicies": ("NetworkPolicy", "netpol")},
}
VERBS = ["create", "delete", "get", "list", "patch"]


def discovery(path):
    """The answer to a request for kinds, or None."""
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = [version.split("/") for version in KINDS if "/" in version]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [
            {"name": group, "versions": [{"groupVersion": f"{group}/{version}", "version": version}],
             "preferredVersion": {"groupVersion": f"{group}/{version}", "version": version}}
            for group, version in groups]}
    version = path.removeprefix("/apis/").removeprefix("/api/")
    if version not in KINDS:
        return None
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": [
        {"name": plural, "singularName": kind.lower(), "kind": kind, "namespaced": True, "verbs": VERBS,
         "shortNames": [short] if short else []}
        for plural, (kind, short) in KINDS[version].items()]}


class ApiServer:
    def __init__(self):
        self.objects = {}  # The keys are paths.
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                code, value = server.answer(self.command, urllib.parse.urlsplit(self.path), json.loads(body or "{}"))
                data = json.dumps(value).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = answer

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    @property
    def names(self):
        """The (kind, name) of each object."""
        return {(each["kind"], each["metadata"]["name"]) for each in self.objects.values()}

    def answer(self, method, url, body):
        """The status and the object that answer a request."""
        found = discovery(url.path) if method == "GET" else None
        if found:
            return 200, found
        if method == "POST":
            path = f"{url.path}/{body['metadata']['name']}"
            return (409, status("AlreadyExists", path)) if path in self.objects else (201, self.add(path, body))
        if url.path in self.objects:
            return 200, self.delete(url.path) if method == "DELETE" else self.objects[url.path]
        if method == "GET" and url.path.rpartition("/")[2] in {plural for kinds in KINDS.values() for plural in kinds}:
            return 200, self.list(url)
        return 404, status("NotFound", url.path)

    def list(self, url):
        (version, kind), = [
            (version, kind) for version, kinds in KINDS.items() for plural, (kind, _) in kinds.items()
            if plural == url.path.rpartition("/")[2]]
        selector = urllib.parse.parse_qs(url.query).get("labelSelector", [""])[0]
        labels = dict(each.split("=") for each in selector.split(",") if each)
        items = [
            each for path, each in self.objects.items() if path.rpartition("/")[0] == url.path
            and labels.items() <= each["metadata"].get("labels", {}).items()]
        return {"kind": f"{kind}List", "apiVersion": version, "metadata": {"resourceVersion": "1"}, "items": items}

    def add(self, path, value):
        namespace = path.split("/namespaces/")[1].split("/")[0]
        value["metadata"] |= {"uid": str(uuid.uuid4()), "resourceVersion": "1", "namespace": namespace}
        self.objects[path] = value
        for claim in value.get("spec", {}).get("volumeClaimTemplates", []):
            name = f"{claim['metadata']['name']}-{value['metadata']['name']}-0"
            kept = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}}
            claims = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}"
            self.objects.get(claims) or self.add(claims, kept)
        return value

    def delete(self, path):
        gone = self.objects.pop(path)
        for other, value in list(self.objects.items()):
            owners = value["metadata"].get("ownerReferences", [])
            if any(owner["uid"] == gone["metadata"]["uid"] for owner in owners):
                self.delete(other)
        return {"kind": "Status", "apiVersion": "v1", "status": "Success", "details": {"uid": gone["metadata"]["uid"]}}


def status(reason, path):
    code = {"AlreadyExists": 409, "NotFound": 404}[reason]
    return {
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code, "message": f"{path}: {reason}",
        "details": {"name": path.rpartition("/")[2]}}
