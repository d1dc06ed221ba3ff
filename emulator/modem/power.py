"""Current of the modem: which state the meter is in, and when it sleeps.

    off    no supply, or deep sleep: airplane mode for 5 s with RTS released  0.002 mA
    psm    power saving mode, RTS released                                    0.002
    lpm    airplane mode with RTS released, if AT!="setlpm ..." was given       0.2
    idle   camped on a cell, RTS released: paging, 0.2 mA with extended DRX       1 (scenario)
    at     awake, no radio: RTS asserted, or a moment after the last character   30 (scenario)
    boot   restarting                                                            60
    rx     receiving, searching                                                  70
    tx     transmitting, by coverage                              110 / 240 / 250
    conn   connected between bursts (30 while awake), or in the tail behind
           a procedure: sparse 12, dense 53

The domain "radio" draws nothing; it is "on" from CFUN=1 until a CFUN=0/4 is complete.
Source: docs/emulation.md, currents; the states follow Pycom's use of RTS (esp32/lte/lteppp.c).
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.board.board import Board
from emulator.board.constants import COMPARABLE, DATA_SHEET, ESTIMATE, constant, table
from emulator.board.draws import drawn
from emulator.modem.options import ModemOptions
from emulator.network.cell import Cell

OFF_MA = constant(0.002, "mA", DATA_SHEET, "GM02S; up to 0.01 and 1 possible")
LPM_MA = constant(0.2, "mA", DATA_SHEET, "GM02S; up to 0.01 and 1 possible")
EDRX_MA = constant(0.2, "mA", DATA_SHEET, "0.1 to 0.3 in extended DRX; replaces idle_ma")
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
    def __init__(self, board: Board, cell: Cell, options: ModemOptions) -> None:
        self._board = board
        self._options = options
        self._at_ma = options.rts_idle_ma
        self._tx_ma = TX_MA[cell.level]
        self._idle_ma = cell.network.idle_ma
        self._tail_ma = TAIL_MA[cell.network.cdrx]
        self.supplied = True
        self.booting = False
        self.rts = False
        self.cfun = 0
        self.low_power = False  # AT!="setlpm airplane=1 enable=1"
        self.activity = ""  # "", rx, tx, gap or tail
        self.psm = False  # T3324 has run out
        self.edrx = False
        self.rest_delay_ms: Callable[[], int] = lambda: 0  # behind the last character
        self.blocked: Callable[[], bool] = lambda: False  # unread characters keep it awake
        self.woken_from = ""  # the sleep that RTS ended last
        self.on_waking: Callable[[], None] = lambda: None
        self.on_awake: Callable[[], None] = lambda: None
        self.on_asleep: Callable[[], None] = lambda: None
        self.on_update: Callable[[], None] = lambda: None
        self._awake_us = 0  # when commands are taken again
        self._settled_us = 0
        self._quiet_us = -1  # when the last character is long enough ago for a rest
        self._psm_us: int | None = None  # when power saving mode is entered, RTS released
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
            wake_ms = 1e3 * drawn(rng, WAKE_S[before])
            if before == "psm":
                wake_ms = self._options.psm_wake_ms or wake_ms
            self._awake_us = now_us + round(1e3 * wake_ms)
            self.woken_from = before
            self.on_waking()
            self._board.clock.schedule(self._awake_us - now_us, self._woken)
        self.update()

    def touched(self) -> None:
        """A character has come or gone."""
        self._quiet_us = self._board.clock.now_us + 1000 * self.rest_delay_ms()
        if not self.rts:
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
        if not self.psm or self.rts:
            self._psm_us = None
        elif self._psm_us is None:
            self._psm_us = self._board.clock.now_us + 1000 * self._options.psm_entry_ms
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
        now_us = self._board.clock.now_us
        alert = self.rts or now_us < self._quiet_us or self.blocked()
        if self.activity == "gap":
            return "conn", self._at_ma if alert else GAP_MA
        if self.activity == "tail":
            return "conn", max(self._at_ma, self._tail_ma) if alert else self._tail_ma
        if alert or now_us < self._settled_us:
            return "at", self._at_ma
        if self.cfun == 1:
            if self._psm_us is not None and now_us >= self._psm_us:
                return "psm", OFF_MA
            return "idle", min(EDRX_MA, self._idle_ma) if self.edrx else self._idle_ma
        if not self.low_power:
            return "at", self._at_ma
        since_us = self._resting_since_us
        if since_us is not None and now_us - since_us >= LPM_TO_OFF_US:
            return "off", OFF_MA
        return "lpm", LPM_MA

    def _plan(self) -> None:
        now_us = self._board.clock.now_us
        if self.rts or not self.supplied:
            return
        since_us = self._resting_since_us
        rest_us = self._settled_us if since_us is None else since_us + LPM_TO_OFF_US
        times = (rest_us, self._quiet_us, self._psm_us or 0)
        at_us = min((each for each in times if each > now_us), default=0)
        if at_us and at_us != self._planned_us:
            self._planned_us = at_us
            self._board.clock.schedule(at_us - now_us, self.update)

    def _woken(self) -> None:
        if self.awake:
            self.on_awake()
