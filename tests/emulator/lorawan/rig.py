"""A FiPy on which other people's LoRaWAN scripts run."""

from __future__ import annotations

import socket
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emulator import scenario as scenarios
from emulator.cycle import Cycle
from emulator.emulator import Emulator

JOIN = """
from network import LoRa
import socket
import time
import ubinascii

lora = LoRa(mode=LoRa.LORAWAN, region=LoRa.EU868)
app_eui = ubinascii.unhexlify('70B3D57ED0000001')
app_key = ubinascii.unhexlify('2B7E151628AED2A6ABF7158809CF4F3C')
lora.join(activation=LoRa.OTAA, auth=(app_eui, app_key), timeout=0)
for _ in range({tries}):
    if lora.has_joined():
        break
    time.sleep(2.5)
print('joined', lora.has_joined())
"""
SOCKET = """
s = socket.socket(socket.AF_LORA, socket.SOCK_RAW)
s.setsockopt(socket.SOL_LORA, socket.SO_DR, {rate})
"""


def joined(rate: int = 5, tries: int = 20) -> str:
    return JOIN.format(tries=tries) + SOCKET.format(rate=rate)


class FiPy:
    def __init__(self, folder: Path, table: dict[str, Any] | str, **options: Any) -> None:
        made = scenarios.load(table) if isinstance(table, str) else scenarios.from_table(table)
        self.folder = folder
        self.printed: list[str] = []
        self.emulator = Emulator(
            scenario=made,
            name="FiPy",
            flash=folder,
            console=self.printed.append,
            install="frozen",
            **{"max_hours": 72, **options},
        )
        self.board = self.emulator.board
        config: Any = self.board.services["config"]
        config.flags["lte_modem_en_on_boot"] = False
        assert self.emulator.lora is not None
        self.lora = self.emulator.lora
        self.server = self.lora.server

    def run(self, program: str, cycles: int = 1) -> list[Cycle]:
        """Run it as a script; what it printed is in `output`."""
        del self.printed[:]
        (self.folder / "script.py").write_text(textwrap.dedent(program), encoding="utf-8")
        return self.emulator.run(["script.py"], cycles)

    @property
    def output(self) -> list[str]:
        return "".join(self.printed).splitlines()

    @property
    def payloads(self) -> list[bytes]:
        return [each.payload for each in self.server.accepted]

    @property
    def reasons(self) -> list[str]:
        return [each.reason for each in self.server.refused]


@contextmanager
def fipy(folder: Path, table: dict[str, Any] | str = "good", **options: Any) -> Iterator[FiPy]:
    board = FiPy(folder, table, **options)
    try:
        yield board
    finally:
        board.emulator.close()


@contextmanager
def collector() -> Iterator[tuple[str, socket.socket]]:
    """A UDP server, and the route to it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(2)
        yield f"lorawan.example:5683=127.0.0.1:{server.getsockname()[1]}", server


def lora(**options: Any) -> dict[str, Any]:
    return {"lora": options}


def lines(texts: Sequence[str], start: str) -> list[str]:
    return [text for text in texts if text.startswith(start)]
