"""The SIM card: absent, locked, busy for a moment after it gets power, ready.

It has power with CFUN=1 and 4, none with 0. A wrong PIN counts down; after the third one only the
PUK unlocks. Locking state and counters stay in the card.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.board.board import Board
from emulator.board.constants import ESTIMATE, constant
from emulator.board.draws import drawn
from emulator.modem.engine import CmeError
from emulator.modem.options import SimOptions

# from power to READY
READY_S = constant((0.3, 0.6, 2.0), "s", ESTIMATE, "from power to READY; slow cards take seconds")
PIN_TRIES, PUK_TRIES = 3, 10


class Sim:
    def __init__(self, board: Board, options: SimOptions) -> None:
        self._board = board
        self.options = options
        self.pin = options.pin
        self.lock = options.state != "ready"  # the card asks for its PIN at power-up
        self.verified = options.state in ("ready", "absent")
        self.pin_left = 0 if options.state == "puk" else PIN_TRIES
        self.puk_left = PUK_TRIES
        self.powered = False
        self.on_ready: Callable[[], None] = lambda: None
        self._ready_us = 0
        self._power_ups = 0

    @property
    def present(self) -> bool:
        return self.options.state != "absent"

    @property
    def busy(self) -> bool:
        return self._board.clock.now_us < self._ready_us

    @property
    def ready(self) -> bool:
        return self.present and self.powered and not self.busy and self.status() == "READY"

    def status(self) -> str:
        """What +CPIN? says of a present card that has power."""
        if self.pin_left == 0:
            return "SIM PUK"
        return "READY" if self.verified else "SIM PIN"

    def power(self, on: bool, at_once: bool = False) -> None:
        if on and not self.powered:
            self.powered = True
            rng = self._board.rng(f"sim/{self._power_ups}")
            self._power_ups += 1
            delay_ms = self.options.ready_ms or 1000.0 * drawn(rng, READY_S)
            self._ready_us = self._board.clock.now_us + (0 if at_once else round(delay_ms * 1000))
            self._board.clock.schedule(self._ready_us - self._board.clock.now_us, self._check)
        elif not on and self.powered:
            self.powered = False
            self.verified = not self.lock

    def require_present(self) -> None:
        """Raise unless the card has power and has answered; locked or not does not matter."""
        if not self.powered:
            raise CmeError(3)
        if not self.present:
            raise CmeError(10)
        if self.busy:
            raise CmeError(14)

    def require(self) -> None:
        """Raise what a command gets that needs the card, unless it is ready (27.007 9.2)."""
        self.require_present()
        status = self.status()
        if status != "READY":
            raise CmeError(12 if status == "SIM PUK" else 11)

    def enter(self, secret: str, new_pin: str | None) -> None:
        """+CPIN=...: the PIN, or the PUK with a new PIN."""
        status = self.status()
        if status == "SIM PIN" and new_pin is None:
            self.check_pin(secret)
            self.verified = True
        elif status == "SIM PUK" and new_pin is not None:
            self._unblock(secret, new_pin)
        elif status == "SIM PUK":
            raise CmeError(12)
        else:
            raise CmeError(3)
        self._check()

    def check_pin(self, secret: str) -> None:
        """CME 16, and one try less, unless `secret` is the PIN."""
        if secret != self.pin:
            self.pin_left = max(0, self.pin_left - 1)
            if self.pin_left == 0:
                self.verified, self.lock = False, True
            raise CmeError(12 if self.pin_left == 0 else 16)
        self.pin_left = PIN_TRIES

    def _unblock(self, puk: str, new_pin: str) -> None:
        if self.puk_left == 0:
            raise CmeError(13)
        if puk != self.options.puk:
            self.puk_left -= 1
            raise CmeError(13 if self.puk_left == 0 else 16)
        check_new_pin(new_pin)
        self.pin, self.pin_left, self.puk_left = new_pin, PIN_TRIES, PUK_TRIES
        self.verified = True

    def _check(self) -> None:
        if self.ready:
            self.on_ready()


def check_new_pin(pin: str) -> None:
    """CME 50 for what no card takes as a PIN."""
    if not (pin.isdigit() and 4 <= len(pin) <= 8):
        raise CmeError(50)
