"""The radio connection: one procedure at a time, the tail behind it, and what that draws.

    radio.send(148, done)       # a packet of 148 bytes of IP up; done(True) when it has arrived
    radio.downlink(60, done)    # a packet down

Packets wait in one queue; out of idle a service request comes first; after the last procedure the
network keeps the connection for its inactivity time (RRC release), then the modem is idle, then,
if power saving was granted, unreachable until it speaks (3GPP TS 36.331, TS 24.301 5.3.11). With
release assistance the connection ends soon after the packet (TS 24.301 9.9.4.25).

A detach that drops the queue loses all packets up that have not left, the one under way included:
the modem cannot tell how much of it the network has got.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from emulator.board.board import Board
from emulator.board.clock import Timer
from emulator.board.constants import ESTIMATE, constant
from emulator.modem.power import Power
from emulator.network.air import Done
from emulator.network.cell import Cell, Procedure

ROUNDS = 4  # a procedure is shown as so many rounds of receiving, transmitting and waiting
ASSISTED_RELEASE_MS = constant(300.0, "ms", ESTIMATE, "no source found")
NOTHING_MORE, ONE_ANSWER = 1, 2  # release assistance: expected behind the packet


@dataclass
class _Job:
    kind: str  # up, down, detach, tau
    l3_bytes: int
    done: Done
    since_us: int  # when it was queued


class Radio:
    def __init__(
        self, board: Board, cell: Cell, power: Power, off_drops_queue: bool = True
    ) -> None:
        self._board = board
        self._cell = cell
        self._power = power
        self._off_drops_queue = off_drops_queue
        self._random = board.rng("radio/paging")
        self._assistance = 0  # of the last packet up
        self.paging_ms = 0.0  # a modem in extended DRX listens this often
        self.usable = False  # registered: packets can be sent
        self.connected = False
        self.on_connection: Callable[[], None] = lambda: None  # `connected` has changed
        self.active_time_ms: float | None = None  # T3324 as granted; None: no power saving
        self.on_idle: Callable[[], None] = lambda: None
        self._queue: deque[_Job] = deque()
        self._parked: list[_Job] = []  # packets down for a modem in power saving mode
        self._job: _Job | None = None
        self._playing = False
        self._run = 0  # events of an earlier run are void
        self._tail = Timer(board.clock)

    @property
    def busy(self) -> bool:
        return self._playing or bool(self._queue)

    # for sockets and for data mode

    def send(self, l3_bytes: int, done: Done) -> None:
        """Queue a packet up."""
        self._assistance = 0
        self._submit(self._new("up", l3_bytes, done))

    def assist(self, expected: int) -> None:
        """Tell the network what follows the last packet up: NOTHING_MORE or ONE_ANSWER."""
        self._assistance = expected

    def downlink(self, l3_bytes: int, done: Done) -> None:
        """Queue a packet down; in power saving mode the network keeps it for later."""
        job = self._new("down", l3_bytes, done)
        if self.usable and self._power.psm:
            self._parked.append(job)
        elif self.usable and self._power.edrx and not self.connected and not self.busy:
            delay_ms = self._random.uniform(0, self.paging_ms)
            self._board.clock.schedule_ms(delay_ms, lambda: self._submit(job))
        else:
            self._submit(job)

    def no_more(self) -> None:
        """Nothing follows what has been sent: the connection ends soon."""
        self._assistance = NOTHING_MORE
        if self.connected and not self.busy:
            self._tail.start_ms(ASSISTED_RELEASE_MS, self._released)

    # for mobility management

    def detach(self, done: Done) -> None:
        """Behind everything queued, or in its place."""
        if self._off_drops_queue:
            self._drop_unsent()
        self._submit(self._new("detach", 0, done))

    def tau(self) -> None:
        self._submit(self._new("tau", 0, lambda ok: None))

    def play(self, procedure: Procedure, then: Callable[[], None]) -> None:
        """Carry out a procedure now; the connection stays up behind it."""
        self._playing = True
        self._tail.stop()
        self._power.psm = False
        run = self._run
        at_ms = 0.0
        slices = (("rx", procedure.rx_ms), ("tx", procedure.tx_ms), ("gap", procedure.gap_ms))
        for _ in range(ROUNDS):
            for activity, length_ms in slices:
                if length_ms > 0:
                    self._at(at_ms, run, partial(self._show, activity))
                    at_ms += length_ms / ROUNDS
        self._at(procedure.duration_ms / ROUNDS, run, lambda: self._connect(True))
        self._at(procedure.duration_ms, run, lambda: self._played(then))

    def search(self) -> None:
        """Receiver on until something else happens."""
        self._show("rx")

    def rest(self) -> None:
        """Receiver off: camped, or given up."""
        if not self._playing and not self.connected:
            self._show("")

    def stop(self) -> None:
        """Radio off or modem gone: whatever was under way has failed."""
        self._run += 1
        self._playing = self.usable = False
        self._connect(False)
        self._tail.stop()
        self._power.psm = False
        self._show("")
        self._fail_all()

    # the queue

    def _new(self, kind: str, l3_bytes: int, done: Done) -> _Job:
        return _Job(kind, l3_bytes, done, self._board.clock.now_us)

    def _submit(self, job: _Job) -> None:
        if not self.usable:
            self._board.clock.schedule(0, lambda: job.done(_unfinished(job)))
            return
        self._queue.append(job)
        self._work()

    def _work(self) -> None:
        if self._playing or not self._queue:
            return
        job = self._job = self._queue.popleft()
        procedure = self._procedure(job)
        self.play(procedure, lambda: self._finished(job, not procedure.lost))

    def _procedure(self, job: _Job) -> Procedure:
        if job.kind == "up":
            return self._cell.uplink(job.l3_bytes, self.connected)
        if job.kind == "down":
            turn = self._cell.turn(job.l3_bytes, self.connected)
            # its way through the network passes while the radio is busy with others
            waited_ms = (self._board.clock.now_us - job.since_us) / 1000
            return replace(turn, duration_ms=turn.duration_ms - min(turn.gap_ms, waited_ms))
        if job.kind == "tau":
            return self._cell.tau()
        return self._cell.detach()

    def _finished(self, job: _Job, arrived: bool) -> None:
        self._job = None
        job.done(arrived)
        self._queue.extend(self._parked)
        self._parked.clear()
        self._work()

    def _fail_all(self) -> None:
        jobs = [self._job, *self._queue, *self._parked]
        self._job = None
        self._queue.clear()
        self._parked.clear()
        for job in jobs:
            if job is not None:
                self._board.clock.schedule(0, partial(job.done, _unfinished(job)))

    def _drop_unsent(self) -> None:
        """Lose every packet up that is queued or under way."""
        dropped = [job for job in self._queue if job.kind == "up"]
        self._queue = deque(job for job in self._queue if job.kind != "up")
        if self._job is not None and self._job.kind == "up":
            dropped.insert(0, self._job)
            self._job = None
            self._run += 1  # the rest of its procedure is void
            self._playing = False
        for job in dropped:
            self._board.clock.schedule(0, partial(job.done, None))

    # connection and current

    def _connect(self, connected: bool) -> None:
        if connected != self.connected:
            self.connected = connected
            self.on_connection()

    def _played(self, then: Callable[[], None]) -> None:
        self._playing = False
        self._connect(True)
        self._show("tail")
        release_ms = self._cell.release_ms()
        if (
            self._job is not None
            and not self._queue
            and self._assistance == _WAITS[self._job.kind]
        ):
            release_ms = ASSISTED_RELEASE_MS
        self._tail.start_ms(release_ms, self._released)
        then()

    def _released(self) -> None:
        self._connect(False)
        self._show("")
        if self.active_time_ms is not None:
            self._tail.start_ms(self.active_time_ms, self._sleep)
        self.on_idle()

    def _sleep(self) -> None:
        """T3324 has run out: power saving mode."""
        self._power.psm = True
        self._power.update()

    def _show(self, activity: str) -> None:
        self._power.activity = activity
        self._power.update()

    def _at(self, delay_ms: float, run: int, call: Callable[[], None]) -> None:
        def guarded() -> None:
            if run == self._run:
                call()

        self._board.clock.schedule_ms(delay_ms, guarded)


# The release assistance after which a procedure of this kind is the last one
_WAITS = {"up": NOTHING_MORE, "down": ONE_ANSWER, "detach": None, "tau": None}


def _unfinished(job: _Job) -> bool | None:
    """What to tell of a job when the radio is off or gone: a detach is complete then."""
    return {"up": None, "detach": True}.get(job.kind, False)
