"""Five candidates under random faults, at one broker and at a cluster of three nodes.

ELECTION_SECONDS makes the runs longer, ELECTION_SEED repeats one, and ELECTION_PAUSE is the mean time between faults, in
seconds. Half a minute and more leave it to the candidates to have a leader nearly all the time, which is then asserted."""

import os
import random

import pytest

from support.broker_cluster import KHEPRI, MNESIA
from support.contest import ClusterContest, Contest
from support.election import Election

SECONDS = float(os.environ.get("ELECTION_SECONDS", "40"))
SEED = int(os.environ.get("ELECTION_SEED", "0")) or random.randrange(1 << 32)
PAUSE = float(os.environ.get("ELECTION_PAUSE", "0"))
AVAILABILITY = 0.95 if PAUSE >= 30 else 0


def judge(contest, figures, what):
    led = contest.run(SECONDS)
    runs = contest.election.witness.runs
    figures.append(
        f"election at {what}, seed {SEED}: {len(contest.record)} faults, {len(runs)} leaders, one led {led:.1%} of the time")
    assert contest.election.witness.violations() == [], "\n".join(contest.record)
    assert len(runs) > 1 and led >= AVAILABILITY, "\n".join(contest.record)
    contest.election.end()


@pytest.mark.slow
@pytest.mark.limit(int(SECONDS + 180))
def test_no_fault_makes_two_leaders(bench, figures):
    judge(Contest(Election(bench, lease=3), SEED, PAUSE), figures, "a broker")


@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.limit(int(SECONDS + 300))
def test_no_fault_of_a_cluster_makes_two_leaders(cluster_bench, broker_cluster, figures):
    if cluster_bench.broker.version < KHEPRI and "ELECTION_SECONDS" not in os.environ:
        pytest.skip(MNESIA)
    judge(ClusterContest(Election(cluster_bench, lease=3), SEED, broker_cluster, PAUSE), figures, "a cluster")
