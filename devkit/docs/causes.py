"""The causes of networking.nbiot, as networking/_nbiot_causes.py explains each in a comment."""

from __future__ import annotations

import re

from devkit.tables import markdown
from emulator.device_files import ROOT

_ENTRY = re.compile(r'((?:^# .*\n)+)^[A-Z0-9_]+ = "(\w+)"$', re.MULTILINE)


def explained() -> dict[str, tuple[str, str]]:
    """Cause -> (what happened, what to do): the first sentence of its comment, the others."""
    text = (ROOT / "networking" / "_nbiot_causes.py").read_text(encoding="utf-8")
    found = {}
    for comment, cause in _ENTRY.findall(text):
        said = " ".join(line[2:] for line in comment.splitlines())
        happened, _, to_do = said.partition(". ")
        found[cause] = (happened.rstrip("."), to_do.rstrip("."))
    return found


def table() -> str:
    rows = [[f"`{cause}`", *said] for cause, said in explained().items()]
    return markdown(["cause", "what happened", "what to do"], rows)
