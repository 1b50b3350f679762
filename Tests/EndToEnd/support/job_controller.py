"""Kubernetes' Job controller for pods that are local processes. It follows the documented rules of a Job that is not
indexed.

The rules are from https://kubernetes.io/docs/concepts/workloads/controllers/job/. Where that page is silent, they are
from the controller's source (pkg/controller/job: job_controller.go, backoff_utils.go, pod_failure_policy.go).

- `completions` is set: the Job is complete when that many pods have succeeded. The controller never runs more pods than
completions are left, nor more than `parallelism`.

- `completions` is unset (a work queue): `parallelism` pods run until one succeeds. Then no pod is started any more, and
the Job is complete when all pods have ended, in whatever way.

- `backoffLimit` (default 6): the Job fails with BackoffLimitExceeded when more pods than that have failed. Pods that
the failure policy ignores do not count.

- `podFailurePolicy`: the first rule that matches a failed pod decides. onExitCodes looks at the containers that ended
with a status other than 0, or only at the one that containerName names. FailJob fails the Job with PodFailurePolicy.
Ignore does not count the pod. Count counts it, and so does a policy without a matching rule. In all cases but the first
another pod replaces it.

- `podReplacementPolicy`: Failed, which a failure policy implies, replaces a pod that is being stopped only after it has
ended. TerminatingOrFailed replaces it at once, and counts it as failed.

- `activeDeadlineSeconds`: after that time the Job fails with DeadlineExceeded.

- The controller pauses before it replaces a failed pod: 10 s, doubled with each failure since the last success, and six
minutes at most. The pause counts from the last failure. Failures that the policy ignores prolong it, too.

- A Job that fails deletes its pods. It has failed when they have ended."""

import dataclasses
import queue
import threading
import time

from support import pods

BACK_OFF, LONGEST_BACK_OFF = 10.0, 360.0
BEYOND = ("backoffLimitPerIndex", "maxFailedIndexes", "successPolicy", "suspend", "managedBy")


@dataclasses.dataclass
class Outcome:
    """How a Job ended. `type` is Complete or Failed. `failed` does not count pods that the policy ignores."""

    type: str
    reason: str
    succeeded: int
    failed: int
    pods: list

    @property
    def condition(self):
        return self.type, self.reason


def matches(rule, pod):
    """Whether this rule of a pod failure policy matches the failed pod."""
    if "onPodConditions" in rule:
        return any(
            each["type"] in pod.conditions and each.get("status", "True") == "True" for each in rule["onPodConditions"]
        )
    requirement = rule["onExitCodes"]
    codes = [
        code
        for name, code in pod.exit_codes.items()
        if code != 0 and requirement.get("containerName", name) == name
    ]
    if requirement["operator"] == "In":
        return any(code in requirement["values"] for code in codes)
    assert requirement["operator"] == "NotIn", requirement
    return any(code not in requirement["values"] for code in codes)


def policy_action(policy, pod):
    """Returns FailJob, Ignore or Count."""
    return next((rule["action"] for rule in (policy or {}).get("rules", []) if matches(rule, pod)), "Count")


def wanted_pods(completions, parallelism, succeeded, active):
    """How many pods should run now."""
    if completions is None:
        return active if succeeded else parallelism
    return max(0, min(completions - succeeded, parallelism))


def back_off(failures, first=BACK_OFF):
    """Seconds from the last failure to the next pod. `failures` counts those since the last success."""
    return min(first * 2 ** (failures - 1), first * LONGEST_BACK_OFF / BACK_OFF) if failures else 0.0


