"""Long seeded proofs: each NAME is a file of this folder, found by its function `violations`.

    RUNS                    how many runs `./dev soak NAME` makes
    violations(rig, seed)   carry out the run of this seed; a list of (rule, what was seen)

The same seed gives the same run. A run costs well below a second of one processor: the device
files run in this process, on a virtual clock. `rig` (devkit/soak/rig.py) is the board of all runs.
"""

from __future__ import annotations

from pathlib import Path

NAMES = tuple(
    sorted(
        path.stem
        for path in Path(__file__).parent.glob("[a-z]*.py")
        if "\ndef violations(" in path.read_text(encoding="utf-8")
    )
)
