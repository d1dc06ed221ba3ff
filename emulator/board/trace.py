"""What happened, when: the record behind `--trace`, the tables, the plots and most tests.

Kinds in use: `at>` and `at<` (bytes on the modem UART, as text), `power` (domain and state),
`file`, `nvs`, `i2c`, `net` (a datagram left, arrived or was lost), `boot`, `reset`, `sleep`,
`fault` (an injected one took effect), `missing` (a name of the board that is not emulated was
used), `print` (console output of the device). No secret of the
configuration stands in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from emulator.board.clock import Clock
from emulator.board.secrets import Secrets


class Entry(NamedTuple):
    at_us: int
    kind: str
    text: str

    def line(self) -> str:
        seconds, micro = divmod(self.at_us, 1_000_000)
        return f"{seconds:6d}.{micro:06d} {self.kind:<6} {self.text}"


class Trace:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.entries: list[Entry] = []
        self.secrets = Secrets()

    def add(self, kind: str, text: str) -> None:
        self.entries.append(Entry(self._clock.now_us, kind, self.secrets.hide(text)))

    def add_bytes(self, kind: str, data: bytes) -> None:
        """Record bytes so that a line of the trace shows every one of them."""
        shown = data.decode("latin-1").encode("unicode_escape").decode("ascii")
        self.add(kind, shown)

    def of(self, *kinds: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.kind in kinds]

    def lines(self) -> list[str]:
        return [entry.line() for entry in self.entries]

    def write(self, path: Path) -> None:
        path.write_text("\n".join(self.lines()) + "\n", encoding="utf-8")