class Job:
    """A Job that starts to run when it is made."""

    def __init__(self, manifest, node, back_off_seconds=BACK_OFF):
        """`back_off_seconds` is the first pause. The longest pause is 36 times that."""
        self.name, spec = manifest["metadata"]["name"], manifest["spec"]
        beyond = [field for field in BEYOND if spec.get(field)]
        if beyond or spec.get("completionMode", "NonIndexed") != "NonIndexed":
            raise NotImplementedError(f"{beyond or 'an indexed Job'}")
        self.parallelism = spec.get("parallelism", 1)
        # One pod runs if both are unset. https://kubernetes.io/docs/concepts/workloads/controllers/job/#parallel-jobs
        self.completions = spec.get("completions", None if "parallelism" in spec else 1)
        self.limit = spec.get("backoffLimit", 6)
        self.policy = spec.get("podFailurePolicy")
        self.replaces_ended_only = spec.get("podReplacementPolicy", "Failed" if self.policy else None) == "Failed"
        self.pod_spec = spec["template"]["spec"]
        self.node, self.first_back_off = node, back_off_seconds
        self.pods, self._ended, self._counted = [], set(), set()
        self.succeeded = self.failed = self._failures = 0
        self._last_failure = None
        self._failure = None  # The reason, once the Job is failing.
        self._closed = False
        self._deadline = time.monotonic() + spec["activeDeadlineSeconds"] if "activeDeadlineSeconds" in spec else None
        self._events, self._outcome = queue.Queue(), queue.Queue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self, timeout=80.0):
        """Waits for the Job to end, and returns the outcome."""
        try:
            ended = self._outcome.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"the Job still runs after {timeout} s: {self.pods}") from None
        if isinstance(ended, Exception):
            raise ended
        return ended

    def disrupt(self, pod):
        """Evicts the pod, as draining its node does."""
        pod.conditions.add("DisruptionTarget")
        self.delete(pod)

    def delete(self, pod):
        """Deletes the pod, as `kubectl delete pod` does."""
        pod.delete()
        self._events.put(None)

    def close(self):
        """Ends the Job at once, as `kubectl delete job --now` does."""
        self._closed = True
        self._events.put(None)
        self._thread.join()
        for pod in self.pods:
            pod.kill()

    # The controller looks at everything again after each event.

    def _run(self):
        try:
            self._outcome.put(self._control())
        except Exception as error:  # A test waits for the outcome, and gets the error instead.
            self._outcome.put(error)

    def _control(self):
        while not self._closed and (outcome := self._sync()) is None:
            due = [when for when in (self._deadline, self._may_start_at()) if when is not None]
            wait = min(due) - time.monotonic() if due and not self._failure else None
            try:
                ended = self._events.get(timeout=max(wait, 0.0) if wait is not None else None)
            except queue.Empty:
                continue
            if ended is not None:
                if ended.error:
                    raise ended.error
                self._ended.add(ended)
                self._count(ended)
        return None if self._closed else outcome

    def _running(self):
        """The pods whose end is not known yet: the active ones, and the terminating ones."""
        active, terminating = [], []
        for pod in self.pods:
            if pod not in self._ended:
                (terminating if pod.terminating else active).append(pod)
        return active, terminating

    def _count(self, pod):
        if pod in self._counted:
            return
        self._counted.add(pod)
        if pod.phase == "Succeeded":
            self.succeeded += 1
            self._failures = 0
            return
        self._failures += 1
        self._last_failure = time.monotonic()
        action = policy_action(self.policy, pod)
        if action == "FailJob":
            self._failure = self._failure or "PodFailurePolicy"
        if action != "Ignore":
            self.failed += 1

    def _may_start_at(self):
        """When the pause after the last failure ends. None if it has ended, or if no pod waits for it."""
        end = self._last_failure + back_off(self._failures, self.first_back_off) if self._failures else 0.0
        return end if end > time.monotonic() else None

    def _sync(self):
        """Looks at everything once. Returns the outcome as soon as there is one."""
        active, terminating = self._running()
        if not self.replaces_ended_only:
            for pod in terminating:
                self._count(pod)
        if not self._failure and self.failed > self.limit:
            self._failure = "BackoffLimitExceeded"
        if not self._failure and self._deadline is not None and time.monotonic() >= self._deadline:
            self._failure = "DeadlineExceeded"
        if self._failure:
            for pod in active:
                pod.delete()
            return None if active or terminating else self._end("Failed", self._failure)
        wanted = wanted_pods(self.completions, self.parallelism, self.succeeded, len(active))
        for pod in active[wanted:]:
            pod.delete()
        missing = wanted - len(active) - (len(terminating) if self.replaces_ended_only else 0)
        if missing > 0 and not self._may_start_at():
            for _ in range(missing):
                name = f"{self.name}-{len(self.pods) + 1}"
                self.pods.append(pods.Pod(self.node, name, self.pod_spec, self._events.put))
                self.pods[-1].start()
            return None
        enough = self.succeeded > 0 if self.completions is None else self.succeeded >= self.completions
        return self._end("Complete", "") if enough and not active and not terminating else None

    def _end(self, kind, reason):
        return Outcome(kind, reason, self.succeeded, self.failed, self.pods)
