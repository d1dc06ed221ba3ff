"""Small scripts with the output that a board gives, read in the source of Pycom firmware
1.20.2.r4 (the file and what it shows stand at the top of each; no board was used).

A difference that remains is in DIFFERS, with its reason; one that is gone fails there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.emulator import Emulator
from emulator.scenario import from_table
from tests.tls_peers import certificate, echo_server, routed

CASES = Path(__file__).with_name("cases")
NAMES = sorted(path.stem for path in CASES.glob("*.py"))
FIELD = {"ssid": "field-ap", "password": "field-password"}

# What a board is like on which the script has this output
BOARDS: dict[str, dict[str, Any]] = {
    "bootmgr_values": {"board": {"filesystem": "fat"}},
    "lora_region_stored": {"lora": {"stored_region": "EU868"}},
    "pybytes_names": {"board": {"build": "base"}},
    "tls_connect_then_wrap": {"wifi": {"access_points": [FIELD]}},
    "tls_wrap_then_connect": {"wifi": {"access_points": [FIELD]}},
}
NOT_EMULATED = "Bluetooth is there by name only"
DIFFERS = {
    "bluetooth_scan": NOT_EMULATED,
    "bluetooth_server": NOT_EMULATED,
}


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    certificate(folder, "cert.pem", "key.pem")
    certificate(folder, "other_ca.pem", "other_key.pem")
    return folder


@pytest.fixture(scope="session")
def tls_echo(certificates: Path) -> Iterator[int]:
    with echo_server(certificates) as port:
        yield port


def _case(name: str) -> Any:
    reason = DIFFERS.get(name)
    marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
    return pytest.param(name, marks=marks, id=name)


@pytest.mark.both_runtimes
@pytest.mark.parametrize("name", [_case(name) for name in NAMES])
def test_a_script_prints_what_it_prints_on_a_board(
    name: str, runtime: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    script = CASES / f"{name}.py"
    table = {section: dict(keys) for section, keys in BOARDS.get(name, {}).items()}
    routes = []
    if "connect" in name:
        for file in request.getfixturevalue("certificates").iterdir():
            shutil.copy(file, tmp_path)
        routes = [routed(request.getfixturevalue("tls_echo"))]
    if name == "sd_card":
        (tmp_path / "card").mkdir()
        table["board"] = {"sd": str(tmp_path / "card")}
    flash = tmp_path / "flash"
    flash.mkdir()
    for file in tmp_path.glob("*.pem"):
        file.rename(flash / file.name)
    printed: list[str] = []
    with Emulator(
        scenario=from_table(table),
        name="FiPy" if "--board FiPy" in script.read_text("utf-8") else "GPy",
        flash=flash,
        routes=routes,
        console=printed.append,
        max_hours=1,
        vm=runtime,
    ) as emulator:
        emulator.run([str(script)])
    assert "".join(printed) == script.with_suffix(".out").read_text("utf-8")
