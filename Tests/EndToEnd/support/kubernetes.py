"""Validates Kubernetes objects. The schemas are the official ones (PyPI's kubernetes-validate has them) of the oldest
and the newest supported Kubernetes. A field that the schema does not know is an error. KEDA's objects have to fulfil
what its CRDs require (https://github.com/kedacore/keda/tree/main/config/crd/bases)."""

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

_TRIGGERS = _list(_object(
    ["type", "metadata"], type=_STRING, name=_STRING, metricType={"enum": ["AverageValue", "Value", "Utilization"]},
    useCachedMetrics={"type": "boolean"}, metadata={"type": "object", "additionalProperties": _STRING},
    authenticationRef=_object(["name"], name=_STRING, kind=_STRING)))

# The metadata that this trigger takes over AMQP: https://keda.sh/docs/latest/scalers/rabbitmq-queue/
_RABBITMQ = _object(
    ["queueName", "mode", "value"], queueName=_STRING, mode={"const": "QueueLength"},
    value={"type": "string", "pattern": "^[1-9][0-9]*$"}, activationValue={"type": "string", "pattern": "^[0-9]+$"},
    protocol={"const": "amqp"}, vhostName=_STRING, hostFromEnv=_STRING)

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


def load_all(text):
    """The objects of a YAML stream."""
    return [value for value in yaml.safe_load_all(text) if value is not None]


def validate(value):
    """Raises an error, which names the place, if the object is not valid in one of the versions."""
    if value["apiVersion"].startswith("keda.sh/"):
        return _validate_keda(value)
    for version in (OLDEST, NEWEST):
        kubernetes_validate.validate(value, version, strict=True)
    return None


def _validate_keda(value):
    assert value["apiVersion"] == "keda.sh/v1alpha1", value["apiVersion"]
    kind = value["kind"]
    jsonschema.validate(value, _object(
        ["apiVersion", "kind", "metadata", "spec"], apiVersion=_STRING, kind=_STRING, metadata=_ANYTHING,
        spec=_KEDA[kind]))
    # The metadata follow the same rules as those of any object.
    validate({"apiVersion": "v1", "kind": "ConfigMap", "metadata": value["metadata"]})
    spec = value["spec"]
    if kind == "ScaledJob":
        validate({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, "spec": spec["jobTargetRef"]})
    for trigger in spec.get("triggers", []):
        if trigger["type"] == "rabbitmq":
            jsonschema.validate(trigger["metadata"], _RABBITMQ)
            assert "hostFromEnv" in trigger["metadata"] or "authenticationRef" in trigger, "no host for the trigger"
