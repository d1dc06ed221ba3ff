"""Show what one component alone needs and weighs, and copy just that."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from devkit.build import manifest, weight
from devkit.build.components import APPLICATION, Component, components, with_extras
from devkit.build.targets import PYCOM, TARGETS, Target
from devkit.build.weight import Weight
from devkit.commands import UsageError
from devkit.commands.options import add_config, add_json, add_target, checked_config, chosen_config
from devkit.tables import table
from emulator.device_files import CREDENTIALS, ROOT, credentials_file

LICENCE = "LICENSE"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="nbiot, si7021, ...; a wrong name lists all")
    parser.add_argument(
        "--to",
        metavar="DIR",
        help="copy the files and the licence to DIR, a board's /flash or a project; as .py unless"
        " --target is given",
    )
    parser.add_argument(
        "--with",
        dest="extras",
        action="append",
        default=[],
        metavar="EXTRA",
        help="also what it can use and does not need: uart, the other link of nbiot to its modem",
    )
    add_target(
        parser, None, f"the firmware to compile for (sizes are for {PYCOM.name} unless given)"
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="with --to: write over files that are there and differ",
    )
    add_config(parser)
    add_json(parser)


def main(options: argparse.Namespace) -> int:
    config = checked_config if options.name == APPLICATION else chosen_config
    with config(options):
        return _show(options)


def _show(options: argparse.Namespace) -> int:
    try:
        found = components()
        if options.name not in found:
            raise UsageError(f"no component {options.name!r}; allowed: {', '.join(found)}")
        try:
            component = with_extras(found, options.name, options.extras)
        except ValueError as problem:
            raise UsageError(str(problem)) from None
        target = TARGETS[options.target or next(iter(TARGETS))]
        weights = weight.weigh_all(component, target)
        if options.to is not None:
            content = _content(component, target if options.target else None)
            copy(content, Path(options.to), options.replace)
            _copy_licence(Path(options.to))
            for line in same_names(content, Path(options.to)):
                print(f"./dev component: warning: {line}", file=sys.stderr)
    except (OSError, ValueError) as problem:
        print(f"./dev component: {problem}", file=sys.stderr)
        return 1
    report = _report(component, target, weights)
    print(_text(report, options.to), file=sys.stderr if options.json else sys.stdout)
    if options.json:
        print(json.dumps(report))
    return 0


def _content(component: Component, target: Target | None) -> dict[Path, bytes]:
    """Path on the board -> content; sources as they are if there is no target."""
    files = weight.needed_files(component)
    sources = {path: file.read_bytes() for path, file in files.items()}
    if component.name == APPLICATION:
        credentials = credentials_file()
        sources |= {Path(CREDENTIALS): credentials.read_bytes()} if credentials else {}
    return sources if target is None else target.content(sources)


def copy(content: dict[Path, bytes], folder: Path, replace: bool = False) -> None:
    """Put the files into `folder`, which may be somebody's project already.

    UsageError, and nothing written, if that would change a file that is there or put a second
    form of a module beside it; with `replace` it does so, and takes the other form away.
    """
    others = {path: _other_form(folder / path) for path in content}
    changed = [
        path
        for path, data in content.items()
        if (folder / path).exists() and (folder / path).read_bytes() != data
    ]
    changed += [path.with_suffix(other.suffix) for path, other in others.items() if other.exists()]
    if changed and not replace:
        names = ", ".join(sorted(path.as_posix() for path in changed))
        raise UsageError(f"{folder} has other files in these places: {names}; allowed: a folder"
                         " without them, or --replace")  # fmt: skip
    for path, data in content.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
        others[path].unlink(missing_ok=True)


def _copy_licence(folder: Path) -> None:
    """Beside a licence of the project that is there already, under a name of its own."""
    data = (ROOT / LICENCE).read_bytes()
    there = folder / LICENCE
    if there.exists() and there.read_bytes() != data:
        there = folder / f"{LICENCE}.{manifest.project()[0]}"
    there.write_bytes(data)


def same_names(content: Iterable[Path], folder: Path) -> list[str]:
    """A text for each file or folder of others that has a module's name in common with ours.

    A board looks into its flash, then into lib/, and in each for a folder first, then for .py,
    then for .mpy (MicroPython 1.11, py/builtinimport.c).
    """
    ours = {path.parts[:2] if path.parts[0] == "lib" else path.parts[:1] for path in content}
    found = []
    for name in sorted({Path(*parts).stem for parts in ours}):
        forms = [Path(base, f"{name}{end}") for base in ("", "lib") for end in ("", ".py", ".mpy")]
        there = [form for form in forms if (folder / form).exists()]
        for other in there[1:]:
            if {there[0].parts, other.parts} & ours:
                found.append(f"{folder / there[0]} hides {folder / other}: `import {name}`")
    return found


def _other_form(path: Path) -> Path:
    """Where both are there the board loads the .py (MicroPython 1.11, py/builtinimport.c)."""
    return path.with_suffix(".py" if path.suffix == ".mpy" else ".mpy")


def _report(component: Component, target: Target, weights: list[Weight]) -> dict[str, Any]:
    """The JSON of the command; sizes in bytes, unknown is null."""
    own = set(component.files)
    return {
        "name": component.name,
        "kind": component.kind,
        "target": target.name,
        "files": [
            {
                "path": each.path.as_posix(),
                "py_bytes": each.py_bytes,
                "mpy_bytes": each.mpy_bytes,
                "own": each.path in own,
            }
            for each in weights
        ],
        "py_bytes": sum(each.py_bytes for each in weights),
        "deployed_bytes": sum(each.deployed_bytes for each in weights),
        "heap_bytes": weight.heap_bytes([component])[component.name],
        "requires": list(component.requires),
        "optional": list(component.optional),
    }


def _text(report: dict[str, Any], to: str | None) -> str:
    rows = [[each["path"], each["py_bytes"], each["mpy_bytes"]] for each in report["files"]]
    rows.append(["all, as deployed", report["py_bytes"], report["deployed_bytes"]])
    heap = "-" if report["heap_bytes"] is None else f"{report['heap_bytes']} bytes"
    lines = [
        f"{report['name']} ({report['kind']}), compiled for {report['target']}",
        "",
        table(rows, ["needs", ".py bytes", ".mpy bytes"]),
        "",
        f"heap with all of it imported: {heap}",
    ]
    if report["optional"]:
        lines.append(f"loaded on demand, not among these: {', '.join(report['optional'])}")
    if to is not None:
        lines.append(f"copied to {to}")
    return "\n".join(lines)
