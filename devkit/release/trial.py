"""The trial of a release on an emulated node, before it counts.

The node runs the release before it, is offered the new one by the real collector, fetches it,
starts it, reports, and is confirmed. The first release has none before it: it starts and reports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from devkit.release import keys as key_folder
from devkit.release import store
from devkit.release.sets import Module, Release
from devkit.release.store import Step
from devkit.release.world import World
from emulator.cycle import Cycle

MOST_BYTES = 65536
# The trial does not have to be spread over a day, and has the battery of the scenario
SETTINGS: dict[str, object] = {
    "_UPDATE_BYTES_PER_CYCLE": MOST_BYTES, "_UPDATE_MIN_MV": 500, "_SEND_EVERY": 1,
}  # fmt: skip
_STARTS = 6  # beside those in which content is fetched
_RETURN = 1  # the start that goes back
_ERROR = re.compile(r"^(?:\w+(?:Error|Exception|Exit|Interrupt))\b.*$", re.MULTILINE)


def failure(
    out: Path,
    previous: Release | None,
    release: Release,
    modules: Iterable[Module],
    steps: Iterable[Step],
    keys: Path,
    folder: Path,
    say: Callable[[str], None],
) -> str | None:
    """Why the release does not pass, in a line; None if it does. folder: an empty one to work in.

    Raises KeyTrouble, StoreTrouble, world.Unfit.
    """
    # the node has the key file of before, and fetches a newer one first
    known = (keys if previous is None else out) / "keys"
    files = key_folder.root_modulus(keys), known.read_bytes()
    first = [step for step in steps if previous and step.base == previous.seq]
    if previous is not None:
        store.copy(out, folder, previous)
    store.write(folder, release, modules, first, keys)
    for each in filter(None, (previous, release)):
        store.emulate(folder, each)
    size = sum(step.download_bytes for step in first)
    starts = _STARTS + 2 * -(-size // MOST_BYTES)
    with World(folder, previous or release, files, SETTINGS) as world:
        if previous is None:
            return _reports(world, release)
        say(
            f"trial: an emulated node with release {previous.seq} is offered release {release.seq}"
        )
        return _is_taken(world, release, starts)


def _reports(world: World, release: Release) -> str | None:
    """Whether the first release reports, twice."""
    account = _Account(world)
    for _ in range(2):
        cycle = account.run()
        if not world.goes_on or not cycle.confirmed:
            return f"release {release.seq} does not report: {account.why}"
    if world.status.get("release") != release.seq:
        return f"release {release.seq} does not say that it runs"
    return None


def _is_taken(world: World, release: Release, starts: int) -> str | None:
    """Run the node until it has confirmed the release or left it."""
    account = _Account(world)
    for _ in range(starts):
        account.run()
        if world.running == release.seq:
            return _is_confirmed(world, release, account.errors)
        if world.rejected == release.seq:
            account.run()  # a report that says why
            return f"release {release.seq} is refused by the node: {world.status.get('cause')}"
    why = world.haste or account.why
    return f"release {release.seq} is not fetched in {starts} starts: {why}"


def _is_confirmed(world: World, release: Release, known: list[str]) -> str | None:
    """The new release runs from now on. On an emulated node nothing excuses its first start.

    known: errors that the release before it had on the console."""
    account = _Account(world)
    for _ in range(release.trial[0] + _RETURN):
        account.run()
        if world.status.get("confirmed") == release.seq and not world.is_on_trial:
            new = [each for each in account.errors if each not in known]
            return f"release {release.seq} reports, but raises {new[0]}" if new else None
        if world.rejected == release.seq:
            account.run()
            cause = world.status.get("cause")
            return f"release {release.seq} fails its trial, {cause}: {account.why}"
        if not world.goes_on:
            return f"release {release.seq} leaves the node at its prompt: {account.why}"
    return f"release {release.seq} is not confirmed: {account.why}"


class _Account:
    """The cycles of a node from now on, and the first thing that went wrong in them."""

    def __init__(self, world: World) -> None:
        self._world, self._from = world, len(world.said)
        self._cycles: list[Cycle] = []

    def run(self) -> Cycle:
        self._cycles.append(self._world.run())
        return self._cycles[-1]

    @property
    def errors(self) -> list[str]:
        """The last lines of tracebacks on the console."""
        return _ERROR.findall("".join(self._world.said[self._from :]))

    @property
    def why(self) -> str:
        troubles = [cycle.error or cycle.trouble for cycle in self._cycles]
        lines = [
            *self.errors,
            *filter(None, troubles),
            f"cause {self._cycles[-1].cause or 'unknown'}",
        ]
        return lines[0].strip().splitlines()[-1]
