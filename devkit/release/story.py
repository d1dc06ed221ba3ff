"""The story of ./dev demo --update: a release reaches a node, and a bad one does not stay.

    story = Story(say, console, settings, options)
    story.tell()
    story.cycles, story.update, story.trouble

Keys, releases and collector are real and last as long as the run. Release 1 is this tree; release
2 has other byte code for some of its modules; of release 3 a module raises when it is imported.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devkit.release import keys as key_folder
from devkit.release import sets, store
from devkit.release.sets import Release
from devkit.release.store import Step
from devkit.release.world import World
from emulator.cycle import Cycle

CHANGED = ("protocols.coap", "sensors.si7021", "utils.names")
BAD, BAD_LINE = "node", "raise ValueError('release 3')\n"
_CYCLES = 12  # at most, from one state to the next


@dataclass
class Story:
    """What happens, for people (`say`) and as the object "update" of --json."""

    say: Callable[[str], None]
    console: Callable[[str], None]
    settings: dict[str, object]  # lines added to the configuration
    options: dict[str, Any]  # of Emulator
    cycles: list[tuple[int, Cycle]] = field(default_factory=list)  # with the release that ran
    update: dict[str, Any] = field(default_factory=dict)
    trouble: str | None = None

    def tell(self) -> None:
        """Run it from the first report of the old set to the return of the bad one."""
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="story-")))
            self._keys, self._folder = folder / "keys", folder / "releases"
            key_folder.create(self._keys)
            self._modules = sets.built()
            first, _ = self._release(None, {})
            files = key_folder.root_modulus(self._keys), (self._keys / "keys").read_bytes()
            self._world = stack.enter_context(
                World(self._folder, first, files, self.settings, self.console, **self.options)
            )
            self._chapter(f"Node {self._world.node} runs release 1 from /flash/a, and reports")
            self._run(lambda: True)
            self._good(first)
            self._bad()

    def _good(self, first: Release) -> None:
        second, step = self._release(first, dict.fromkeys(CHANGED, "RELEASED = 2\n"))
        assert step is not None
        self._chapter(
            f"Release 2 changes {', '.join(CHANGED)}: the node fetches {step.download_bytes} bytes"
        )
        before, air = len(self.cycles), self._world.air_bytes
        self._run(lambda: self._world.running == second.seq)
        self.update |= {
            "from": first.seq,
            "to": second.seq,
            "payload_bytes": step.download_bytes,
            "air_bytes": self._world.air_bytes - air,
            "download_cycles": len(self.cycles) - before,
        }
        self._chapter("Release 2 is on trial, until the server confirms a report of it")
        is_confirmed = self._run(lambda: not self._world.is_on_trial)
        self.update["confirmed"] = is_confirmed and self._world.status["confirmed"] == second.seq
        self._second = second

    def _bad(self) -> None:
        bad, _ = self._release(self._second, {BAD: BAD_LINE})
        self._chapter(f"Release 3 is a bad one: {BAD} raises when it is imported")
        self._run(lambda: self._world.running == bad.seq)
        self._chapter("The node tries release 3, and returns to release 2 by itself")
        self._run(lambda: self._world.status.get("rejected") == bad.seq)
        status = self._world.status
        self.update |= {
            "bad_release": bad.seq,
            "rolled_back": self._world.rejected == bad.seq,
            "cause": status.get("cause"),
            "running": self._world.running,
        }
        wanted = {"confirmed": True, "rolled_back": True, "running": self._second.seq}
        wrong = {name: self.update[name] for name in wanted if self.update[name] != wanted[name]}
        if wrong and self.trouble is None:
            self.trouble = ", ".join(f"{name} is {value}" for name, value in wrong.items())

    def _release(self, base: Release | None, more: dict[str, str]) -> tuple[Release, Step | None]:
        """The next release: the modules of this tree, with lines added to some."""
        seq = base.seq + 1 if base else 1
        self._modules = [
            sets.rewritten(each, each.source + more[each.name].encode())
            if each.name in more
            else each
            for each in self._modules
        ]
        release = sets.following(base, self._modules, seq)
        steps = store.steps(self._folder, release, self._keys)
        store.write(self._folder, release, self._modules, steps, self._keys)
        store.emulate(self._folder, release)
        return release, steps[0] if steps else None

    def _run(self, is_over: Callable[[], bool]) -> bool:
        """Let the node start until that is so; False if it never is."""
        for _ in range(_CYCLES):
            if self.trouble is not None:
                return False
            cycle = self._world.run()
            self.cycles.append((self._world.release, cycle))
            if not self._world.goes_on:
                self.trouble = f"the node stands at its prompt: {cycle.trouble}"
            if is_over():
                return True
        self.trouble = self.trouble or f"nothing came of it in {_CYCLES} starts: {cycle.trouble}"
        return False

    def _chapter(self, text: str) -> None:
        if self.trouble is None:
            self.say(f"\n{text}\n")
