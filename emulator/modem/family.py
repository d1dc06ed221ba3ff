"""The base of every family of AT commands (emulator/modem/commands)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from emulator.modem.engine import Args, CmeError, Command, Result, at_most, integer

if TYPE_CHECKING:
    from emulator.modem.modem import Modem


def numbered(handle: Callable[[int], Result], highest: int = 1) -> Command:
    """A command with one number from 0 on, which is 0 when it is left out (ATE, ATI)."""

    def run(args: Args) -> Result:
        return handle(integer(args, 0, 0, highest))

    return Command(set=run, execute=lambda: run([0]))


class Family:
    """Commands that belong together, and what they want to hear about. Override what you need."""

    def __init__(self, modem: Modem) -> None:
        self.modem = modem

    def commands(self) -> dict[str, Command]:
        """Name in upper case, with its sign ("+CEREG", "^RESET", "E", "&F") -> Command."""
        return {}

    def stored(self, name: str, highest: int, shown: Callable[[int], str] = str) -> Command:
        """NAME=0..highest, kept in NV under the same name; `shown` is what NAME? answers."""
        nv, field_name = self.modem.nv, name[1:].lower()

        def write(args: Args) -> None:
            at_most(args, 1)
            setattr(nv, field_name, integer(args, 0, 0, highest))

        return Command(
            set=write,
            read=lambda: [f"{name}: {shown(getattr(nv, field_name))}"],
            test=f"{name}: (0-{highest})",
        )

    def later(self, bounds_ms: tuple[float, float], call: Callable[[], None]) -> None:
        """Call after a drawn time, unless the modem restarts before."""
        self.modem.after_ms(self.modem.session.delay_ms(bounds_ms), call)

    def need_radio(self) -> None:
        """CME 3 unless the functionality is full."""
        if self.modem.cfun != 1:
            raise CmeError(3)

    def on_reset(self) -> None:
        """The modem starts, the first time included: what is not in `modem.nv` is lost."""

    def on_registered(self) -> None:
        """+CEREG has become 1 or 5."""

    def on_deregistered(self) -> None:
        """+CEREG was 1 or 5 and is so no longer."""

    def on_rts_released(self) -> None:
        """The board has released RTS."""

    def on_left_in_data_state(self) -> None:
        """The modem is found in data state, as a program that crashed has left it."""

    def on_pdn_down(self, cid: int) -> None:
        """The PDN connection of context `cid` is gone."""
