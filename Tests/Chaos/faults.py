"""Carries out the faults, and records what each of them hit and when."""

import contextlib
import os
import select
import signal
import threading
import time

from support import amqp
import host
import plan
from support import processes
from journal import Fault


class Faults:
    """Several series of faults that run in parallel. `kinds` are the allowed kinds."""

    def __init__(self, seed, kinds, broker, ways, loops, stages, spool, journal):
        self.broker, self.ways, self.loops, self.stages = broker, ways, loops, stages
        self.spool, self.journal = spool, journal
        self.error = None
        self.done = []
        self.over = threading.Event()
        self.stalls = {}
        chosen = [([kind for kind in series if kind in kinds], pause) for series, pause in plan.SERIES]
        self.threads = [
            threading.Thread(target=self._series, args=(plan.steps(seed, *each),), daemon=True)
            for each in chosen if each[0]
        ]
        short = host.Short(loops)
        self.carry_out = {
            plan.RUNNER_KILLED: self._runner,
            plan.RUNNER_TERMINATED: self._runner,
            plan.WORKER_KILLED: self._worker,
            plan.WORKER_TERMINATED: self._worker,
            plan.STEP_KILLED: self._step,
            plan.STALLED: self._stall,
            plan.RESET: self._connection,
            plan.HALF_OPEN: self._connection,
            plan.CLOSED: self._close_one,
            plan.ALL_CLOSED: self._close_all,
            plan.BROKER_STOPPED: self._stop_broker,
            plan.BROKER_KILLED: self._kill_broker,
            plan.ALARM: self._while(broker.short_of_memory),
            plan.NO_CONFIGURE: self._while(lambda: broker.without(0)),
            plan.NO_WRITE: self._while(lambda: broker.without(1)),
            plan.DELETED: self._delete,
            plan.SPOOL_GONE: self._while(spool.gone),
            plan.SPOOL_FULL: self._while(spool.full),
            plan.NO_PROCESSES: self._while(short.of_processes),
            plan.NO_DESCRIPTORS: self._while(short.of_descriptors),
        }

    def start(self):
        for thread in self.threads:
            thread.start()

    def finish(self):
        """Starts no more faults, and waits for the end of the last ones."""
        self.over.set()
        for thread in [*self.threads, *self.stalls.values()]:
            thread.join()
        if self.error is not None:
            raise self.error

    def _series(self, steps):
        try:
            for step in steps:
                if self.over.wait(step.pause):
                    return
                # There may be nothing that the fault could hit at this moment.
                while not self.carry_out[step.kind](step):
                    if self.over.wait(0.02):
                        return
        except Exception as error:  # the run is useless without faults, so finish() raises the error
            self.error = error

    def _note(self, step, start, **whom):
        self.done.append(Fault(step.kind, start, time.monotonic(), **whom))
        return True

    def _while(self, state):
        """Makes a fault of a state that lasts for some time."""

        def carry_out(step):
            start = time.monotonic()
            with state():
                time.sleep(step.seconds)
            return self._note(step, start)

        return carry_out

    # Runners and workers

    def _loop(self, step):
        return self.loops[int(step.whom * len(self.loops))]

    def _runner(self, step):
        number = signal.SIGKILL if step.kind == plan.RUNNER_KILLED else signal.SIGTERM
        start, loop = time.monotonic(), self._loop(step)
        run = loop.send(number)
        return run is not None and self._note(step, start, slot=loop.slot, run=run.name)

    def _worker(self, step):
        number = signal.SIGKILL if step.kind == plan.WORKER_KILLED else signal.SIGTERM
        turns = [turn for turn in self.journal.going_on() if processes.is_alive(turn.pid)]
        if not turns:
            return False
        turn = turns[int(step.whom * len(turns))]
        try:
            descriptor = os.pidfd_open(turn.pid)
        except OSError:  # the process has ended
            return False
        try:
            # The process id may belong to another process by now, but it cannot change while the descriptor is open.
            if f"CHAOS_RUN={turn.run}\0".encode() not in processes.read_proc(turn.pid, "environ"):
                return False
            start = time.monotonic()
            if select.select([descriptor], [], [], 0)[0]:
                return False
            signal.pidfd_send_signal(descriptor, number)
            return self._note(step, start, run=turn.run, pid=turn.pid)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)

    def _step(self, step):
        start, loop = time.monotonic(), self._loop(step)
        run = loop.kill_step(step.seconds % 1)
        return run is not None and self._note(step, start, slot=loop.slot, run=run.name)

    # Connections

    def _slot(self, step):
        """Returns the slot of a proxy that is not stalled."""
        count = len(self.ways.ways)
        free = [slot for slot in range(count) if slot not in self.stalls or not self.stalls[slot].is_alive()]
        return free[int(step.whom * len(free))] if free else None

    def _stall(self, step):
        slot = self._slot(step)
        if slot is None:
            return False
        start = time.monotonic()
        if self.ways.do(slot, "stall", True) == 0:
            self.ways.do(slot, "stall", False)
            return False

        def go_on():
            time.sleep(step.seconds)
            self.ways.do(slot, "stall", False)
            self._note(step, start, slot=slot)

        self.stalls[slot] = threading.Thread(target=go_on, daemon=True)
        self.stalls[slot].start()
        return True

    def _connection(self, step):
        slot, start = self._slot(step), time.monotonic()
        method = "reset" if step.kind == plan.RESET else "silence"
        return slot is not None and self.ways.do(slot, method) > 0 and self._note(step, start, slot=slot)

    # The broker. Only one of these faults happens at a time.

    def _close_one(self, step):
        start = time.monotonic()
        slot = self.ways.slots_by_port.get(self.broker.close_one(list(self.ways.slots_by_port), step.whom))
        return slot is not None and self._note(step, start, slot=slot)

    def _close_all(self, step):
        start = time.monotonic()
        self.broker.close_all()
        return self._note(step, start)

    def _stop_broker(self, step):
        start = time.monotonic()
        self.broker.stop_and_continue(step.seconds)
        return self._note(step, start)

    def _kill_broker(self, step):
        self.broker.write_down()
        start = time.monotonic()
        self.broker.signal(signal.SIGKILL)
        self._note(step, start)
        self.broker.start()
        self.broker.open_console()
        return True

    def _delete(self, step):
        """Deletes a queue with its items, and declares it again."""
        stage = self.stages[int(step.whom * len(self.stages))]
        client = amqp.Client(self.broker.url)
        with stage.lock, contextlib.closing(client):
            channel, start = client.channel, time.monotonic()
            channel.queue_delete(stage.queue)
            if step.seconds > 1:  # in half of the cases it is declared again at once
                time.sleep(1)
            stage.declare()
            return self._note(step, start, queue=stage.queue)
