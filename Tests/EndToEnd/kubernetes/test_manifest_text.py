"""amqp-job manifest: any text stays as it is, and text that cannot is refused."""

import random
import re
import unicodedata

import pytest

from support import manifests
from support.manifests import KINDS, container, environment, make

pytestmark = pytest.mark.any_broker

NASTY = [
    "", " ", "yes", "No", "y", "on", "off", "true", "null", "~", "1.0", "1", "-1", "0x1f", "0o17", "1_000", "1e3",
    "12:30:45", "2026-01-01", "2026-01-01T00:00:00Z", ".inf", ".nan", "=", "<<", "- a", "-", "--", "---", "...", "a: b",
    "a:", "a #b", "#a", "?", "? a", "[a, b]", "{a: b}", "*a", "&a", "!a", "!!str a", "|", ">-", "%a", "@a", "`a", " a ",
    "a  b", "'", '"', "it's", '"a"', "\\", "\\n", "a\nb", "\n", "a\n", "\n a", "a\r\nb", "\t", "a\tb", "\x01", "\x7f",
    "\x85", "\xa0", "é", "日本", "\u2028", "\ufeff", "\ue000", "😀", "e\u0301", "$", "$$", "$HOME", "$(date)",
    "$(QUEUE)", "$$(QUEUE)", "$$$", "${QUEUE}", "%{a}", "a,b", "[", "]", "}", ",", "x" * 5000, " ".join(["word"] * 500), "\n".join(["line"] * 50),
]
VARIABLES = {"BROKER_URL": "amqp://u:p@h"}


def text(generator):
    """Text that is likely to be damaged."""
    alphabet = "$()'\"\\:#-?,[]{}&*!|>%@` \n\t\r\x07\x85\u2028yn01.~=<éß日😀"
    return "".join(generator.choice(alphabet) for _ in range(generator.randrange(12)))


@pytest.mark.parametrize("kind", KINDS)
def test_nasty_arguments_and_variables(bench, kind):
    generator = random.Random(4)
    texts = NASTY + [text(generator) for _ in range(300)]
    options = [word for number, each in enumerate(texts) for word in ("--env", f"V{number}={each}")]
    worker = container(kind, make(bench, kind, *options, command=["worker", *texts]))
    words, variables = manifests.command(worker, VARIABLES)
    assert words[words.index("--") + 2:] == texts
    assert [variables[f"V{number}"] for number in range(len(texts))] == texts


def test_nasty_queue_names(bench):
    """Control characters are left out, because no queue's name has them."""
    generator = random.Random(5)
    names = set()
    queues = {
        "".join(character for character in each[:60] if unicodedata.category(character) != "Cc")
        for each in NASTY + [text(generator) for _ in range(30)]
    } - {""}
    for queue in sorted(queues):
        found = make(bench, "scaledjob", queue=queue)
        assert environment(container("scaledjob", found), VARIABLES)["QUEUE"] == queue
        assert found[1]["spec"]["triggers"][0]["metadata"]["queueName"] == queue
        name = found[1]["metadata"]["name"]
        assert re.fullmatch("[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?", name), (queue, name)
        names.add(name)
    assert len(names) > len(queues) / 2


@pytest.mark.parametrize("queue, name", [
    ("job1", "job1"), ("Fruits.Citrus_eu", "fruits-citrus-eu"), ("a//b", "a-b"), ("yes", "yes"), ("1", "1")])
def test_names_resemble_the_queues(bench, queue, name):
    assert make(bench, "job", queue=queue)[0]["metadata"]["name"] == name


def test_a_long_name_is_shortened(bench):
    names = [make(bench, "job", queue="orders-" * 35 + end)[0]["metadata"]["name"] for end in ("a", "b")]
    assert names[0] != names[1] and all(len(name) <= 52 and name.startswith("orders-orders-") for name in names)


