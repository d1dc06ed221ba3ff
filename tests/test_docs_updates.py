"""docs/updates.md says what the code does: causes, and the figures of its limits.

Its commands run in tests/test_docs_sessions.py.
"""

from __future__ import annotations

import re

import pytest

from collector.updates import fleet
from devkit.release import format as formats
from devkit.release import sets, store
from emulator.device_files import ROOT
from tests.devkit.release_sets import modules

__all__ = ["modules"]
TEXT = (ROOT / "docs" / "updates.md").read_text(encoding="utf-8")


def constant(path: str, name: str) -> str:
    """The value of a constant of the device, as it stands in the source."""
    text = (ROOT / path).read_text(encoding="utf-8")
    found = re.search(rf"\b{name}\b(?:, \w+)* = (?:const\()?([^)\n#]+)", text)
    assert found, f"{path} has no {name}"
    return found[1].strip()


def wait_s(ack_timeout_s: int) -> int:
    """The longest wait for an answer (protocols/coap.py)."""
    times = int(constant("protocols/coap.py", "ask_ms").partition(" ")[0])
    text = (ROOT / "protocols" / "coap.py").read_text(encoding="utf-8")
    defaults = re.findall(
        r'"_COAP_(ACK|RESPONSE)_TIMEOUT_SEC", "integer", \([\d, ]+\), (\d+)', text
    )
    assert dict(defaults)["ACK"] == "2"
    return times * ack_timeout_s + int(dict(defaults)["RESPONSE"])


PUBLISHED_S = int(constant("devkit/reference/config.py", "_COAP_ACK_TIMEOUT_SEC"))


def test_each_cause_of_a_rejection_is_explained() -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| [a-z]", TEXT, re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    causes = set(constant("ota/_word.py", "CAUSES").strip('"').split()) - {"none"}
    assert causes <= listed


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("`_UPDATE_BYTES_PER_CYCLE` ({})", 8192),
        ("`_UPDATE_MIN_MV` ({})", 3500),
        ("with its number, 1 to {}", formats.MOST_SEQ),
        ("any of the last {} releases", store.BASES),
        ("| `--tries N` | {} |", sets.TRIAL[0]),
        ("| `--deadline N` | {} |", sets.TRIAL[1]),
        ("in the last {} minutes", fleet.CONFIRM_MAX_S // 60),
        ("A list may have {} KB", formats.MOST_BODY // 1024),
        ("up to {} numbers ahead", int(constant("ota/_manifest.py", "_MOST_AHEAD"))),
        ("and {} s, with a battery", int(constant("node_update.py", "_MOST_MS")) // 1000),
        ("{} bytes authenticate it", 1 + 3 + 2 + 32 + 32),
        ("{} s with the published `config.py`", wait_s(PUBLISHED_S)),
        ("{} s with the defaults of CoAP", wait_s(2)),
    ],
)
def test_a_figure_is_that_of_the_code(said: str, value: int) -> None:
    assert said.format(value) in " ".join(TEXT.split())


@pytest.mark.parametrize(
    ("field", "value"), [("_UPDATE_BYTES_PER_CYCLE", 8192), ("_UPDATE_MIN_MV", 3500)]
)
def test_a_default_is_that_of_the_code(field: str, value: int) -> None:
    text = (ROOT / "utils" / "node_fields.py").read_text(encoding="utf-8")
    assert re.search(rf'\("{field}", "integer", \([\d, ]+\), {value}\)', text)


def test_blocks_are_those_of_the_code() -> None:
    source = (ROOT / "node_update.py").read_text(encoding="utf-8")
    [most] = re.findall(r"while block < (\d+) and", source)
    assert f"blocks of {most} bytes, or what a datagram" in " ".join(TEXT.split())


def test_a_list_of_all_components_has_room(modules) -> None:
    release = sets.following(None, modules, 1)
    body = formats.Manifest(1, "*", release.digest, release.components).body
    assert len(release.components) <= formats.MOST_COMPONENTS
    assert len(body) <= formats.MOST_BODY
    [said] = re.findall(r"a change of all of them takes (\d+) KB", TEXT)
    assert abs(len(body) / 1024 - int(said)) < 2
