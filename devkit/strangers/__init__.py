"""Programs that strangers wrote for Pycom boards, run on the emulated board.

    python -m devkit.strangers FOLDER            # a table of all programs, on stdout
    python -m devkit.strangers FOLDER --renew docs/strangers.md

FOLDER holds checkouts, one folder each (OWNER+NAME is shown as OWNER/NAME). Nothing of them is
copied into this project. `programs` finds the programs and gathers the flash of each, `runs` runs
them with limits, `report` makes the tables and keeps the judgements of an earlier run.
"""