@pytest.mark.parametrize("kind, options, text", [
    ("job", ["--name", "Job"], "--name"), ("job", ["--name", "a.b"], "--name"), ("job", ["--name", "x" * 53], "--name"),
    ("job", ["--name", ""], "--name"), ("job", ["--namespace", "a.b"], "--namespace"),
    ("job", ["--secret", "A"], "--secret"), ("job", ["--tls-secret", "A"], "--tls-secret"),
    ("job", ["--token-secret", "A"], "--token-secret"),
    ("job", ["--env", "A"], "--env"), ("job", ["--env", "=a"], "--env"),
    ("job", ["--env", "1=a"], "--env"), ("job", ["--env", "A B=c"], "--env"),
    ("job", ["--env", "A=1", "--env", "A=2"], "twice"), ("job", ["--env", "QUEUE=other"], "QUEUE"),
    ("job", ["--env", "BROKER_URL=amqp://h"], "BROKER_URL"), ("job", ["--env", "AMQP_JOB_GRACE=1h"], "option"),
    ("job", ["--runner-image", "a"], "--inject"), ("job", ["--inject", "--runner-image", "A B"], "--runner-image"),
    ("job", ["--inject=sidecar"], "init or image-volume"), ("job", ["--parallelism", "0"], "--parallelism"),
    ("job", ["--user", "0"], "--user"), ("job", ["--cpu", "lots"], "--cpu"), ("job", ["--memory", "1GB"], "--memory"),
    ("job", ["--memory", "2Gi", "--memory-limit", "1Gi"], "--memory-limit"), ("job", ["--memory", "0"], "--memory"),
    ("job", ["--on-term", "finish"], "--timeout"), ("deployment", ["--on-term", "finish"], "--timeout"),
    ("job", ["--result-queue", "job1"], "--result-queue"), ("deployment", ["--result-queue", "job1.dead"], "--result-queue"),
    ("job", ["--result-on", "success"], "--result-queue"), ("scaledjob", ["--result-max", "1KiB"], "--result-queue"),
    ("job", ["--plain", "--max-attempts", "2"], "--plain"), ("job", ["--drain", "--completions", "2"], "--drain"),
    ("job", ["--completions", "0"], "--completions"), ("job", ["--active-deadline", "0"], "--active-deadline"),
    ("job", ["--ttl", "0s"], "--ttl"), ("job", ["--schedule", "@daily"], "cronjob"),
    ("job", ["--target", "2"], "--target"),
    ("cronjob", ["--schedule", "often"], "--schedule"), ("cronjob", ["--drain"], "--drain"),
    ("cronjob", ["--schedule", "99 * * * *"], "--schedule '99 * * * *': its minute is from 0 to 59, not '99'"),
    ("cronjob", ["--schedule", "0 0 31 2 *"], "it never comes"), ("cronjob", ["--schedule", "TZ=UTC 0 3 * * *"], "timeZone"),
    ("job", ["--timeout", "2h", "--active-deadline", "1h"], "--active-deadline"),
    ("scaledjob", ["--timeout", "25h"], "--active-deadline"),
    ("job", ["--wait-first", "2h", "--active-deadline", "1h"], "--wait-first"),
    ("deployment", ["--wait-first", "soon"], "--wait-first"),
    ("job", ["--cpu", "2", "--cpu-limit", "1"], "--cpu-limit"), ("job", ["--cpu-limit", "much"], "--cpu-limit"),
    ("job", ["--pull-secret", "A"], "--pull-secret"), ("job", ["--pull-secret", "a", "--pull-secret", "a"], "twice"),
    ("job", ["--service-account", "a_b"], "--service-account"),
    ("job", ["--service-account", "a", "--service-account", "b"], "--service-account"),
    ("job", ["--node-selector", "disk"], "--node-selector"),
    ("job", ["--node-selector", "a=1", "--node-selector", "a=2"], "twice"),
    ("job", ["--toleration", "gpu:never"], "--toleration"), ("job", ["--toleration", ""], "--toleration"),
    ("job", ["--toleration", "gpu", "--toleration", "gpu"], "twice"),
    ("job", ["--label", "a=b c"], "--label"), ("job", ["--label", "a=1", "--label", "a=2"], "twice"),
    ("job", ["--label", "app.kubernetes.io/name=other"], "app.kubernetes.io/name"),
    ("deployment", ["--label", "app.kubernetes.io/instance=other"], "app.kubernetes.io/instance"),
    ("job", ["--label", "job-name=other"], "job-name"),
    ("job", ["--annotation", "a b=c"], "--annotation"), ("job", ["--annotation", "a=1", "--annotation", "a=2"], "twice"),
    ("job", ["--annotation", "a=" + "x" * 120_000, "--annotation", "b=" + "x" * 120_000, "--annotation",
             "c=" + "x" * 120_000], "256 KiB"),
    ("job", ["--volume", "a:/a"], "--volume"), ("job", ["--volume", "claim/a:a"], "--volume"),
    ("job", ["--volume", "claim/a:/a:rw"], "--volume"), ("job", ["--volume", "claim/a:/tmp"], "/tmp"),
    ("job", ["--volume", "claim/a:/run"], "/run/amqp-job"), ("job", ["--volume", "claim/a:/a/b", "--volume",
                                                                      "secret/b:/a"], "/a/b"),
    ("job", ["--inject", "--volume", "claim/a:/opt/amqp-job"], "/opt/amqp-job"),
    ("job", ["--tls-secret", "a", "--volume", "claim/a:/etc/amqp-job"], "/etc/amqp-job/tls"),
    ("deployment", ["--ttl", "1h"], "--ttl"), ("deployment", ["--metric", "a/b"], "--metric"),
    ("scaledobject", ["--metric", "a"], "--metric"), ("scaledjob", ["--completions", "2"], "--completions"),
    ("job", ["--storage", "1Gi"], "--storage"), ("job", ["--retry-delay", "50d"], "--retry-delay"),
    ("job", ["--metrics", "9464"], "--metrics"), ("job", ["--metrics", ":0"], "not 0"),
    ("job", ["--metrics", "127.0.0.1:9464"], "only the pod itself reaches 127.0.0.1:9464"),
    ("job", ["--env", "AMQP_JOB_METRICS=:9464"], "use the option --metrics"),
    ("deployment", ["--env", "AMQP_JOB_BATCH=10"], "use the option --batch"),
    ("deployment", ["--batch", "10", "--feed", "lines", "--env", "AMQP_JOB_PARALLELISM=200"], "at most 1000"),
    ("deployment", ["--env", "AMQP_JOB_ON_FAILURE=reject"], "run in the pods would refuse this: --on-failure from AMQP_JOB_ON_FAILURE excludes --max-attempts"),
    ("deployment", ["--env", "AMQP_JOB_PROGRESS=true"], "AMQP_JOB_PROGRESS goes with"),
    ("cronjob", ["--max-item-age", "1h", "--env", "AMQP_JOB_ASSUME=classic"], "no dead letters"),
    ("pod", [], "job, cronjob"), ("job", ["--nope"], "--nope"),
    ("job", ["--reject-on", "2"], "there is no option --reject-on: run in the pods gets it by --env AMQP_JOB_REJECT_ON=..."),
    ("job", ["--forever"], "an option of run that the manifest sets itself"), ("job", ["-n", "ns"], "did you mean --namespace?"),
    ("job", ["--env", "AMQP_JOB_GRACE=1h"], "use the option --grace"),
    ("job", ["--env", "AMQP_JOB_FOREVER=true"], "the manifest does"),
], ids=lambda value: value if isinstance(value, str) else " ".join(value)[:30])
def test_bad_usage(bench, kind, options, text):
    result = manifests.run(bench, kind, *options)
    result.assert_error(64, text)
    assert result.stdout == b""


