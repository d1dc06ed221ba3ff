"""The manifest of a build: each component with its files, their hashes, and what it requires.

    {"format": 1, "project": "pycom-nbiot-nodes", "version": "0.1.0", "target": "pycom-1.20.2",
     "mpy": {"version": 4, "header": "4d04021f20"},
     "components": [
       {"name": "nbiot", "kind": "bearer", "version": "0.1.0",
        "files": [{"path": "networking/nbiot.mpy", "size": 4711, "sha256": "..."}, ...],
        "requires": ["address", ...], "optional": ["microATreceive"]}, ...]}

Paths are relative to /flash. `requires` is complete: nothing that these components require is
missing from it. Each file is the own file of one component, but for underscore modules that
several members of a folder share. A component of kind "package" comes from PyPI; it has a
"licence" besides and the paths of its texts in "licences", relative to the manifest.

The same sources give the same bytes: nothing in a build tells when, where or by whom it was made.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from devkit.build.components import Component, components
from devkit.build.packages import Package
from devkit.build.targets import Target, is_script
from emulator.device_files import ROOT, source

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FORMAT = 1
FILE = "manifest.json"


def project(root: Path = ROOT) -> tuple[str, str]:
    """Name and version of this project; a component has no version of its own."""
    table = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table["name"], table["version"]


def compiled_files(target: Target, root: Path = ROOT) -> dict[Path, bytes]:
    """Path on the board -> content, of all components."""
    paths = sorted({path for component in components(root).values() for path in component.files})
    for path in filter(is_script, paths):  # the board compiles them: what it refuses is told now
        target.compiled(source(path, root).read_bytes(), path)
    return target.content({path: source(path, root).read_bytes() for path in paths})


def package_files(target: Target, packages: Sequence[Package]) -> dict[Path, bytes]:
    """The same of packages from PyPI, which go to lib/."""
    return target.content(
        {
            Path("lib") / path: (package.folder / path).read_bytes()
            for package in packages
            for path in package.modules
        }
    )


def made(
    target: Target,
    content: Mapping[Path, bytes],
    packages: Sequence[Package] = (),
    root: Path = ROOT,
) -> dict[str, Any]:
    """The manifest of a build with this content."""
    name, version = project(root)
    entries = [
        _component(component, version, target, content, packages)
        for component in components(root).values()
    ]
    entries += [_package(package, target, content) for package in packages]
    return {
        "format": FORMAT,
        "project": name,
        "version": version,
        "target": target.name,
        "mpy": {"version": target.mpy_version, "header": target.header.hex()},
        "components": entries,
    }


def _component(
    component: Component,
    version: str,
    target: Target,
    content: Mapping[Path, bytes],
    packages: Sequence[Package],
) -> dict[str, Any]:
    fetched = [each.name for each in packages if each.provides & set(component.foreign)]
    return {
        "name": component.name,
        "kind": component.kind,
        "version": version,
        "files": [_file(target.deployed_name(path), content) for path in component.files],
        "requires": sorted([*component.requires, *fetched]),
        "optional": list(component.optional),
    }


def _package(package: Package, target: Target, content: Mapping[Path, bytes]) -> dict[str, Any]:
    return {
        "name": package.name,
        "kind": "package",
        "version": package.version,
        "licence": package.licence,
        "licences": [licence_path(package, path).as_posix() for path in package.licences],
        "files": [
            _file(target.deployed_name(Path("lib") / path), content) for path in package.modules
        ],
        "requires": [],
        "optional": [],
    }


def licence_path(package: Package, path: Path) -> Path:
    return Path("licences", package.name, path.name)


def _file(path: Path, content: Mapping[Path, bytes]) -> dict[str, Any]:
    data = content[path]
    return {
        "path": path.as_posix(),
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def files(manifest: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Entries of all files that a component needs on the board, its own included, by path."""
    entries = {entry["name"]: entry for entry in manifest["components"]}
    wanted = [name, *entries[name]["requires"]]
    found = {file["path"]: file for each in wanted for file in entries[each]["files"]}
    return [found[path] for path in sorted(found)]


def text(table: Mapping[str, Any]) -> str:
    return json.dumps(table, indent=1, sort_keys=True, ensure_ascii=True) + "\n"
