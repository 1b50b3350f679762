"""The options of a fault run."""

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
        prog="scripts/chaos", description="Injects faults into runners and a private RabbitMQ.", allow_abbrev=False)
    parser.add_argument("binary", help=argparse.SUPPRESS)
    parser.add_argument("broker", help=argparse.SUPPRESS)
    parser.add_argument("certificates", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--items", type=int, default=300, metavar="N", help="number of items (300)")
    parser.add_argument("--runners", type=int, default=8, metavar="R", help="number of loops that start runners (8)")
    parser.add_argument(
        "--seconds", type=float, default=60, metavar="T", help="time in which items are published and faults occur (60)")
    parser.add_argument("--seed", default=None, metavar="S", help="decides the items, the faults and their targets (random)")
    parser.add_argument("--consumer", choices=["amqp-job", "amqp-consume"], default="amqp-job")
    parser.add_argument(
        "--queues", type=names(stages.KINDS), default=None, metavar="KIND,...",
        help=f"kinds of queues: {', '.join(stages.KINDS)} (all of them, each served by some of the loops)")
    parser.add_argument(
        "--modes", type=names(runners.MODES), default=list(runners.MODES), metavar="MODE,...",
        help=f"how runners are started: {', '.join(runners.MODES)} (all of them)")
    parser.add_argument(
        "--faults", type=names(plan.KINDS), default=None, metavar="FAULT,...",
        help=f"kinds of faults: {', '.join(plan.KINDS)} (all of them that suit the steps)")
    parser.add_argument(
        "--steps", type=int, default=0, metavar="N",
        help="each runner has this many steps, of which the last is the worker (0: the runner has the worker)")
    parser.add_argument(
        "--retry-backoff", action="store_true", help="the delays of retries grow, in retry queues of their own")
    parser.add_argument("--no-situations", action="store_true", help="leave out the situations")
    parser.add_argument("--binary", dest="other", metavar="PATH", help="test this amqp-job instead of building one")
    parser.add_argument("--rabbitmq", metavar="V", help="version of the broker, as for scripts/broker start")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIRECTORY", help="keep the journal and the logs there")
    found = parser.parse_args()
    if found.items < 1 or found.runners < 1 or found.seconds <= 0:
        parser.error("--items, --runners and --seconds must be greater than 0")
    unsuitable = plan.WITH_STEPS if found.steps else plan.WITHOUT_STEPS
    found.faults = [kind for kind in found.faults or plan.KINDS if kind not in unsuitable]
    if found.steps < 0 or found.steps and found.consumer != "amqp-job":
        parser.error("--steps is a number of steps of amqp-job")
    if found.steps:
        found.modes = [name for name in found.modes if name not in runners.BATCHES]
    if not found.modes:
        parser.error("steps take no batches")
    found.seed = found.seed or uuid.uuid4().hex[:8]
    if found.queues is None:
        found.queues = [kind for kind in stages.KINDS if found.consumer == "amqp-job" or kind.startswith("plain")]
    found.runners = max(found.runners, len(found.queues))
    return found
