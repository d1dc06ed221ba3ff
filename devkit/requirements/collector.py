"""The packages of the collector alone, from requirements.lock, for pip without this devkit.

python -m devkit.requirements.collector     # writes the files again; a test compares them
"""

from __future__ import annotations

from pathlib import Path

from devkit.requirements import lock

FOLDER = lock.HERE.parents[1] / "collector"
NAMES = ("aiocoap", "aiohttp", "cbor2", "paho-mqtt", "tabulate", "tomli")
_FILES = {
    "requirements.lock": ("Packages of the collector.", NAMES),
    "postgresql.lock": ("For a PostgreSQL server, beside requirements.lock.", ("psycopg",)),
}
_HEAD = """\
# {}
# Made by python -m devkit.requirements.collector from devkit/requirements/requirements.lock.
"""


def files() -> dict[Path, str]:
    """Return the content that each file is to have."""
    known = lock.pins((lock.HERE / "requirements.lock").read_text(encoding="utf-8"))
    return {
        FOLDER / name: _HEAD.format(about)
        + "".join(pin.text + "\n" for pin in lock.belonging(names, known))
        for name, (about, names) in _FILES.items()
    }


if __name__ == "__main__":
    for path, content in files().items():
        path.write_text(content, encoding="utf-8")
