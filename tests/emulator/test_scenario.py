"""Scenario files: the bundled ones, overlays, and what is refused."""

from __future__ import annotations

import dataclasses
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from emulator.scenario import FOLDER, SECTIONS, Scenario, from_table, load, names

PROMISED = (
    "good fair edge no_cell denied denied_once no_sim sim_pin sim_puk flapping slow_attach "
    "modem_mute modem_mute_in_attach modem_crash urc_storm lost_datagrams cereg_verbose ipv4_only "
    "ipv6_only cme_errors bad_operator long_tail lora_no_gateway lora_wrong_key lora_lossy "
    "lora_weak lora_downlink lora_refused lora_us915"
).split()

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def test_all_promised_scenarios_are_there() -> None:
    assert set(PROMISED) <= set(names())


@pytest.mark.parametrize("name", names())
def test_each_scenario_loads_says_what_it_is_and_is_commented(name: str) -> None:
    scenario = load(name)
    assert scenario.name == name
    assert scenario.description.endswith(".")
    assert (FOLDER / f"{name}.toml").read_text(encoding="utf-8").startswith("# ")


def test_good_is_the_default() -> None:
    good = load("good")
    for section in SECTIONS:
        assert getattr(good, section) == getattr(Scenario(), section)
    assert good.faults == []


def test_reference_lists_every_key_with_its_default() -> None:
    written = tomllib.loads((FOLDER / "reference.toml").read_text(encoding="utf-8"))
    for section, kind in SECTIONS.items():
        assert set(written[section]) == {item.name for item in dataclasses.fields(kind)}
        assert getattr(from_table(written), section) == kind()


def test_faults_are_fresh_for_each_board() -> None:
    scenario = load("modem_crash")
    first = scenario.faults[0]
    first.seen = 5
    assert scenario.faults[0].seen == 0


def test_like_overlays_another_scenario(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'like = "modem_crash"\n[radio]\nlevel = "edge"\n'
        "[chips.si7021]\naddress = 0x40\n"
        '[[fault]]\npoint = "file"\nmatch = "open log"\ndo = "fail"\nerrno = 28\n'
    )
    scenario = load(path)
    assert scenario.name == "mine"
    assert scenario.radio.level == "edge"
    assert scenario.chips == {"si7021": {"address": 0x40}}
    assert [fault.do for fault in scenario.faults] == ["crash", "fail"]
    assert scenario.faults[1].options == {"errno": 28}
    assert load(str(path)).radio.level == "edge"


