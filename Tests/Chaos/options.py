"""What a fault run can be asked for."""

import argparse
import pathlib
import uuid

import plan
import runners
import stages


def names(known):
    def take(text):
        found = text.split(",")
        unknown = [name for name in found if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not among {', '.join(known)}")
        return found

    return take


def parse():
    parser = argparse.ArgumentParser(
        prog="scripts/chaos", description="A bounded, seeded fault run.", allow_abbrev=False)
    parser.add_argument("binary", help=argparse.SUPPRESS)
    parser.add_argument("broker", help=argparse.SUPPRESS)
    parser.add_argument("certificates", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--items", type=int, default=300, metavar="N", help="how many items (300)")
    parser.add_argument("--runners", type=int, default=8, metavar="R", help="how many loops of runners (8)")
    parser.add_argument("--seconds", type=float, default=60, metavar="T", help="how long items and faults come (60)")
    parser.add_argument("--seed", default=None, metavar="S", help="decides what happens when, and to whom")
    parser.add_argument("--consumer", choices=["amqp-job", "amqp-consume"], default="amqp-job")
    parser.add_argument(
        "--queues", type=names(stages.KINDS), default=None, metavar="KIND,...",
        help=f"kinds of queues: {', '.join(stages.KINDS)} (all of them, each served by some of the loops)")
    parser.add_argument(
        "--modes", type=names(runners.MODES), default=list(runners.MODES), metavar="MODE,...",
        help=f"what the runners do: {', '.join(runners.MODES)} (any of them)")
    parser.add_argument(
        "--faults", type=names(plan.KINDS), default=plan.KINDS, metavar="FAULT,...",
        help=f"kinds of faults: {', '.join(plan.KINDS)} (all of them)")
    parser.add_argument("--no-situations", action="store_true", help="no queues and users to be taken in by")
    parser.add_argument("--binary", dest="other", metavar="PATH", help="judge this amqp-job, not the one that is built here")
    parser.add_argument("--rabbitmq", metavar="V", help="the broker's, as scripts/broker start takes it")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIRECTORY", help="keep journal and logs there")
    found = parser.parse_args()
    if found.items < 1 or found.runners < 1 or found.seconds <= 0:
        parser.error("--items, --runners and --seconds are more than 0")
    found.seed = found.seed or uuid.uuid4().hex[:8]
    if found.queues is None:
        found.queues = [kind for kind in stages.KINDS if found.consumer == "amqp-job" or kind.startswith("plain")]
    found.runners = max(found.runners, len(found.queues))
    return found
