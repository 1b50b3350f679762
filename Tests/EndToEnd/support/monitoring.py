"""What k8s/monitoring has: monitors, rules and a dashboard."""

import json

from support import overlays
from support.prometheus import without_variables

OBJECTS = overlays.objects("monitoring")


def _of_kind(kind):
    return [each for each in OBJECTS if each["kind"] == kind]


MONITORS = {each["metadata"]["name"]: each["spec"] for each in _of_kind("PodMonitor")}
(RULE_FILE,) = (each["spec"] for each in _of_kind("PrometheusRule"))
RULES = [rule for group in RULE_FILE["groups"] for rule in group["rules"]]
(DASHBOARD,) = (
    json.loads(each["data"]["amqp-job.json"]) for each in _of_kind("ConfigMap")
    if each["metadata"]["labels"].get("grafana_dashboard") == "1")
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
PANEL_EXPRESSIONS = [without_variables(target["expr"]) for panel in PANELS for target in panel["targets"]]
EXPRESSIONS = [*(rule["expr"] for rule in RULES), *PANEL_EXPRESSIONS]
