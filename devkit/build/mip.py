"""Package descriptions for `mip`, MicroPython's installer, one per component.

    mpremote mip install http://192.0.2.1:8000/mip/nbiot.json

A description lists all that the component needs (`"deps"` names packages of an index, which these
are not). Targets are relative to the folder that mip installs to, which is a `lib` on the board's
search path unless told otherwise; so what stands in lib/ here loses that prefix there. Sources are
relative to the description.

Format: MicroPython documentation, "Package management", "Writing & publishing packages".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devkit.build import manifest

FOLDER = "mip"  # beside flash/ in a build


def descriptions(table: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """File name -> description, for each component of a manifest."""
    return {f"{entry['name']}.json": _description(table, entry) for entry in table["components"]}


def _description(table: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    paths = [file["path"] for file in manifest.files(table, entry["name"])]
    return {
        "urls": [[path.removeprefix("lib/"), f"../flash/{path}"] for path in paths],
        "deps": [],
        "version": entry["version"],
    }
