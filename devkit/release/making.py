"""Makes a release: what changed, the signed lists, the trial on an emulated board, the folder."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from devkit.release import keys as key_folder
from devkit.release import sets, store, trial
from devkit.release.sets import Module, Release
from devkit.release.store import Step


@dataclass(frozen=True)
class Change:
    """Versions are numbers of releases; None: there is none."""

    name: str
    before: int | None
    after: int | None
    bytes: int  # what a node downloads of it


@dataclass
class Made:
    seq: int | None = None
    components: list[Change] = field(default_factory=list)
    step: Step | None = None  # from the release before; None for the first one
    refused: str | None = None

    @property
    def is_first(self) -> bool:
        """There is no release before it."""
        return bool(self.components) and self.seq == 1

    @property
    def download(self) -> str:
        """What a node will download, in words."""
        if self.step is None:
            return "the first one, which ./dev deploy --keys puts on a board"
        count = len(self.step.content)
        files = "component" if count == 1 else "components"
        return (
            f"a node with release {self.step.base} downloads {self.step.download_bytes} bytes,"
            f" {count} {files} and {len(self.step.envelope)} bytes of signed list"
        )

    def as_json(self) -> dict[str, Any]:
        """The object that ./dev release --json prints."""
        return {
            "ok": self.refused is None,
            "release": self.seq if self.refused is None else None,
            "components": [asdict(each) for each in self.components],
            "download_bytes": self.step.download_bytes if self.step else 0,
            "refused": self.refused,
        }


def modules_for(keys: Path, out: Path) -> list[Module]:
    """Compile this tree, if both folders will do. What takes long comes after that.

    Raises ValueError for what does not compile, KeyTrouble, StoreTrouble.
    """
    store.check_folder(out)
    key_folder.check_private(keys)
    key_folder.newest(keys)
    store.check_root(out, keys)
    return sets.built()


def make(
    keys: Path,
    out: Path,
    modules: list[Module],
    allowed: tuple[int, int],
    sec: int | None,
    say: Callable[[str], None],
) -> Made:
    """Add a release of these modules to `out`, unless it is refused. allowed: tries, cycles.

    Raises ValueError, KeyTrouble, StoreTrouble.
    """
    before = store.numbers(out)
    previous = store.read(out, before[-1]) if before else None
    epoch = previous.sec if previous else 0
    if sec is not None and sec < epoch:
        raise ValueError(f"--sec {sec}; allowed: {epoch}, which the release before has, or more")
    seq = previous.seq + 1 if previous else 1
    release = sets.following(previous, modules, seq, epoch if sec is None else sec, allowed)
    made = Made(seq, _changes(previous, release))
    has_new_keys = before and (out / "keys").read_bytes() != (keys / "keys").read_bytes()
    if previous and _is_same(previous, release) and not has_new_keys:
        made.refused = f"nothing has changed since release {previous.seq}"
        return made
    made.refused = sets.problem(release)
    if made.refused is None:
        steps = store.steps(out, release, keys)
        made.step = steps[0] if steps else None
        with tempfile.TemporaryDirectory(prefix="releases-") as folder:
            made.refused = trial.failure(
                out, previous, release, modules, steps, keys, Path(folder), say
            )
    if made.refused is None:
        store.write(out, release, modules, steps, keys)
    return made


def _is_same(previous: Release, release: Release) -> bool:
    return (previous.digest, previous.sec) == (release.digest, release.sec)


def _changes(previous: Release | None, release: Release) -> list[Change]:
    before = {each.name: each.version for each in previous.components} if previous else {}
    new = [Change(each.name, before.get(each.name), each.version, each.size)
           for each in sets.fetched(previous, release)]  # fmt: skip
    gone = [Change(name, before[name], None, 0) for name in sets.changes(previous, release)[1]]
    return sorted(new + gone, key=lambda each: each.name)
