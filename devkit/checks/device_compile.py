"""Every file that runs on MicroPython compiles to what a Pycom board loads."""

from __future__ import annotations

from pathlib import Path

from emulator.vm.mpy import HEADER, compiled


def problems(root: Path, names: list[str]) -> list[str]:
    found = []
    for name in names:
        try:
            code = compiled((root / name).read_bytes(), name)
        except ValueError as problem:
            found.append(f"{name}: {problem}")
        else:
            if not code.startswith(HEADER):
                found.append(
                    f"{name}: .mpy begins with {code[:5].hex(' ')}, not {HEADER.hex(' ')}"
                )
    return found
