"""URLs with a query, as other clients use them. A parameter that has a setting here is used, and the others are
ignored."""

import pytest

from support.processes import PROMPT

pytestmark = pytest.mark.any_broker


def tuned(bench, query, *options, **environment):
    """The agreed heartbeat, in seconds. The broker asks for 600."""
    peer = bench.peer(b"apple", heartbeat=600)
    result = bench.run("-q", "any", *options, url=peer.url + query, env=environment, worker=["true"])
    assert (result.status, result.stderr) == (0, ""), result
    return next(method.heartbeat for name, method in peer.seen if name == "Connection.TuneOk")


def test_heartbeat(bench):
    assert tuned(bench, "?heartbeat=7") == 7
    assert tuned(bench, "/v?locale=en_US&heartbeat=0&auth_mechanism=PLAIN") == 0
    assert tuned(bench, "?heartbeat=7", "--heartbeat", "5s") == 5
    assert tuned(bench, "?heartbeat=7", AMQP_JOB_HEARTBEAT="4s") == 4


def test_connection_timeout(bench):
    """The parameter is in milliseconds."""
    for options, milliseconds in ((), 300), (("--connect-timeout", "300ms"), 60_000):
        url = f"amqp://127.0.0.1:1?connection_timeout={milliseconds}"
        result = bench.run("any", *options, command="status", url=url)
        result.assert_error(69, "127.0.0.1:1")
        assert result.seconds < PROMPT, "that is not the default"


@pytest.mark.parametrize("query, ignored", [
    ("channel_max=7&frame_max=4096&heartbeat=5", "channel_max, frame_max"), ("heartbeat=soon", "heartbeat"),
    ("retry_delay=2&socket_timeout=5&retry_delay=4", "retry_delay, socket_timeout"),
    ("ssl_options={'a':1,'b':2}", "ssl_options"), ("verify=verify_none&cacertfile=/no/such", "verify, cacertfile"),
    ("auth_mechanism=amqplain", "auth_mechanism"), ("S3cret", "one that is none"), ("S3:cret=x", "one that is none"),
])
def test_ignored_parameters_are_named(bench, query, ignored):
    """A message names the parameter, and shows no value."""
    queue = bench.queue("classic")
    for command in ["status", queue.name], ["publish", "-q", queue.name, "apple"]:
        result = bench.run(*command[1:], command=command[0], url=f"{bench.broker.url}/?{query}")
        assert result.status == 0 and len(result.lines) == 1, result
        assert result.lines[0].endswith(f": {ignored}"), result
        assert "S3" not in result.stderr and "soon" not in result.stderr, result
    queue.assert_back()


@pytest.mark.parametrize(
    "form", ["{}//", "{}/%2F", "{}//?heartbeat=5", "{}/;amqp://127.0.0.1:1//", "amqp://127.0.0.1:1//;{}//"])
def test_celerys_form_of_a_url(bench, form):
    queue = bench.queue("classic")
    for scheme in "amqp", "pyamqp":
        result = bench.run(queue.name, command="status", url=form.format(bench.broker.url.replace("amqp", scheme)))
        assert (result.status, result.stderr) == (0, ""), result


def test_a_vhost_that_begins_with_a_slash(bench):
    peer = bench.peer(b"apple")
    assert bench.run("-q", "any", url=peer.url + "//name", worker=["true"]).status == 0
    assert next(method for name, method in peer.seen if name == "Connection.Open").virtual_host == "/name"


def test_amqp_tools_accept_no_query(bench, links):
    result = bench.run(
        bench.broker.url + "?heartbeat=5", "-q", "any", "true", command="-u", url=None, binary=links / "amqp-consume")
    assert result.status == 1 and "?query" in result.stderr, result


@pytest.mark.parametrize("form", ["--url X", "AMQP_URL"])
def test_the_passphrase_of_a_key_is_not_shown(bench, form):
    url = "amqp://127.0.0.1:1?connection_timeout=100&password=S3cret"
    options, variables = (["--url", url], {}) if form == "--url X" else ([], {"AMQP_URL": url})
    result = bench.run("any", *options, command="status", url=None, env=variables)
    assert result.status == 69 and "S3cret" not in result.stderr, result
    assert "password" in result.stderr
