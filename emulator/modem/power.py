"""Current of the modem: which state the meter is in, and when it sleeps.

    off    no supply, or deep sleep: airplane mode for 5 s with RTS released       0.002 mA
    psm    power saving mode, RTS released                                         0.002
    lpm    airplane mode with RTS released, if AT!="setlpm ..." was given            0.2
    idle   camped on a cell, RTS released: paging                                    1 (scenario)
    at     awake, no radio                                                       30
    boot   restarting                                                            60
    rx     receiving, searching                                                  70
    tx     transmitting, by coverage                              110 / 240 / 250
    conn   connected between bursts (30 with RTS asserted), or in the tail behind
           a procedure: sparse 12, dense 53

The domain "radio" draws nothing; it is "on" from CFUN=1 until a CFUN=0/4 is complete.
Source: docs/emulation.md, currents; the states follow Pycom's use of RTS (esp32/lte/lteppp.c).
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.board.board import Board
from emulator.board.constants import COMPARABLE, DATA_SHEET, ESTIMATE, constant, table
from emulator.board.draws import drawn
from emulator.network.cell import Cell

OFF_MA = constant(0.002, "mA", DATA_SHEET, "GM02S; up to 0.01 and 1 possible")
LPM_MA = constant(0.2, "mA", DATA_SHEET, "GM02S; up to 0.01 and 1 possible")
AT_MA = constant(30.0, "mA", DATA_SHEET, "GM02S active without radio, 20 to 40 mA")
BOOT_MA = constant(60.0, "mA", ESTIMATE, "between awake and receiving; 40 to 90 possible")
RX_MA = constant(70.0, "mA", COMPARABLE, "Robinson 2019, Martinez 2019: 46 to 75 mA")
TX_MA = table(
    {"good": 110.0, "fair": 240.0, "edge": 250.0},
    "mA",
    COMPARABLE,
    "Robinson 2019, Martinez 2019: 199 to 420; good: interpolated, 70 to 250",
)
GAP_MA = constant(9.0, "mA", COMPARABLE, "Martinez 2019, BC95: 8 to 10 mA")
TAIL_MA = table(
    {"sparse": 12.0, "dense": 53.0},
    "mA",
    COMPARABLE,
    "C-DRX of Robinson 2019 and Martinez 2019; by operator",
)
LPM_TO_OFF_US = constant(
    5_000_000, "us", COMPARABLE, "a FiPy comes to its floor 5 s after deepsleep, Pycom forum 28136"
)
# after a start the modem stays awake for so long
SETTLE_US = constant(
    5_000_000, "us", COMPARABLE, "a FiPy comes to its floor 5 s after deepsleep, Pycom forum 28136"
)
WAKE_S = table(
    {"lpm": (0.1, 0.2, 0.4), "off": (0.15, 0.3, 0.6), "psm": (0.15, 0.3, 0.6)},
    "s",
    ESTIMATE,
    "no source found",
)


class Power:
    def __init__(self, board: Board, cell: Cell) -> None:
        self._board = board
        self._tx_ma = TX_MA[cell.level]
        self._idle_ma = cell.network.idle_ma
        self._tail_ma = TAIL_MA[cell.network.cdrx]
        self.supplied = True
        self.booting = False
        self.rts = False
        self.cfun = 0
        self.low_power = False  # AT!="setlpm airplane=1 enable=1"
        self.activity = ""  # "", rx, tx, gap or tail
        self.psm = False
        self.on_awake: Callable[[], None] = lambda: None
        self.on_asleep: Callable[[], None] = lambda: None
        self.on_update: Callable[[], None] = lambda: None
        self._awake_us = 0  # when commands are taken again
        self._settled_us = 0
        self._resting_since_us: int | None = -LPM_TO_OFF_US  # in lpm or beyond since then
        self._wakes = 0
        self._slept = False
        self._planned_us = -1

    @property
    def asleep(self) -> bool:
        return self._state()[0] in ("off", "psm", "lpm")

    @property
    def awake(self) -> bool:
        """Commands are taken: nothing sleeps and the time of waking up is over."""
        return not self.asleep and self._board.clock.now_us >= self._awake_us

    def set_rts(self, level: bool) -> None:
        if level == self.rts:
            return
        before = self._state()[0]
        self.rts = level
        now_us = self._board.clock.now_us
        if level and before in WAKE_S and self.supplied:
            rng = self._board.rng(f"modem/wake/{self._wakes}")
            self._wakes += 1
            self._awake_us = now_us + round(1e6 * drawn(rng, WAKE_S[before]))
            self._board.clock.schedule(self._awake_us - now_us, self._woken)
        self.update()

    def booted(self) -> None:
        now_us = self._board.clock.now_us
        self.booting = False
        self._awake_us = now_us
        self._settled_us = now_us + SETTLE_US
        self.update()

    def update(self) -> None:
        """Tell the meter; come back by itself when time alone changes the state."""
        if not self._resting:
            self._resting_since_us = None
        elif self._resting_since_us is None:
            self._resting_since_us = self._board.clock.now_us
        state, milliamps = self._state()
        if self._board.meter.state("modem") != state:
            self._board.trace.add("power", f"modem {state} {milliamps:g} mA")
        self._board.meter.set("modem", state, milliamps)
        self._board.meter.set("radio", "on" if self.cfun == 1 else "off", 0.0)
        if self.asleep and not self._slept:
            self.on_asleep()
        self._slept = self.asleep
        self.on_update()
        self._plan()

    @property
    def _resting(self) -> bool:
        """Airplane mode with nothing to do and RTS released, and low power allowed."""
        settled = self._board.clock.now_us >= self._settled_us
        busy = self.booting or self.rts or self.cfun == 1 or bool(self.activity)
        return self.supplied and self.low_power and settled and not busy

    def _state(self) -> tuple[str, float]:
        if not self.supplied:
            return "off", OFF_MA
        if self.booting:
            return "boot", BOOT_MA
        if self.activity == "tx":
            return "tx", self._tx_ma
        if self.activity == "rx":
            return "rx", RX_MA
        if self.activity == "gap":
            return "conn", AT_MA if self.rts else GAP_MA
        if self.activity == "tail":
            return "conn", max(AT_MA, self._tail_ma) if self.rts else self._tail_ma
        if self.rts or self._board.clock.now_us < self._settled_us:
            return "at", AT_MA
        if self.cfun == 1:
            return ("psm", OFF_MA) if self.psm else ("idle", self._idle_ma)
        if not self.low_power:
            return "at", AT_MA
        since_us = self._resting_since_us
        if since_us is not None and self._board.clock.now_us - since_us >= LPM_TO_OFF_US:
            return "off", OFF_MA
        return "lpm", LPM_MA

    def _plan(self) -> None:
        now_us = self._board.clock.now_us
        if self.rts or not self.supplied:
            return
        since_us = self._resting_since_us
        at_us = self._settled_us if since_us is None else since_us + LPM_TO_OFF_US
        if at_us > now_us and at_us != self._planned_us:
            self._planned_us = at_us
            self._board.clock.schedule(at_us - now_us, self.update)

    def _woken(self) -> None:
        if self.awake:
            self.on_awake()
