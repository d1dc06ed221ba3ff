"""Package descriptions for `mip`, MicroPython's installer, one per component.

    mpremote mip install http://192.0.2.1:8000/mip/nbiot.json

A description lists all that the component needs (`"deps"` names packages of an index, which these
are not). Targets are relative to the folder that mip installs to, which is a `lib` on the board's
search path unless told otherwise; so what stands in lib/ here loses that prefix there. Sources are
relative to the description.

Format: MicroPython documentation, "Package management", "Writing & publishing packages".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devkit.build import manifest
from devkit.build.components import components
from devkit.build.packages import for_device
from emulator.device_files import ROOT

FOLDER = "mip"  # beside flash/ in a build
REPOSITORY = "package.json"  # at the root: `mip install github:OWNER/NAME` takes all components


def descriptions(table: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """File name -> description, for each component of a manifest."""
    return {f"{entry['name']}.json": _description(table, entry) for entry in table["components"]}


def repository(root: Path = ROOT) -> str:
    """The text of REPOSITORY: all components, as the source files that they are."""
    version = manifest.project(root)[1]
    paths = sorted(
        {
            path.as_posix()
            for component in components(root).values()
            if component.kind != "application"
            for path in component.files
        }
    )
    urls = [json.dumps([path.removeprefix("lib/"), path]) for path in paths]
    names = [package.name.removeprefix("micropython-") for package in for_device(root)]
    packages = [[name, "latest"] for name in names]
    return (
        '{\n "urls": [\n  ' + ",\n  ".join(urls) + "\n ],\n"
        f' "deps": {json.dumps(packages)},\n "version": {json.dumps(version)}\n}}\n'
    )


def _description(table: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    paths = [file["path"] for file in manifest.files(table, entry["name"])]
    return {
        "urls": [[path.removeprefix("lib/"), f"../flash/{path}"] for path in paths],
        "deps": [],
        "version": entry["version"],
    }
