"""`amqp-job lead --metrics`: what a candidate tells of itself over HTTP."""

import signal

import pytest

from support.metrics import Metrics, get, port_of, wait_for
from support.processes import wait_until

pytestmark = pytest.mark.any_broker


def test_who_leads(election):
    election.lease = 3
    first = election.start_leader("pod-a", "--metrics", "127.0.0.1:0")
    second = election.start_standby("pod-b", "pod-a", "--metrics", "127.0.0.1:0")
    leader, standby = port_of(first), port_of(second)
    wait_for(leader, "amqp_job_leader", 1, election=election.name)
    assert Metrics(standby).value("amqp_job_leader", election=election.name) == 0
    for port in (leader, standby):
        wait_for(port, "amqp_job_leader_epoch", 1, election=election.name)
        wait_until(lambda: get(port, "/readyz")[0] == 200, what="a candidate that is ready")
        assert Metrics(port).value("amqp_job_broker_connected") == 1
    first.send(signal.SIGTERM)
    assert first.finish().status == 0
    wait_for(standby, "amqp_job_leader", 1, election=election.name)
    wait_for(standby, "amqp_job_leader_epoch", 2, election=election.name)
    election.end()
