"""Newlines at the end of settings, and other control characters. `echo`, editors and YAML leave a newline, so it is
removed. Names may contain no other control character."""

import json
import subprocess

import pytest

from support.debian_tools import are_installed
from support.processes import read_proc

pytestmark = pytest.mark.any_broker

ENDS = pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
SECRET = "Sup3rSecret"


# A newline at the end


@ENDS
@pytest.mark.parametrize("way", ["-q", "QUEUE", "AMQP_QUEUE"])
def test_queue_of_run_with_a_newline(bench, way, end):
    queue = bench.work_queue("quorum", b"apple")
    worker = bench.worker()
    name = queue.name + end
    arguments, env = (["-q", name], {}) if way == "-q" else ([], {way: name})
    result = bench.run(*arguments, env=env, worker=worker)
    assert (result.status, result.stderr) == (0, ""), result
    assert worker.environment["WORK_ITEM_QUEUE"] == queue.name
    assert "QUEUE" not in worker.environment, "it was used, so it is withheld"
    queue.assert_empty()


@ENDS
def test_queue_of_other_commands_with_a_newline(bench, end):
    """Every command means the same queue, with or without the newline."""
    queue = bench.work_queue("quorum", declare=False)
    name = queue.name + end
    arguments = [name, "--exchange", "amq.topic" + end, "--routing-key", queue.name + ".key" + end, "--arg", "x-message-ttl=3600000" + end]
    result = bench.run(*arguments, command="declare")
    assert (result.status, result.stderr) == (0, ""), result
    assert all(each.exists() for each in queue.family)
    queue.put(b"apple", exchange="amq.topic", routing_key=queue.name + ".key")
    assert bench.run("-q", name, "banana", command="publish").status == 0
    for arguments, env in (([name], {}), ([], {"QUEUE": name})):
        shown = json.loads(bench.run(*arguments, "--json", command="status", env=env).stdout)
        assert (shown["queue"], shown["ready"], shown["retry"], shown["dead"]) == (queue.name, 2, 0, 0)
    queue.dead.put(b"cherry", message_id="42")
    assert b"42" in bench.run("list" + end, name, command="dead").stdout
    assert bench.run("replay", name, "--id", "42" + end, command="dead").status == 0
    assert queue.depth() == 3
    attempts = ["--drain", "--max-attempts", "2", "--retry-delay", "100ms"]
    failing = bench.run("-q", name, *attempts, worker=["sh", "-c", "echo $WORK_ITEM_ATTEMPT; exit 1"])
    assert sorted(failing.stdout.split()) == [b"1"] * 3 + [b"2"] * 3, "the retry queue leads back"
    queue.assert_empty()
    assert queue.dead.depth() == 3
    assert bench.run(name, "--delete", command="declare").status == 0
    assert not any(each.exists() for each in queue.family)


@ENDS
@pytest.mark.parametrize("variable", ["AMQP_URL", "BROKER_URL"])
def test_url_with_a_newline(bench, variable, end):
    """A Secret that was made with `echo` has the newline. After a vhost it would become part of the vhost's name."""
    queue = bench.queue("quorum", b"apple")
    result = bench.run("-q", queue.name, url=None, env={variable: bench.broker.url + "/%2F" + end}, worker=["true"])
    assert (result.status, result.stderr) == (0, ""), result
    queue.assert_empty()


@ENDS
def test_paths_and_files_with_a_newline(bench, end):
    """The newline after a path is removed, as for any other setting. Otherwise a path may contain anything."""
    queue = bench.queue("quorum", b"apple")
    url = bench.file("u\nr\x1bl", bench.broker.url + "/%2F" + end, mode=0o600)
    password = bench.file("password", "guest" + end, mode=0o600)
    result = bench.run(
        "-q", queue.name, "--url-file", f"{url}{end}", url=None, env={"AMQP_JOB_PASSWORD_FILE": f"{password}{end}"},
        worker=["true"])
    assert (result.status, result.stderr) == (0, ""), result
    queue.assert_empty()


@ENDS
def test_a_password_in_argv_is_overwritten_all_the_same(bench, end):
    queue = bench.queue("quorum", b"apple")
    worker = bench.worker("hold")
    runner = bench.start("-q", queue.name, "--url", bench.broker.url + "/%2F" + end, url=None, worker=worker)
    worker.wait_for("holding")
    assert b"guest:guest" not in read_proc(runner.pid, "cmdline")
    worker.go()
    assert runner.finish().status == 0


