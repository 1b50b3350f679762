"""The metrics and probes that a process serves over HTTP."""

import http.client
import re

from support.processes import wait_until

ADDRESS = re.compile(r"serving metrics at (.*):(\d+)")
SAMPLE = re.compile(r"(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


def port_of(process):
    """The port of a process that was started with `--metrics 127.0.0.1:0 -v`."""
    return int(wait_until(lambda: ADDRESS.search(process.stderr), what="an address")[2])


def get(port, path, accept=OPEN_METRICS):
    """The status, the content type, and the text of a response."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={"Accept": accept})
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type"), response.read().decode()
    finally:
        connection.close()


class Metrics:
    """What one scrape has told."""

    def __init__(self, port):
        self.status, self.content_type, self.text = get(port, "/metrics")
        assert self.status == 200 and self.text.endswith("\n# EOF\n"), self.text
        self.samples = {}
        for line in self.text.splitlines():
            if not line.startswith("#"):
                sample = SAMPLE.fullmatch(line)
                labels = frozenset(LABEL.findall(sample["labels"] or ""))
                self.samples[sample["name"], labels] = float(sample["value"])

    def value(self, name, **labels):
        """The value of the one sample that has these labels, beside others. None if there is none."""
        found = [
            value for (other, others), value in self.samples.items() if other == name and labels.items() <= others]
        assert len(found) <= 1, (name, labels, found)
        return found[0] if found else None


def wait_for(port, name, value, **labels):
    """Waits until a metric has this value."""
    wait_until(lambda: Metrics(port).value(name, **labels) == value, what=f"{name} {labels} {value}")
