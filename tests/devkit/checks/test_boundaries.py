"""Each rule of [tool.devkit.imports] is broken once, in a scratch copy of this project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit import checks
from devkit.checks.problem import Problem

from . import scratch

# file, what is added to it, the module that is refused
BROKEN = [
    # bearers, and their parts
    ("networking/wifi.py", "from networking import nbiot", "networking.nbiot"),
    ("networking/wifi.py", "from networking import _nbiot_attach", "networking._nbiot_attach"),
    ("networking/wifi.py", "import networking._lora_keys", "networking._lora_keys"),
    ("networking/nbiot.py", "from networking._wifi_nets import pairs", "networking._wifi_nets"),
    ("networking/_lora_keys.py", "import networking as n\nn.wifi", "networking.wifi"),
    ("networking/__init__.py", "from networking import lora", "networking.lora"),
    # sensors
    ("sensors/si7021.py", "from sensors import dht", "sensors.dht"),
    ("sensors/si7021.py", "from sensors._sdi12_bus import x", "sensors._sdi12_bus"),
    ("sensors/si7021.py", "from sensors import _rig", "sensors._rig"),
    ("sensors/_i2c.py", "from sensors import bme280", "sensors.bme280"),
    ("sensors/__init__.py", "import sensors.si7021", "sensors.si7021"),
    # protocols
    ("protocols/udp.py", "from protocols import coap", "protocols.coap"),
    ("protocols/udp.py", "from protocols import _coap_message", "protocols._coap_message"),
    ("protocols/mqtt.py", "import protocols._senml_json as j", "protocols._senml_json"),
    ("protocols/__init__.py", "from protocols import udp", "protocols.udp"),
    # downward only
    ("networking/lora.py", "import config", "config"),
    ("networking/lora.py", "from sensors import SensorError", "sensors"),
    ("networking/lora.py", "from protocols import senml", "protocols.senml"),
    ("protocols/coap.py", "from networking import lora", "networking.lora"),
    ("protocols/coap.py", "import config", "config"),
    ("sensors/dht.py", "from config import _PERIOD_S", "config"),
    ("sensors/dht.py", "import boot", "boot"),
    ("networking/wifi.py", "import main", "main"),
    ("protocols/mqtt.py", "import node", "node"),
    ("node.py", "import main", "main"),
    ("ota/update.py", "from networking import nbiot", "networking.nbiot"),
    ("lib/microATsocket.py", "from sensors import si7021", "sensors.si7021"),
    ("lib/microATsocket.py", "import config", "config"),
    ("utils/at.py", "import microATsocket", "lib.microATsocket"),
    ("utils/at.py", "from networking import nbiot", "networking.nbiot"),
    ("utils/at.py", "import config", "config"),
    ("config.py", "from utils import timing", "utils.timing"),
    # device code and the computer's
    ("main.py", "import emulator", "emulator"),
    ("node.py", "from devkit import tables", "devkit.tables"),
    ("boot.py", "from collector.decode import senml", "collector.decode.senml"),
    ("utils/adc.py", "from tests import device", "tests.device"),
    ("examples/wifi_simple.py", "from emulator.board import adc", "emulator.board.adc"),
    ("sensors/gl55.py", "import _pin", "emulator.firmware._pin"),
    ("sensors/gl55.py", "import _board", "_board"),
    ("emulator/firmware/machine.py", "from emulator.board import clock", "emulator.board.clock"),
    ("emulator/firmware/machine.py", "from utils import logging", "utils.logging"),
    # the computer's programs
    ("emulator/board/board.py", "from emulator.modem import modem", "emulator.modem.modem"),
    ("emulator/board/board.py", "from emulator import scenario", "emulator.scenario"),
    # parts of the emulation: no two of them know each other
    ("emulator/chips/part.py", "from emulator.modem import modem", "emulator.modem.modem"),
    ("emulator/network/cell.py", "from emulator.modem import modem", "emulator.modem.modem"),
    ("emulator/network/cell.py", "from emulator import scenario", "emulator.scenario"),
    ("emulator/modem/sim.py", "from emulator.driver import lte", "emulator.driver.lte"),
    ("emulator/modem/sim.py", "from emulator.scenario import load", "emulator.scenario"),
    ("emulator/driver/lte.py", "from emulator.lorawan import mac", "emulator.lorawan.mac"),
    ("emulator/lorawan/mac.py", "from emulator.modem import modem", "emulator.modem.modem"),
    ("emulator/vm/runtime.py", "from emulator import emulator", "emulator.emulator"),
    ("emulator/cycle.py", "from devkit import tables", "devkit.tables"),
    ("emulator/cycle.py", "from collector.decode import senml", "collector.decode.senml"),
    ("emulator/cycle.py", "from utils import cbor", "utils.cbor"),
    ("emulator/cycle.py", "import tests.device", "tests.device"),
    ("collector/storage/store.py", "from devkit import tables", "devkit.tables"),
    ("collector/storage/store.py", "from emulator import cycle", "emulator.cycle"),
    ("collector/storage/store.py", "from utils import cbor", "utils.cbor"),
    ("devkit/tables.py", "from collector.storage import store", "collector.storage.store"),
    ("devkit/tables.py", "from utils import cbor", "utils.cbor"),
    ("devkit/tables.py", "from tests import device", "tests.device"),
    ("strange/new.py", "from utils import timing", "utils.timing"),
    # clocks
    ("sensors/hx711.py", "import utime\nutime.sleep_ms(5)", "utime.sleep_ms"),
    ("sensors/bh1750.py", "import time as t\nt.ticks_ms()", "time.ticks_ms"),
    ("networking/wifi.py", "from utime import ticks_diff", "utime.ticks_diff"),
    ("protocols/udp.py", "import machine\nmachine.sleep(5)", "machine.sleep"),
    ("node.py", "from utime import sleep", "utime.sleep"),
    ("utils/microseconds.py", "from utime import sleep_ms", "utime.sleep_ms"),
    ("utils/adc.py", "from utime import sleep_us", "utime.sleep_us"),
]

ALLOWED = [
    ("networking/warp.py", "from networking import Outcome, _warp_drive, warp_log"),
    ("networking/_warp_drive.py", "import networking._warp_plasma\nfrom utils import timing"),
    ("networking/warp/core.py", "import networking.warp.coil\nimport microATsocket"),
    ("sensors/sonar.py", "from sensors import Sensor, _i2c, _sonar_echo"),
    ("protocols/smoke.py", "from protocols import DELIVERED, _smoke_signs"),
    ("networking/warp.py", "import utime\nx = utime.time()"),
    ("examples/warp_simple.py", "import config\nfrom networking import warp"),
    ("tests/networking/test_warp.py", "from networking import warp\nfrom devkit import cli"),
    ("emulator/board/warp.py", "import time\ntime.sleep(1)"),
]
# Parts of the new components above
NEW = [
    "networking/_warp_plasma.py", "networking/warp_log.py", "networking/warp/coil.py",
    "sensors/_sonar_echo.py", "protocols/_smoke_signs.py",
]  # fmt: skip


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[int], list[Problem]]]:
    """The lines at which each rule is broken in a copy, and what the check says of it."""
    tree = scratch.copy(tmp_path_factory.mktemp("broken"))
    lines = [
        scratch.append(tree, name, text + "\n") + text.count("\n") for name, text, _ in BROKEN
    ]
    yield lines, checks.run("imports", tree)


@pytest.mark.parametrize(
    "number", range(len(BROKEN)), ids=[f"{row[0]}-{row[2]}" for row in BROKEN]
)
def test_a_broken_rule_is_found(number: int, broken: tuple[list[int], list[Problem]]) -> None:
    lines, problems = broken
    name, _, module = BROKEN[number]
    said = f"{name}:{lines[number]}: imports: {module}: not allowed; allowed for "
    assert any(str(problem).startswith(said) for problem in problems), [
        str(problem) for problem in problems if problem.file == name
    ]


def test_what_is_allowed_is_said_in_the_words_of_the_file(
    broken: tuple[list[int], list[Problem]],
) -> None:
    [text] = [each.text for each in broken[1] if "networking._nbiot_attach:" in each.text]
    said = "networking (its __init__.py), the own parts of networking.wifi"
    assert text.endswith(f"allowed for networking/* protocols/*: utils.*, lib.*, {said}")


def test_a_new_component_needs_no_edit_of_the_table(tmp_path: Path) -> None:
    tree = scratch.copy(tmp_path)
    for name, text in [*ALLOWED, *[(name, "") for name in NEW]]:
        scratch.append(tree, name, text + "\n")
    named = [name for name, _ in ALLOWED]
    assert [str(problem) for problem in checks.run("imports", tree, named)] == []
    line = scratch.append(tree, "networking/wifi.py", "import networking._warp_plasma\n")
    [problem] = checks.run("imports", tree, ["networking/wifi.py"])
    assert problem[:2] == ("networking/wifi.py", line)
