"""The table of names of the firmware, made of the facts that were read in its source.

    python -m devkit.firmware_names FACTS.json           write emulator/names/table.txt
    python -m devkit.firmware_names FACTS.json --check   say whether it is what the facts give

FACTS.json holds every module, class and name of a release by board and build, with the place in
the source of each; the table keeps the names, the values of constants, and what only one board
or build has. Of frozen modules it keeps the functions and classes.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from emulator.names import FILE, INSTANCE

WIDTH = 98
HEAD = """\
# Names of Pycom firmware {firmware}, made by `python -m devkit.firmware_names`: do not edit.
# In brackets a module, a class of one, or a type that has no name; name() is a function, name=1
# a constant, name! an exception, name: a class, whose names have a section of their own. @ is
# followed by the board or the build that alone has the name.
"""


def table(facts: dict[str, Any]) -> str:
    """The text of emulator/names/table.txt."""
    sections = list(_sections(facts))
    return HEAD.format(firmware=facts["firmware"]) + "".join(sections)


def _sections(facts: dict[str, Any]) -> Iterator[str]:
    only = {name: board for board, names in facts["only_on"].items() for name in names}
    only.update(dict.fromkeys(facts["only_in_pybytes_build"], "pybytes"))
    for name, module in facts["modules"].items():
        weak = [alias for alias, strong in facts["weak_names"].items() if strong == name]
        yield from _section(name, module["names"], only, "".join(f" {alias}" for alias in weak))
    for name, module in facts["frozen"].items():
        kept = {
            key: "object" if isinstance(node, dict) else node
            for key, node in module["names"].items()
            if node != "imported"
        }
        builds = "" if "base" in module["builds"] else "@pybytes"
        yield from _section(name, kept, {}, " frozen" + builds)
    for name, kind in facts["types_without_a_name_in_a_module"].items():
        yield from _section(INSTANCE + name, kind["names"], {})
    for name, names in facts["instance_names_seen_on_the_vm"].items():
        if names and name not in facts["types_without_a_name_in_a_module"]:
            yield from _section(INSTANCE + name, dict.fromkeys(names, "object"), {})


def _section(
    path: str, names: dict[str, Any], only: dict[str, str], after: str = ""
) -> Iterator[str]:
    if not names and "." in path:
        return  # a class without names of its own
    inner, words = [], []
    for name, node in names.items():
        where = only.get(f"{path}.{name}".replace("umachine.", "machine."), "")
        words.append(_word(name, node) + (f"@{where}" if where else ""))
        if isinstance(node, dict) and "names" in node:
            inner.append((f"{path}.{name}", node["names"]))
    lines = textwrap.wrap(" ".join(words), WIDTH, break_long_words=False, break_on_hyphens=False)
    yield "\n".join([f"[{path}]{after}", *lines]) + "\n"
    for inner_path, inner_names in inner:
        yield from _section(inner_path, inner_names, only)


def _word(name: str, node: Any) -> str:
    if isinstance(node, dict):
        return name + ":" if "names" in node else f"{name}={json.dumps(node['str'])}"
    if isinstance(node, str):
        return name + {"function": "()", "exception": "!"}.get(node, "")
    return f"{name}={node}"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m devkit.firmware_names", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("facts", type=Path)
    parser.add_argument("--check", action="store_true", help="change nothing")
    options = parser.parse_args(argv)
    made = table(json.loads(options.facts.read_text(encoding="utf-8")))
    if options.check:
        same = made == FILE.read_text(encoding="utf-8")
        print(f"{FILE.name} {'is' if same else 'is not'} what the facts give")
        return 0 if same else 1
    FILE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
