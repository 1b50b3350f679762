"""`amqp-job lead` at a cluster of three nodes of which one is lost, or parted from the others."""

import pytest

from support.broker_cluster import KHEPRI, MNESIA
from support.election import Election, alive
from support.processes import PATIENCE, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.limit(400)]


@pytest.fixture
def election(cluster_bench):
    return Election(cluster_bench)


def start(election, cluster):
    """A candidate at each node first. Returns the node of the one that leads."""
    urls = dict(zip(("pod-a", "pod-b", "pod-c"), cluster.urls))
    for name, url in urls.items():
        others = [each for each in cluster.urls if each != url]
        election.start(name, "--connect-timeout", "0", url=",".join([url, *others]))
    election.witness.wait_for(1, timeout=2 * PATIENCE)
    election.wait_for_joined(1)
    (leader,) = (name for name in urls if "leading, epoch 1" in election.candidates[name].stderr)
    return cluster.nodes[list(urls).index(leader)]


def test_a_node_that_is_killed(election, broker_cluster):
    """Whichever node has the leader's connection or the queue's leader: there is a leader again, and never two."""
    at_leader = start(election, broker_cluster)
    of_queue = broker_cluster.queue_leader(election.queue.name)
    for node in {at_leader.name: at_leader, of_queue.name: of_queue}.values():
        node.kill()
        wait_until(lambda: all(each.runs() for each in election.candidates.values()), what="candidates that go on")
        wait_until(lambda: any(map(alive, election.witness.runs)), timeout=2 * PATIENCE, what="a leader")
        node.start()
    election.end()


def test_a_leader_on_the_smaller_side_of_a_partition(election, broker_cluster):
    """Its node still talks to it, but the queue cannot prove its lease. The others have the next leader."""
    node = start(election, broker_cluster)
    broker_cluster.part(node)
    election.witness.wait_for(2, timeout=2 * PATIENCE)
    broker_cluster.join(node)
    election.end()


def test_the_queue_s_leader_on_the_smaller_side_of_a_partition(election, broker_cluster):
    if election.bench.broker.version < KHEPRI:
        pytest.skip(MNESIA)
    start(election, broker_cluster)
    node = broker_cluster.queue_leader(election.queue.name)
    broker_cluster.part(node)
    others = broker_cluster.others(node)
    wait_until(
        lambda: broker_cluster.queue_leader(election.queue.name, others[0]) in others, timeout=2 * PATIENCE,
        what="another leader of the queue")
    wait_until(lambda: any(map(alive, election.witness.runs)), timeout=2 * PATIENCE, what="a leader")
    broker_cluster.join(node)
    election.end()
