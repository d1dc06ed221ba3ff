"""./dev demo --update: the story of a release that reaches a node, and of a bad one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devkit.commands import UsageError
from devkit.commands.run import runtime, summary
from devkit.release.story import Story
from devkit.release.world import PROTOCOL, Unfit
from devkit.tables import table
from emulator.cycle import Cycle

_OPTIONS = ("scenario", "seed", "firmware", "install", "realtime")  # of Emulator


def tell(options: argparse.Namespace) -> int:
    """The exit status of ./dev demo --update with these options."""
    if options.plot:
        raise UsageError("--plot with --update; allowed: one of the two")
    if options.protocol not in (None, PROTOCOL):
        raise UsageError(f"--protocol {options.protocol} with --update; allowed: {PROTOCOL}")
    out = sys.stderr if options.json else sys.stdout

    def say(text: str = "", end: str = "\n") -> None:
        print(text, end=end, file=out, flush=True)

    say(f"Emulated node, firmware {options.firmware}, scenario {options.scenario!r},"
        f" seed {options.seed}; the collector is real, and so are the keys")  # fmt: skip
    story = Story(
        say,
        lambda text: say(text, end=""),
        {"_SEND_EVERY": 1, **({"_BEARER": options.bearer} if options.bearer else {})},
        {name: getattr(options, name) for name in _OPTIONS} | runtime(options),
    )
    try:
        story.tell()
    except Unfit as problem:
        raise UsageError(str(problem)) from None
    say("\nEach cycle, with the release that ran\n")
    say(_table(story.cycles))
    say()
    for line in _told(story.update):
        say(line)
    if story.trouble is not None:
        print(f"./dev demo: {story.trouble}", file=sys.stderr)
    if options.json:
        told = summary(story.trouble is None, options.seed, [])
        cycles = [{**cycle.as_json(), "release": release} for release, cycle in story.cycles]
        print(json.dumps({**told, "cycles": cycles, "update": story.update}))
    return 0 if story.trouble is None else 1


def _told(update: Mapping[str, Any]) -> Iterator[str]:
    """What became of both releases, in lines; nothing of one that was not reached."""
    if "confirmed" in update:
        confirmed = "confirmed" if update["confirmed"] else "not confirmed"
        yield (
            f"Release {update['to']} after release {update['from']}: {update['payload_bytes']}"
            f" bytes of payload, {update['air_bytes']} on air, in {update['download_cycles']}"
            f" cycles; {confirmed}"
        )
    if "rolled_back" in update:
        yield (
            f"Release {update['bad_release']}:"
            f" {'rolled back' if update['rolled_back'] else 'not rolled back'}, cause"
            f" {update['cause'] or 'unknown'}; release {update['running']} runs"
        )


def _outcome(cycle: Cycle) -> str:
    """A node that gets as far as its sleep has said how it went."""
    return cycle.cause or ("crashed" if cycle.ended == "deepsleep" else cycle.ended)


def _table(cycles: Sequence[tuple[int, Cycle]]) -> str:
    rows = [
        [
            number, release, cycle.reset_cause, _outcome(cycle), cycle.awake_ms,
            cycle.air_bytes, round(cycle.energy_mj), cycle.confirmed,
        ]
        for number, (release, cycle) in enumerate(cycles, 1)
    ]  # fmt: skip
    headings = [
        "cycle", "release", "started by", "outcome", "awake ms", "air bytes", "energy mJ",
        "answered?",
    ]  # fmt: skip
    return table(rows, headings)