@pytest.mark.parametrize("command, warning", [
    (["python3 x.py"], "'python3 x.py': that is one word; write its words without quotes around them all: python3 x.py"),
    (["cat | wc -l"], "write: sh -c 'cat | wc -l'"),
])
def test_a_command_in_quotes_is_warned_of(bench, command, warning):
    result = manifests.run(bench, "deployment", command=command)
    assert result.status == 0 and len(result.lines) == 1 and warning in result.stderr, result


@pytest.mark.parametrize("variable, meant", [
    ("AMQP_JOB_TIMOUT", "did you mean --timeout?"), ("AMQP_JOB_KEEP_STDER", "did you mean AMQP_JOB_KEEP_STDERR=...?"),
    ("AMQP_JOB_INTERVAL", "is ignored there"),
])
def test_a_variable_that_is_no_setting_is_warned_of(bench, variable, meant):
    result = manifests.run(bench, "cronjob", "--env", f"{variable}=s3cret", "--env", "AMQP_JOB_REJECT_ON=2")
    assert result.status == 0 and len(result.lines) == 1, result
    assert f"--env {variable}=... is no setting of run" in result.stderr and meant in result.stderr
    assert "s3cret" not in result.stderr


@pytest.mark.parametrize("words, text", [
    ([], "KIND"), (["job"], "COMMAND"), (["job", "--", "x"], "queue"), (["job", "-q", "q", "--", "x"], "--image"),
    (["job", "-q", "q", "--image", "a b", "--", "x"], "--image"),
    (["job", "-q", "q", "--image", "A", "--", "x"], "--image"),
    (["job", "-q", "q", "--image", "", "--", "x"], "--image"),
    (["cronjob", "-q", "q", "--image", "a", "--", "x"], "--schedule"),
    (["job", "-q", "q", "--image", "a", "--", "x"], "no broker"),
    (["job", "-q", "q", "--image", "a", "--completions", "1", "--", b"\xff"], "UTF-8"),
    (["deployment", "-q", "a queue", "--image", "a", "--", "x"], "label"),
], ids=str)
def test_missing_options_are_refused(bench, words, text):
    bench.run(*words, command="manifest", url=None).assert_error(64, text)


def test_help(bench):
    result = bench.run("--help", command="manifest", url=None)
    assert result.status == 0 and all(kind in result.stdout.decode() for kind in manifests.OBJECTS)
    assert max(len(line) for line in result.stdout.decode().splitlines()) <= 80
