"""The pages of the documentation: each block of commands is run by a test, each link leads somewhere, and they can be read."""

import re
import shutil
import subprocess

import pytest

from support import readme
from support.snippets import Outcome, assert_outcome, run_in_bash

pytestmark = pytest.mark.any_broker

PAGES = {str(path.relative_to(readme.ROOT)).removeprefix("Sources/amqp-job/Documentation.docc/"): path for path in readme.FILES}

LINE = r"amqp-job: .*\n"  # on standard error
RUN_HERE = {
    ("RetriesAndDeadLetters.md", "Delays that grow"): Outcome("status 1\n", None, told=rf"(?:{LINE})*"),
    ("RetriesAndDeadLetters.md", "Work with dead letters"): Outcome(
        r"status 3\nPOSITION .*\n +1 +42 +1 +failed +3 .*\napple(no such fruit\n)apple", None,
        told=rf"no such fruit\n{LINE}{LINE}"),
    ("Steps.md", "An example"): Outcome("eats: cut and peeled apple\n", []),
    ("Lead.md", "An example"): Outcome("plans as leader 1\n", None, told=rf"(?:{LINE})*"),
    ("Lead.md", "A sidecar"): Outcome(
        r'\{"name":"pod-a","epoch":\d+,"isLeader":true\}\n', None, told=rf"(?:{LINE})*"),
    ("Monitoring.md", "An example"): Outcome(
        r'amqp_job_settled_items_total\{.*,settlement="acked"\} 1\n', [], told=rf"(?:{LINE})*"),
    ("Scaling.md", "Without Kubernetes"): Outcome(r'\{.*"service_time":\d\.\d*,"advice":1\}\n', [], told=rf"(?:{LINE})*"),
    ("WorkerContract.md", "Batches"): Outcome(r"3 items:\n(\w\n){3}2 items:\n(\w\n){2}", [], told=LINE),
    ("Sources.md", "An example"): Outcome("", 2, before=[], told=rf"(?:{LINE})*"),
    ("Publishing.md", "Publishing"): Outcome("", 1006, before=[], files={"photos/1.png": "1", "a.json": "{}"}, told=r"(?:.*\n)*"),
    ("Publishing.md", "Later"): Outcome("", [], before=[]),
    ("Settings.md", "Completion"): Outcome("", [], before=[]),
    ("Operating.md", "Watch a queue"): Outcome(
        r"QUEUE +READY .*\n\S+ +0 +0 +0 +0\n\{.*\}\n(?:.*\n)+", [], told=rf"(?:{LINE})*"),
    ("ComingFromAmqpConsume.md", "Keep the command line"): Outcome(r"\S+\ngot apple\n", [], before=None),
    ("ComingFromRabbitmqCliConsumer.md", "The command"): Outcome(
        "<apple>\n", [], files={"command": '#!/bin/sh\nprintf "<%s>\\n" "$(echo "$1" | base64 -d)"\n'}),
    ("ComingFromCelery.md", "The task"): Outcome(r"tasks\.add 42 \[2, 3\] \{\}\n", []),
}
# Which test runs a block that needs more than that.
RUN_ELSEWHERE = {
    ("README.md", "amqp-job"): "test_pages",
    ("README.md", "Install"): "test_pages",
    ("README.md", "Sixty seconds"): "test_pages",
    ("README.md", "As a Kubernetes Job"): "test_readme",
    ("OnKubernetes.md", "Generate manifests"): "test_readme",
    ("OnKubernetes.md", "Workers in containers of their own"): "test_readme",
    ("Scaling.md", "With KEDA"): "test_readme",
    ("OnKubernetes.md", "Patch a manifest"): "test_manifest_kustomize",
    ("OnKubernetes.md", "Queue length as a metric"): "test_queue_metric",
    ("Monitoring.md", "Prometheus without a cluster"): "test_monitoring",
    **{("k8s/README.md", heading): "test_k8s_readme" for heading in ("Images", "The tutorial", "The others", "Clean up")},
    **{("Recipes.md", heading): "test_recipes" for heading in re.findall("^## (.*)", readme.page("Recipes"), re.MULTILINE)},
}

# Why no test runs a block.
NOT_RUN = {
    (".github/CONTRIBUTING.md", "Build and test"): "it builds a release and runs every test, this one too",
    ("OnKubernetes.md", "Exit statuses in a Job"): "it asks a cluster",
    ("Traces.md", "An example"): "it names a collector; test_traces has one",
}