def test_numbers_durations_and_words(bench):
    queue = bench.work_queue("quorum", b"apple", b"pear")
    values = {
        "COUNT": "2", "TIMEOUT": "30s", "SPOOL_ABOVE": "64KiB", "WHEN_EMPTY": "exit", "RAW_STATUS": "true", "REJECT_ON": "2,65-70",
        "LOG_FORMAT": "json", "MAX_ATTEMPTS": "3",
    }
    env = {f"AMQP_JOB_{name}": value + "\n" for name, value in values.items()}
    result = bench.run("-q", queue.name, env=env, worker=["true"])
    assert result.status == 0, result
    assert [json.loads(line)["settlement"] for line in result.lines if "settlement" in line] == ["acked"] * 2
    queue.assert_empty()


def test_a_variable_with_only_a_newline_counts_as_unset(bench):
    queue = bench.queue("quorum", b"apple")
    env = {"AMQP_QUEUE": "\n", "QUEUE": queue.name, "AMQP_JOB_TIMEOUT": "\r\n", "AMQP_URL": "\n", "BROKER_URL": bench.broker.url}
    result = bench.run(url=None, env=env, worker=["true"])
    assert (result.status, result.stderr) == (0, ""), result
    queue.assert_empty()


def test_names_in_manifests_with_a_newline(bench):
    """These names go into YAML."""

    def text(end):
        words = ["job" + end, "-q", "jobs" + end, "--image", "python:3" + end, "--secret", "mq" + end, "--name", "work" + end]
        env = {"AMQP_JOB_NAMESPACE": "ns" + end, "AMQP_JOB_CPU": "100m" + end}
        result = bench.run(*words, "--drain", "--", "printf", "%s\n", command="manifest", env=env, url=None)
        assert (result.status, result.stderr) == (0, ""), result
        return result.stdout

    assert text("\n") == text("\r\n") == text("")
    assert rb"%s\n" in text(""), "the command is another's"


def test_install_and_the_names_of_pages(bench):
    directory = bench.path("bin")
    directory.mkdir()
    assert bench.run(f"{directory}\n", command="install", url=None).status == 0
    assert (directory / "amqp-job").exists()
    for command, name in (("man", "run"), ("completion", "bash")):
        result = bench.run(name + "\n", command=command, url=None)
        assert result.status == 0 and result.stdout == bench.run(name, command=command, url=None).stdout, result


# Other control characters


