"""Three RabbitMQ nodes in a cluster, of which some can be killed, or parted from the others."""

from support.brokers import ROOT, Broker, binary
from support.processes import PATIENCE, wait_until

# From here on, RabbitMQ keeps its metadata in Khepri, which is a Raft cluster itself. Before, it was Mnesia, whose nodes do not
# always find together again after one partition and another.
KHEPRI = (4, 2)
MNESIA = "Mnesia does not always recover from repeated partitions"


class BrokerCluster:
    def __init__(self, name):
        self.name = name
        first = Broker(f"{name}1")
        self.nodes = [first, *(Broker(f"{name}{number}", options=["--join", first.name]) for number in (2, 3))]

    def close(self):
        for node in self.nodes:
            node.stop()

    def wait_for_all(self):
        """Waits until each node sees that all of them run. Only then does a new queue have a member on each."""
        running = "length([Node || Node <- [node() | nodes()], rabbit:is_running(Node)])."
        for node in self.nodes:
            wait_until(lambda: node.eval(running) == str(len(self.nodes)), 2 * PATIENCE, "all nodes")  # noqa: B023

    @property
    def urls(self):
        return [node.url for node in self.nodes]

    @staticmethod
    def _erlang_name(node):
        return f"'amqp-job-{node.name}@localhost'"

    def others(self, node):
        return [each for each in self.nodes if each is not node]

    def queue_leader(self, queue, asked=None):
        """The node that has the leader of this quorum queue, as far as the asked one knows; None if it knows none."""
        found = (asked or self.nodes[0]).eval(
            f"{{ok, Queue}} = rabbit_amqqueue:lookup(rabbit_misc:r({ROOT}, queue, {binary(queue)})), "
            "{value, {leader, Node}} = lists:keysearch(leader, 1, rabbit_quorum_queue:info(Queue, [leader])), Node.")
        return next((node for node in self.nodes if f"-{node.name}@" in found), None)

    # Parting

    def part(self, node):
        """Lets this node and the others not see each other, as a network that drops what they send. Their clients still reach
        them. Erlang's nodes refuse each other by their cookies."""
        for near, far in self._pairs(node):
            near.eval(f"erlang:set_cookie({self._erlang_name(far)}, 'not that of {near.name}').")
        for near, far in self._pairs(node):
            near.eval(f"erlang:disconnect_node({self._erlang_name(far)}).")
        for near, far in self._pairs(node):
            wait_until(lambda: not self._sees(near, far), what=f"a parting of {near.name} and {far.name}")  # noqa: B023

    def join(self, node):
        """Ends the parting."""
        for near, far in self._pairs(node):
            near.eval(f"erlang:set_cookie({self._erlang_name(far)}, erlang:get_cookie()).")
        for near, far in self._pairs(node):
            wait_until(
                lambda: near.eval(f"net_kernel:connect_node({self._erlang_name(far)}).") == "true", 2 * PATIENCE,  # noqa: B023
                f"{near.name} and {far.name} to see each other")
        if node.version < KHEPRI:
            # Mnesia does not merge again what both sides have done since
            # (https://www.rabbitmq.com/docs/partitions#recovering).
            node.ctl("stop_app")
            node.ctl("start_app")

    def _pairs(self, node):
        return [pair for other in self.others(node) for pair in ((node, other), (other, node))]

    def _sees(self, near, far):
        return near.eval(f"lists:member({self._erlang_name(far)}, nodes()).") == "true"