def shell_blocks():
    """The text of each, by its page and heading. Several under one heading are one."""
    found = {}
    for name, path in PAGES.items():
        heading = ""
        for title, language, block in re.findall(r"^#+ ([^\n]*)|^```(\w+)\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL):
            heading = title or heading
            if language in ("shell", "console", "bash", "sh"):
                found[name, heading] = found.get((name, heading), "") + block
    return found


BLOCKS = shell_blocks()


def test_each_block_is_run():
    assert sorted(BLOCKS) == sorted([*RUN_HERE, *RUN_ELSEWHERE, *NOT_RUN])
    tests = {path.stem for path in readme.ROOT.glob("Tests/EndToEnd/*/test_*.py")}
    assert {*RUN_ELSEWHERE.values()} <= tests


@pytest.mark.parametrize("page, heading", RUN_HERE)
def test_commands(bench, page, heading):
    text = BLOCKS[page, heading].replace("seq 1000000", "seq 1000")
    text = text.replace("sleep 2\n", "until grep -q sleep jobs.log 2>/dev/null; do sleep 0.1; done\n")  # a job has ended
    assert_outcome(bench, text, RUN_HERE[page, heading])


# What differs from run to run.
VARIABLE = [(r"\b\d+m?s\b", "TIME"), (r"(?:localhost|127\.0\.0\.1)(?::\d+)?", "HOST"), (r" +", " ")]


def constant(text, queue):
    text = text.replace(queue, "job1")
    for pattern, word in VARIABLE:
        text = re.sub(pattern, word, text)
    return text


def test_the_recorded_session(bench):
    """The commands print what the README shows."""
    queue = bench.work_queue("quorum", declare=False)
    (session,) = readme.blocks((readme.ROOT / "README.md").read_text(), "console")
    commands = "\n".join(
        f"echo {quoted(line)}\n{line[2:]}" if line.startswith("$ ") else "" for line in session.splitlines())
    result = run_in_bash(
        bench, "set +e\nexec 2>&1\n" + commands.replace("job1", queue.name), BROKER_URL=bench.broker.url)
    assert constant(result.stdout, queue.name) == constant(session, queue.name)


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def place_scripts(bench):
    """Stand-ins for the scripts that build and that start a broker."""
    bench.path("scripts").mkdir()
    for name, text in (
        ("build", f"echo {bench.binary}"),
        ("build-static", f"echo {bench.binary}"),
        ("broker", f'[ "$1" = stop ] || echo {bench.broker.url}'),
        ("demo", ":"),
        ("test", ":"),
    ):
        assert (readme.ROOT / "scripts" / name).is_file()
        bench.file(f"scripts/{name}", f"#!/bin/sh\n{text}\n", mode=0o755)


def test_the_installation(bench):
    place_scripts(bench)
    text = BLOCKS["README.md", "Install"]
    result = run_in_bash(bench, text)
    assert (result.returncode, result.stderr) == (0, ""), result
    assert bench.path(".local/bin/amqp-job").read_bytes()[:4] == b"\x7fELF"


def test_sixty_seconds(bench):
    place_scripts(bench)
    bench.path("k8s").mkdir()
    bench.path("k8s/tutorial").symlink_to(readme.ROOT / "k8s/tutorial")
    queue = bench.work_queue("quorum", declare=False)
    result = run_in_bash(bench, BLOCKS["README.md", "Sixty seconds"].replace("job1", queue.name))
    fruits = ["apple", "banana", "cherry", "date", "fig", "grape", "lemon"]
    assert result.returncode == 0, result
    first = "".join(f"Processing {fruit}\n" for fruit in fruits)
    assert result.stdout == first + "melon\n3\nProcessing melon\n", result
    queue.assert_empty()


def slugs(text):
    """The anchors of its headings, as a code host makes them."""
    headings = re.findall(r"^#+ (.*)", "\n".join(readme.prose(text)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_each_link_leads_somewhere(name):
    path = PAGES[name]
    links = [link for link in re.findall(r"\]\(([^)\s]*)\)", path.read_text()) if "://" not in link]
    for link in links:
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        assert not anchor or anchor in slugs(target.read_text()), link


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_read(name):
    text = PAGES[name].read_text()
    assert len(text.splitlines()) <= (150 if name == "README.md" else 300)
    assert [line for line in readme.prose(text) if len(line) > 120 and not line.startswith("|")] == []


def test_each_page_can_be_found():
    first = readme.page("Documentation")
    assert [name for name in PAGES if "/" not in name and name not in ("README.md", "Documentation.md") and f"({name})" not in first] == []


def test_docc_takes_the_pages():
    if not shutil.which("swift"):
        pytest.skip("no Swift here")
    result = subprocess.run([readme.ROOT / "scripts/docs"], capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr.strip()) == (0, ""), result
    assert (readme.ROOT / ".build/documentation/data/documentation/amqp-job.json").is_file()
