"""AT!="...": the manufacturing console, and AT+SMDD. The Pycom firmware sets bands with it.

A command without output answers with an empty information text ("\\r\\n\\r\\nOK\\r\\n"); a table
comes behind an empty line. Source: Pycom esp32/mods/modlte.c, Sequans trouble-shooting logs.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from emulator.modem.commands import dumps
from emulator.modem.engine import Args, CmeError, Command, Raw, Result, nothing
from emulator.modem.family import Family

# The board carries filters for these: what +SMDD counts as "17 bands"
BOARD_BANDS = (1, 2, 3, 4, 5, 8, 12, 13, 14, 17, 18, 19, 20, 25, 26, 28, 66)
OLD_BANDS = (3, 4, 12, 13, 20, 28)  # what every build takes
MIDDLE_BUILD, FULL_BUILD = 39000, 41000  # from, above: further bands

NOTHING = Raw(b"\r\n")
NO_PERMISSION = "You don't have the permission to use this command"


def authorised(build: int) -> tuple[int, ...]:
    """The bands that a firmware build takes into its scan list."""
    if build > FULL_BUILD:
        return BOARD_BANDS
    return tuple(sorted(OLD_BANDS + (5, 8))) if build >= MIDDLE_BUILD else OLD_BANDS


class Manufacturing(Family):
    def commands(self) -> dict[str, Command]:
        return {
            "!": Command(set=self._run),
            "+SMDD": Command(execute=lambda: dumps.hardware(BOARD_BANDS), test=nothing),
        }

    def on_reset(self) -> None:
        self._full_permission = False

    def _run(self, args: Args) -> Result:
        line = ",".join("" if arg is None else str(arg) for arg in args).strip()
        for pattern, handler in self._console().items():
            match = re.fullmatch(pattern, line, re.IGNORECASE)
            if match is not None:
                return handler(*match.groups())
        raise CmeError(4)

    def _console(self) -> dict[str, Callable[..., Result]]:
        """What carries out a line, by its form: the first one that fits, with its groups."""
        modem = self.modem
        return {
            r"showver": lambda: self._table(dumps.version(modem.options)),
            r"get_sw_version": lambda: dumps.software(modem.options),
            r"clearscanconfig": self._clear_bands,
            r"fsm": lambda: self._table(dumps.state_machines(self._phase())),
            r"showphy": lambda: self._table(dumps.physical_layer(modem)),
            r"showdetectedcell": lambda: self._table(dumps.detected_cells(modem)),
            r"ifconfig": lambda: self._table(dumps.interfaces(modem)),
            r"rrc::?showcaps": lambda: self._private(dumps.capabilities(self._bands())),
            r"(?:rrc::?)?addscanband\s+band=([0-9]+)": self._add_band,
            r"setlpm\s+airplane=([01])\s+enable=([01])": self._low_power,
            r"ip::ping\s+(\S+)": self._ping,
            r"disablelog\s+[01]": lambda: NOTHING,
            r"rrc::?setdbgperm\s+full": self._permit,
            r"autostart\s+([01])": self._autostart,
            r"rrc:.*": lambda: self._private([]),
            r"uci::?set(?: .*)?": lambda: NOTHING,
            r"(cat|echo|rm)\s+(.*?)(/fs/\S+)": self._script,
        }

    def _table(self, lines: list[str]) -> Result:
        return ["", *lines]

    def _private(self, lines: list[str]) -> Result:
        """Most of the RRC console is locked until AT!="RRC:setDbgPerm full"."""
        if not self._full_permission:
            return [NO_PERMISSION]
        return self._table(lines) if lines else NOTHING

    # bands

    def _bands(self) -> tuple[int, ...]:
        return authorised(self.modem.options.build)

    def _clear_bands(self) -> Result:
        self.modem.nv.bands = []
        return NOTHING

    def _add_band(self, number: str) -> Result:
        band = int(number)
        if band not in self._bands():
            raise CmeError(4)
        if band not in self.modem.nv.bands:
            self.modem.nv.bands = sorted([*self.modem.nv.bands, band])
        return NOTHING

    # the rest

    def _permit(self) -> Result:
        self._full_permission = True
        return NOTHING

    def _autostart(self, on: str) -> Result:
        self.modem.nv.autostart = on == "1"
        return NOTHING

    def _low_power(self, airplane: str, enable: str) -> Result:
        self.modem.power.low_power = airplane == enable == "1"
        self.modem.power.update()
        return NOTHING

    def _ping(self, address: str) -> Result:
        if not self.modem.registered:
            raise CmeError(3)
        return [f"PING {address}: request sent"]

    def _script(self, verb: str, before: str, path: str) -> Result:
        """cat, echo and rm on the modem's own file system, kept in NV."""
        files = self.modem.nv.files
        if verb.lower() == "echo":
            content, arrow, _ = before.rpartition(">")
            if not arrow:
                raise CmeError(4)
            appended = content.endswith(">")
            files[path] = (files.get(path, "") if appended else "") + content.rstrip("> ").strip(
                "'"
            )
            return NOTHING
        if path not in files:
            raise CmeError(22)
        if verb.lower() == "rm":
            del files[path]
            return NOTHING
        return [files[path]]

    def _phase(self) -> str:
        modem = self.modem
        if modem.cfun != 1:
            return "off"
        if not modem.sim.present:
            return "no_sim"
        if modem.registered:
            return "connected" if modem.radio.connected or modem.radio.busy else "camped"
        return (
            "connecting" if modem.radio.busy else "scanning" if modem.emm.searching else "limited"
        )
