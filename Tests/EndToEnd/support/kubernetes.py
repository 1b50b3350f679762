"""Validates Kubernetes objects. The schemas are the official ones (PyPI's kubernetes-validate has them) of the oldest
and the newest supported Kubernetes. A field that the schema does not know is an error. The objects of KEDA and of the
Prometheus Operator have to fulfil what the CRDs of these require (https://github.com/kedacore/keda/tree/main/config/crd/bases,
https://github.com/prometheus-operator/prometheus-operator/tree/main/example/prometheus-operator-crd)."""

import functools

from support import fetched

yaml = fetched.package("yaml")
jsonschema = fetched.package("jsonschema")
kubernetes_validate = fetched.package("kubernetes_validate")
fetched.package("kubernetes_validate.utils")

OLDEST = "1.31"  # k8s/README.md says why.
NEWEST = kubernetes_validate.utils.latest_version()

# Each schema is some megabytes of JSON, so it is read once.
kubernetes_validate.utils.schema_contents = functools.lru_cache(maxsize=None)(
    kubernetes_validate.utils.schema_contents)


def _object(required, **properties):
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _list(items):
    return {"type": "array", "items": items, "minItems": 1}


_STRING, _COUNT, _ANYTHING = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "object"}
_STRINGS = {"type": "object", "additionalProperties": _STRING}

_TRIGGERS = _list(_object(
    ["type", "metadata"], type=_STRING, name=_STRING, metricType={"enum": ["AverageValue", "Value", "Utilization"]},
    useCachedMetrics={"type": "boolean"}, metadata=_STRINGS,
    authenticationRef=_object(["name"], name=_STRING, kind=_STRING)))

# The metadata that this trigger takes over AMQP: https://keda.sh/docs/latest/scalers/rabbitmq-queue/
_RABBITMQ = _object(
    ["queueName", "mode", "value"], queueName=_STRING, mode={"const": "QueueLength"},
    value={"type": "string", "pattern": "^[1-9][0-9]*$"}, activationValue={"type": "string", "pattern": "^[0-9]+$"},
    protocol={"const": "amqp"}, vhostName=_STRING, hostFromEnv=_STRING)

# The metadata that this trigger needs: https://keda.sh/docs/latest/scalers/prometheus/
_PROMETHEUS = _object(
    ["serverAddress", "query", "threshold"], serverAddress={"type": "string", "pattern": "^https?://."}, query=_STRING,
    threshold={"type": "string", "pattern": "^[0-9.]+$"}, activationThreshold={"type": "string", "pattern": "^[0-9.]+$"},
    ignoreNullValues={"enum": ["true", "false"]})

_KEDA = {
    "ScaledJob": _object(
        ["jobTargetRef", "triggers"], jobTargetRef=_ANYTHING, pollingInterval=_COUNT, minReplicaCount=_COUNT,
        maxReplicaCount=_COUNT, successfulJobsHistoryLimit=_COUNT, failedJobsHistoryLimit=_COUNT,
        envSourceContainerName=_STRING, triggers=_TRIGGERS,
        rollout=_object(
            [], strategy={"enum": ["default", "gradual"]}, propagationPolicy={"enum": ["background", "foreground"]}),
        scalingStrategy=_object(
            [], strategy={"enum": ["default", "custom", "accurate", "eager"]}, pendingPodConditions=_list(_STRING))),
    "ScaledObject": _object(
        ["scaleTargetRef", "triggers"], pollingInterval=_COUNT, cooldownPeriod=_COUNT, initialCooldownPeriod=_COUNT,
        minReplicaCount=_COUNT, idleReplicaCount=_COUNT, maxReplicaCount=_COUNT, fallback=_ANYTHING,
        advanced=_ANYTHING, triggers=_TRIGGERS,
        scaleTargetRef=_object(
            ["name"], name=_STRING, kind=_STRING, apiVersion=_STRING, envSourceContainerName=_STRING)),
    "TriggerAuthentication": _object(
        [], secretTargetRef=_list(
            _object(["parameter", "name", "key"], parameter=_STRING, name=_STRING, key=_STRING)),
        env=_list(_object(["parameter", "name"], parameter=_STRING, name=_STRING, containerName=_STRING))),
}

_DURATION = {"type": "string", "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$", "minLength": 2}

# promtool checks what is in the rules.
_PROMETHEUS_OPERATOR = {
    "PodMonitor": _object(
        ["selector", "podMetricsEndpoints"], jobLabel=_STRING, podTargetLabels=_list(_STRING),
        selector=_object(["matchLabels"], matchLabels=_STRINGS),
        namespaceSelector=_object([], any={"type": "boolean"}, matchNames=_list(_STRING)),
        podMetricsEndpoints=_list(_object(
            ["port"], port=_STRING, path={"type": "string", "pattern": "^/"}, interval=_DURATION, scrapeTimeout=_DURATION,
            params={"type": "object", "additionalProperties": _list(_STRING)}))),
    "PrometheusRule": _object(
        ["groups"], groups=_list(_object(
            ["name", "rules"], name=_STRING, interval=_DURATION,
            rules=_list(_object(
                ["expr"], record=_STRING, alert=_STRING, expr=_STRING, labels=_STRINGS, annotations=_STRINGS,
                **{"for": _DURATION}))))),
}

_CUSTOM = {"keda.sh/v1alpha1": _KEDA, "monitoring.coreos.com/v1": _PROMETHEUS_OPERATOR}


def load_all(text):
    """The objects of a YAML stream."""
    return [value for value in yaml.safe_load_all(text) if value is not None]


def validate(value):
    """Raises an error, which names the place, if the object is not valid in one of the versions."""
    if value["apiVersion"] in _CUSTOM:
        return _validate_custom(value)
    for version in (OLDEST, NEWEST):
        kubernetes_validate.validate(value, version, strict=True)
    return None


def _validate_custom(value):
    kind = value["kind"]
    jsonschema.validate(value, _object(
        ["apiVersion", "kind", "metadata", "spec"], apiVersion=_STRING, kind=_STRING, metadata=_ANYTHING,
        spec=_CUSTOM[value["apiVersion"]][kind]))
    # The metadata follow the same rules as those of any object.
    validate({"apiVersion": "v1", "kind": "ConfigMap", "metadata": value["metadata"]})
    spec = value["spec"]
    if kind == "ScaledJob":
        validate({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, "spec": spec["jobTargetRef"]})
    for trigger in spec.get("triggers", []):
        if trigger["type"] == "rabbitmq":
            jsonschema.validate(trigger["metadata"], _RABBITMQ)
            assert "hostFromEnv" in trigger["metadata"] or "authenticationRef" in trigger, "no host for the trigger"
        elif trigger["type"] == "prometheus":
            jsonschema.validate(trigger["metadata"], _PROMETHEUS)
