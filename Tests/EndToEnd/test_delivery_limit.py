"""An item that fails again and again is not dropped by its broker's own limit, as RabbitMQ 4.x does by default
after 20 returns."""


def attempts(bench, queue, times):
    """Fails that often, and says which attempt each worker was told."""
    seen = []
    for _ in range(times):
        result = bench.run("-q", queue.name, worker=["sh", "-c", "printf %s $WORK_ITEM_ATTEMPT; cat; exit 3"])
        assert result.status == 3, result
        seen.append(result.stdout)
    return seen


def test_item_outlives_the_limit(bench):
    queue = bench.queue("quorum", **{"x-delivery-limit": 20})
    queue.put(b"-apple", message_id="id", headers={"own": "kept", "x-own": 7})
    assert attempts(bench, queue, 25) == [b"%d-apple" % number for number in range(1, 26)]
    result = bench.run("-q", queue.name, worker=["sh", "-c", "env | grep ^WORK_ITEM_"])
    assert result.status == 0
    variables = dict(line.split("=", 1) for line in result.stdout.decode().splitlines())
    assert variables["WORK_ITEM_ATTEMPT"] == "26"
    assert variables["WORK_ITEM_ID"] == "id"
    assert variables["WORK_ITEM_HEADER_OWN"] == "kept"
    assert variables["WORK_ITEM_HEADER_X_OWN"] == "7"


def test_an_item_whose_runner_dies_each_time_outlives_the_limit(bench):
    """Nobody can put it back as a copy after its worker, so that is done before the next one."""
    queue = bench.queue("quorum", b"poison", **{"x-delivery-limit": 20})
    for _ in range(25):
        assert bench.run("-q", queue.name, worker=["sh", "-c", "kill -9 $PPID; sleep 60"]).status == -9
    result = bench.run("-q", queue.name, worker=["sh", "-c", "printf %s $WORK_ITEM_ATTEMPT; cat"])
    assert (result.status, result.stdout) == (0, b"26poison")


def test_a_copy_goes_to_the_tail(bench):
    """So that one item does not block the others for ever."""
    queue = bench.queue("quorum", b"poison", **{"x-delivery-limit": 20})
    attempts(bench, queue, 10)
    queue.put(b"fine")
    assert bench.run("-q", queue.name, worker=["cat"]).stdout == b"fine"
    assert bench.run("-q", queue.name, worker=["cat"]).stdout == b"poison"


def test_no_copy_where_publishing_is_refused(bench):
    """A user who may consume only: the item is run and goes back itself, and a line says that there is no copy."""
    queue = bench.queue("quorum", b"apple")
    attempts(bench, queue, 10)
    user = bench.marker
    bench.broker.ctl("add_user", user, "secret")
    try:
        bench.broker.ctl("set_permissions", user, "", "", ".*")
        url = bench.broker.url.replace("guest:guest", f"{user}:secret")
        result = bench.run("-q", queue.name, env={"BROKER_URL": url}, url=False, worker=["false"])
        assert result.status == 1
        assert any("no copy" in line for line in result.lines), result
        queue.assert_back()
    finally:
        bench.broker.ctl("delete_user", user)