def test_chips_are_merged_key_by_key(tmp_path: Path) -> None:
    base = tmp_path / "base.toml"
    base.write_text("[chips.a]\nx = 1\ny = 2\n[chips.b]\nz = 3\n")
    over = tmp_path / "over.toml"
    over.write_text(f'like = "{base}"\n[chips.a]\nx = 9\n')
    assert load(over).chips == {"a": {"x": 9, "y": 2}, "b": {"z": 3}}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"modm": {}}, ["modm", "modem", "network"]),
        ({"modem": {"speed": 1}}, ["modem", "speed", "cfun"]),
        ({"modem": 3}, ["modem", "3"]),
        ({"modem": {"cfun": 2}}, ["cfun", "2", "0, 1, 4"]),
        ({"modem": {"cfun": "1"}}, ["cfun", "'1'", "0, 1, 4"]),
        ({"modem": {"build": "1"}}, ["[modem] build", "'1'", "a whole number"]),
        ({"modem": {"cfun": True}}, ["cfun", "True"]),
        ({"modem": {"autostart": 1}}, ["autostart", "true or false"]),
        ({"modem": {"bands": ["20"]}}, ["bands", "'20'"]),
        ({"sim": {"state": "lost"}}, ["state", "lost", "ready, absent, pin, puk"]),
        ({"radio": {"level": "superb"}}, ["level", "superb", "good, fair, edge"]),
        ({"radio": {"loss": "many"}}, ["loss", "many", "a number"]),
        ({"network": {"steps": [{"after_ms": 3}]}}, ["stat"]),
        ({"network": {"steps": [{"stat": 80}]}}, ["stat", "80"]),
        ({"network": {"steps": [{"stat": 2, "after": 3}]}}, ["after", "after_ms"]),
        ({"network": {"steps": [{"stat": 2, "after_ms": -3}]}}, ["after_ms", "-3"]),
        ({"network": {"steps": {"stat": 2}}}, ["steps"]),
        ({"fault": {"point": "time"}}, ["fault"]),
        ({"fault": [{"point": "time", "at_ms": "soon", "do": "mute"}]}, ["at_ms", "soon"]),
        ({"chips": 1}, ["chips"]),
        ({"wifi": {"scan_error": "odd"}}, ["scan_error", "odd", "failed, timed_out"]),
        ({"wifi": {"access_points": 1}}, ["access_points"]),
        ({"wifi": {"access_points": [{}]}}, ["[wifi] access_points", "ssid", "needed"]),
        (
            {"wifi": {"access_points": [{"ssid": "x" * 33}]}},
            ["[wifi] access_points: ssid", "32"],
        ),
        ({"wifi": {"access_points": [{"ssid": "a", "pwd": "b"}]}}, ["pwd", "password"]),
        ({"wifi": {"access_points": [{"ssid": "a", "channel": 14}]}}, ["channel", "14", "13"]),
        (
            {"wifi": {"access_points": [{"ssid": "a", "channel": "6"}]}},
            ["channel", "a whole number"],
        ),
        ({"wifi": {"access_points": [{"ssid": "a", "security": "wpa9"}]}}, ["wpa9", "wpa2_ent"]),
        ({"wifi": {"access_points": [{"ssid": "a", "bssid": "aa:bb"}]}}, ["bssid", "aa:bb"]),
        ({"wifi": {"access_points": [{"ssid": "a", "ipv4_prefix": "10."}]}}, ["ipv4_prefix"]),
        ({"fault": [{"point": "time", "at_ms": 1, "do": "ap_gone", "who": "a"}]}, ["who", "ssid"]),
        ({"fault": [{"point": "time", "at_ms": 1, "do": "ap_back", "bssid": "6"}]}, ["bssid"]),
        (
            {"fault": [{"point": "time", "do": "lose_coverage", "at_s": 5}]},
            ["lose_coverage", "'at_s'", "allowed: point, do, at_ms"],
        ),
        ({"lora": {"region": "EU433"}}, ["region", "EU433", "EU868"]),
        ({"lora": {"uplink_loss": 1.5}}, ["uplink_loss", "0 to 1"]),
        ({"lora": {"rx1_delay_s": 0}}, ["rx1_delay_s", "15"]),
        ({"lora": {"devices": [{"app_key": "00"}]}}, ["app_key", "32 hex digits"]),
        ({"lora": {"devices": [{"key": "00"}]}}, ["key", "app_eui"]),
        ({"lora": {"devices": [{"app_eui": "70B3D57ED0000001"}]}}, ["app_key", "dev_addr"]),
        ({"lora": {"downlinks": [{"port": 0, "payload": ""}]}}, ["port", "1 to 223"]),
        ({"lora": {"downlinks": [{"payload": "A"}]}}, ["payload", "hex"]),
        ({"modem": {"chunk_bytes": -1}}, ["[modem] chunk_bytes = -1", "0 or more"]),
        ({"sim": {"ready_ms": -1}}, ["[sim] ready_ms = -1"]),
        ({"network": {"release_ms": -1}}, ["[network] release_ms = -1"]),
        ({"network": {"steps": [3]}}, ["[network] steps = 3; a table"]),
        ({"radio": {"loss": 2.0}}, ["[radio] loss = 2.0", "-1 to 1"]),
        ({"radio": {"rsrp_dbm": math.inf}}, ["[radio] rsrp_dbm = inf", "finite"]),
    ],
)
def test_mistakes_are_named(table: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ValueError) as refusal:
        from_table(table)
    for word in words:
        assert word in str(refusal.value)


def test_unknown_scenario_and_broken_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="good"):
        load("excellent")
    with pytest.raises(ValueError, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml")
    itself = tmp_path / "itself.toml"
    itself.write_text(f'like = "{itself}"\n')
    with pytest.raises(ValueError, match=r"like = .*itself\.toml"):
        load(itself)
    broken = tmp_path / "broken.toml"
    broken.write_text("[modem\n")
    with pytest.raises(ValueError, match=r"broken\.toml"):
        load(broken)


def test_whole_numbers_do_for_floats() -> None:
    assert from_table({"radio": {"factor": 4}}).radio.factor == 4


def test_every_option_has_a_default() -> None:
    for section in SECTIONS:
        for item in dataclasses.fields(getattr(Scenario(), section)):
            has_default = item.default is not dataclasses.MISSING
            assert has_default or item.default_factory is not dataclasses.MISSING


def test_what_is_unknown_of_the_modem_has_a_row_and_its_hard_value_in_a_scenario() -> None:
    """The table of docs/emulation.md names keys that exist; a hard value stands in hard.toml, or
    in hard_psm.toml."""
    text = (FOLDER.parents[1] / "docs" / "emulation.md").read_text(encoding="utf-8")
    rows = text.partition("| key | default | hard |")[2].partition("\n\n")[0].splitlines()[2:]
    assert len(rows) > 30
    hard: dict[str, Any] = tomllib.loads((FOLDER / "hard.toml").read_text(encoding="utf-8"))
    psm: dict[str, Any] = tomllib.loads((FOLDER / "hard_psm.toml").read_text(encoding="utf-8"))
    alone = {"cts_blocks", "rts_idle_ma", "psm_sysstart", "recovery_115200", "nitz"}
    for row in rows:
        names, _, value = (cell.strip() for cell in row.split("|")[1:4])
        for name in names.split(", "):
            section, _, key = name.replace("`", "").rpartition("] ")
            section = section.strip("[") or "modem"
            assert key in {item.name for item in dataclasses.fields(SECTIONS[section])}, row
            written = {**hard.get(section, {}), **psm.get(section, {})}
            assert not value or key in written or key in alone, row
