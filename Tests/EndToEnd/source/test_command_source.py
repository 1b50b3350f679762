"""`amqp-job publish --from command:...`: lines become items."""

import signal

import pytest

from support.processes import wait_until

pytestmark = pytest.mark.any_broker


def items(publishers):
    return {properties.message_id: body for _, properties, body in publishers.queue.take_all()}


def test_lines_are_names(publishers):
    result = publishers.once("command:printf 'a\\n\\nb c\\nlast'")
    assert result.status == 0, result
    assert items(publishers) == {"a": b"a", "b c": b"b c", "last": b"last"}
    assert publishers.once("command:printf 'a\\nd\\n'").status == 0
    assert items(publishers) == {"d": b"d"}


def test_json_lines(publishers, bench):
    path = bench.file("lines", '{"name": "a", "data": {"x": 1.0}}\n{"name": "b"}\nc\n{"name": "d", "data": {"y": "text"}}\n')
    assert publishers.once(f"command:cat {path}").status == 0
    assert items(publishers) == {"a": b'{"x": 1.0}', "b": b"b", "c": b"c", "d": b'{"y": "text"}'}


def test_a_field_of_json_lines(publishers, bench):
    path = bench.file("lines", '{"name": "a", "data": {"x": 1.0}}\n{"name": "d", "data": {"y": "text"}}\n')
    result = publishers.once(f"command:cat {path}", "--data-field", "y")
    assert result.status == 74 and "'a'" in result.lines[-1], result
    assert items(publishers) == {"d": b"text"}


@pytest.mark.parametrize("command, words", [
    ("echo a; exit 3", "exited with 3"), ("echo a; kill -9 $$", "killed by KILL"), ("no-such-command", "exited with 127"),
    ("echo '{'", "as JSON"), ("yes", "longer than 16 MiB"),
])
def test_a_command_that_fails(publishers, command, words):
    """Nothing of what it printed is used."""
    result = publishers.once(f"command:{command}")
    assert result.status == 74 and words in result.lines[-1], result
    assert items(publishers) == {}


def test_the_command_has_no_settings(publishers, bench):
    path = bench.path("environment")
    source = f"command:env >{path}; cat /proc/$PPID/cmdline >{path}.parent; echo a"
    result = publishers.once(source, env={"AMQP_URL": bench.broker.url, "AMQP_JOB_HEADER": "a=b", "OTHER": "1"}, url=None)
    assert result.status == 0, result
    names = {line.split("=")[0] for line in path.read_text().splitlines()}
    assert "OTHER" in names
    assert not {name for name in names if name.startswith("AMQP") or name in ("LEADER_EPOCH", "BROKER_URL")}
    # The program that it starts has no URL among its arguments, either.
    assert b"guest" not in bench.path("environment.parent").read_bytes()


def test_a_url_among_the_arguments_is_not_handed_on_as_one(publishers, bench):
    path = bench.path("arguments")
    source = f"command:tr '\\0' ' ' </proc/$PPID/cmdline >{path}; echo a"
    result = publishers.once(source, "--url", bench.broker.url, url=None)
    assert result.status == 0, result
    assert "guest:guest" not in path.read_text() and "--from" in path.read_text()


def test_the_command_ends_with_its_publisher(publishers, bench):
    path = bench.path("pid")
    publisher = publishers.start(f"command:echo $$ >{path}; exec sleep 1000")
    wait_until(path.exists, what="the command")
    publisher.send(signal.SIGTERM)
    assert publisher.finish().status == 0
    bench.assert_nothing_left()