@pytest.mark.parametrize("character, code", [
    ("\n", "U+000A"), ("\t", "U+0009"), ("\r", "U+000D"), ("\x1b", "U+001B"), ("\x7f", "U+007F"), ("\x85", "U+0085"),
], ids=repr)
@pytest.mark.parametrize("command, arguments, env, source", [
    ("run", ["-q", "a{}b"], {}, "--queue"),
    ("run", ["-q", "{}b"], {}, "--queue"),
    ("run", [], {"QUEUE": "a{}b"}, "QUEUE"),
    ("run", [], {"AMQP_QUEUE": "a{}b"}, "AMQP_QUEUE"),
    ("publish", ["-q", "a{}b", "body"], {}, "--queue"),
    ("publish", ["-q", "a", "--reply-to", "a{}b", "body"], {}, "--reply-to"),
    ("publish", ["-q", "a", "--header", "a{}b=1", "body"], {}, "--header"),
    ("declare", ["a{}b"], {}, "argument 1"),
    ("declare", ["a{}b", "--plain"], {}, "argument 1"),
    ("declare", ["a", "--exchange", "a{}b"], {}, "--exchange"),
    ("declare", ["a", "--exchange", "e", "--routing-key", "a{}b"], {}, "--routing-key"),
    ("declare", ["a"], {"AMQP_JOB_EXCHANGE": "a{}b"}, "AMQP_JOB_EXCHANGE"),
    ("declare", ["a", "--arg", "a{}b=1"], {}, "--arg"),
    ("status", ["a", "a{}b"], {}, "argument 2"),
    ("dead", ["list", "a{}b"], {}, "argument 2"),
    ("manifest", ["scaledjob", "-q", "a{}b", "--image", "i", "--", "true"], {}, "--queue"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else None)
def test_a_control_character_in_a_name_is_refused(bench, command, arguments, env, source, character, code):
    """This is found before any broker is asked."""
    arguments = [argument.replace("{}", character) for argument in arguments]
    env = {name: value.replace("{}", character) for name, value in env.items()}
    worker = ["true"] if command == "run" else None
    url = None if command == "manifest" else "amqp://127.0.0.1:1"
    bench.run(*arguments, command=command, env=env, url=url, worker=worker).assert_error(64, source, code)


@pytest.mark.parametrize("url, part, code", [
    ("amqp://us%0Aer:{}@127.0.0.1:1", "user name", "U+000A"),
    ("amqp://us\ner:{}@127.0.0.1:1", "user name", "U+000A"),
    ("amqp://user:{}@127.0.0.1:1/jobs%0a", "vhost", "U+000A"),
    ("amqp://user:{}@127.0.0.1:1/jo\tbs", "vhost", "U+0009"),
    ("amqp://user:{}@127.0.0.1:1,amqp://user:{}@127.0.0.1:1/%1b", "vhost", "U+001B"),
    ("amqp://user:{}@local%C2%85host:1", "host", "U+0085"),
])
@pytest.mark.parametrize("way", ["AMQP_URL", "BROKER_URL", "--url-file"])
def test_a_control_character_in_a_url_is_refused(bench, way, url, part, code):
    url = url.replace("{}", SECRET)
    if way == "--url-file":
        result = bench.run("-q", "any", worker=["true"], url=url)
    else:
        result = bench.run("-q", "any", worker=["true"], url=None, env={way: url})
    result.assert_error(64, way, part, code)
    assert SECRET not in result.stderr


def test_a_list_of_urls_of_several_lines(bench):
    """YAML's block style has such whitespace. It is not part of the URL."""
    queue = bench.queue("quorum", b"apple")
    urls = f"amqp://127.0.0.1:1,\n  {bench.broker.url}/%2F ,\namqp://127.0.0.1:1\n"
    result = bench.run("-q", queue.name, url=None, env={"BROKER_URL": urls}, worker=["true"])
    assert result.status == 0, result
    queue.assert_empty()


def test_bodies_and_worker_arguments_stay_unchanged(bench):
    queue = bench.queue("quorum")
    assert bench.run("-q", queue.name, "a\n", "b\r\n", "\x1b", command="publish").status == 0
    result = bench.run("-q", queue.name, "-n", "3", worker=["sh", "-c", 'cat; printf %s "$1"', "sh", "x\n"])
    assert (result.status, result.stdout) == (0, b"a\nx\nb\r\nx\n\x1bx\n"), result


# By the names of amqp-tools


@are_installed
@pytest.mark.parametrize("program", ["amqp-job's", "the original"])
def test_amqp_tools_accept_control_characters_in_names(bench, links, program):
    """These tools can therefore reach a queue with such a name."""
    queue = bench.name_queue("classic")
    queue.name += "\t1"
    host, port = bench.broker.address
    folder = links if program == "amqp-job's" else "/usr/bin"

    def call(name, *arguments, status=0):
        words = [f"{folder}/{name}", f"--server={host}", f"--port={port}", *arguments]
        done = subprocess.run(words, env=bench.environment(), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status, done
        return done.stdout

    assert call("amqp-declare-queue", "-d", "-q", queue.name) == queue.name + "\n"
    assert queue.exists()
    call("amqp-publish", "-r", queue.name, "-b", "apple")
    assert call("amqp-get", "-q", queue.name) == "apple"
    call("amqp-publish", "-r", queue.name, "-b", "pear")
    assert call("amqp-consume", "-q", queue.name, "-c", "1", "cat") == "pear"
    # Brokers remove newlines from a queue's name when they declare it, but not from a routing key.
    assert call("amqp-declare-queue", "-d", "-q", queue.name + "\n") == queue.name + "\n"
    call("amqp-publish", "-r", queue.name + "\n", "-b", "lost", status=0 if program == "the original" else 1)
    assert queue.depth() == 0
    call("amqp-delete-queue", "-q", queue.name)
    assert not queue.exists()
