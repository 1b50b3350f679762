"""amqp-job publish: `-` stands for standard input."""

import os
import subprocess

import pytest


pytestmark = pytest.mark.any_broker


def publish(bench, queue, *arguments, **options):
    return bench.run("-q", queue.name, *arguments, command="publish", **options)


def bodies(queue):
    return [body for _, _, body in queue.take_all()]


@pytest.mark.parametrize("options, items", [
    ([], [b"one", b"two"]), (["--whole"], [b"one\ntwo"]), (["--null"], [b"one\ntwo"]),
])
def test_a_dash_is_standard_input(bench, options, items):
    queue = bench.queue("classic")
    result = publish(bench, queue, *options, "-", stdin=bench.input(b"one\ntwo"))
    assert (result.status, result.stderr) == (0, "")
    assert bodies(queue) == items


def test_a_dash_after_two_dashes_is_an_item(bench):
    queue = bench.queue("classic")
    assert publish(bench, queue, "one", "--", "-", stdin=bench.input(b"two")).status == 0
    assert bodies(queue) == [b"one", b"-"]


def test_a_dash_among_items_is_refused(bench):
    queue = bench.queue("classic")
    publish(bench, queue, "one", "-").assert_error(64, "the BODY - is standard input", "after --")
    publish(bench, queue, "--file", "-", "-").assert_error(64, "the PATH - is standard input", "once")
    queue.assert_empty()


@pytest.mark.parametrize("size", [0, 3_000_000])
@pytest.mark.parametrize("is_pipe", [True, False], ids=["pipe", "file"])
def test_a_dash_among_files_is_all_of_standard_input(bench, size, is_pipe):
    queue = bench.queue("classic")
    data, path = os.urandom(size), bench.file("other", b"other")
    with open(bench.file("input", data), "rb") as file:
        source = subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE) if is_pipe else None
        result = publish(bench, queue, "--file", path, "-", path, stdin=source.stdout if source else file)
    if source:
        source.stdout.close()
        assert source.wait() == 0
    assert result.status == 0, result
    items = queue.take_all()
    assert [body for _, _, body in items] == [b"other", data, b"other"]
    assert [(properties.headers or {}).get("filename") for _, properties, _ in items] == ["other", None, "other"]
