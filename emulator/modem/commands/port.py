"""Settings of the serial port and its side lines: +IPR, break and ring signals.

Source: Pycom firmware (esp32/lte/lteppp.c relies on +SQNIBRCFG), TinyGSM and Sequans drivers.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.modem.engine import Args, CmeError, Command, Result, at_most, integer
from emulator.modem.family import Family

RATES = (0, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1000000)


class Port(Family):
    def commands(self) -> dict[str, Command]:
        nv = self.modem.nv
        return {
            "+IPR": Command(
                set=self._set_rate,
                read=lambda: [f"+IPR: {self.modem.uart.baud}"],
                test="+IPR: (),(" + ",".join(map(str, RATES)) + ")",
            ),
            "+IFC": Command(set=self._set_flow, read="+IFC: 2,2", test="+IFC: (0,2),(0,2)"),
            "+SQNIBRCFG": self._stored("+SQNIBRCFG", lambda: nv.ibr, (0, 1), (1, 1000)),
            "+SQNIPSCFG": self._stored("+SQNIPSCFG", lambda: nv.ips, (0, 2), (100, 10000)),
            "+SQNPSCFG": self.stored("+SQNPSCFG", 10000),  # longest wake-up allowed; no effect
            "+SQNRICFG": self._stored("+SQNRICFG", lambda: nv.ri, (0, 2), (0, 3), (100, 10000)),
        }

    def _set_rate(self, args: Args) -> None:
        """Accepted; the emulated wire keeps the rate that its other end uses."""
        if integer(args, 0, 0, 4_000_000) not in RATES:
            raise CmeError(50)

    def _set_flow(self, args: Args) -> None:
        at_most(args, 2)
        for index in range(len(args)):
            if integer(args, index, 0, 2) == 1:
                raise CmeError(50)

    def _stored(
        self, name: str, kept: Callable[[], list[int]], *bounds: tuple[int, int]
    ) -> Command:
        """A setting of several numbers in NV; those left out behind the first keep their value."""

        def write(args: Args) -> None:
            at_most(args, len(bounds))
            if args[0] is None:
                raise CmeError(50)
            before = kept()
            before[:] = [
                integer(args, index, *bounds[index], value) for index, value in enumerate(before)
            ]

        def read() -> Result:
            return [f"{name}: " + ",".join(str(value) for value in kept())]

        shown = ",".join(f"({low}-{high})" for low, high in bounds)
        return Command(set=write, read=read, test=f"{name}: {shown}")
