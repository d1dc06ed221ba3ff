"""The product of 2021, from a checkout to a table; here a small program of our own words."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from devkit.bench import product
from devkit.commands import UsageError, bench

MAIN = """
import machine
import network
import utime
import external.greeting
from apps.demo_console import demo_config as cfg
if machine.reset_cause() != machine.DEEPSLEEP_RESET:
    machine.deepsleep(60000)
lte = network.LTE()
lte.init()
assert lte.send_at_cmd("AT+X=" + "0" * 300)
print("[INFO:root] About to send: %s" % external.greeting.TEXT)
utime.sleep_ms(2000)
print("[INFO:root] Disconnected")
print("[INFO:root] Deactivate NB-IOT: (True, 1500)")
machine.deepsleep(cfg.period * 1000)
"""
TEMPLATES = {
    "device_config": 'sensor, battery = "<meas-i2c-1>", <meas-battery-stat>',
    "device_i2c_analog_config": "",
    "nbiot_config": 'period, ip = <period>, "<ipversion>"',
    "protocol_config": "protocol = '<protocol>'",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    app = tmp_path / "src" / "apps" / "demo_console"
    (app / "templ").mkdir(parents=True)
    for name, text in TEMPLATES.items():
        (app / "templ" / f"{name}_templ.py").write_text(text + "\n")
    (tmp_path / "src" / "boot.py").write_text("")
    (tmp_path / "src" / "main.py").write_text(MAIN)
    submodule = tmp_path / "lib-external" / "greeting"
    submodule.mkdir(parents=True)
    (submodule / "greeting.py").write_text("TEXT = 'hello'\n")
    (tmp_path / "src" / "lib").mkdir()
    (tmp_path / "src" / "lib" / "external").symlink_to("../../lib-external/greeting")
    return tmp_path


def test_a_checkout_is_measured_in_each_configuration(
    checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product, "CASES", product.CASES[:1])
    before = {path: path.stat().st_mtime_ns for path in checkout.rglob("*")}
    parser = argparse.ArgumentParser()
    bench.arguments(parser)
    assert (
        bench.main(parser.parse_args(["--product", str(checkout), "--seeds", "1", "--json"])) == 0
    )
    out, table = capsys.readouterr()
    (row,) = json.loads(out)["product"]
    assert row["case"] == "IPv6, coap" and row["ending_s"] == "1.5 (1.5 to 1.5)"
    assert row["sending_s"] == "2.0 (2.0 to 2.0)" and row["resets"] == row["delivered"] == 0
    assert "IPv6, coap  good" in table
    assert {path: path.stat().st_mtime_ns for path in checkout.rglob("*")} == before


def test_the_configuration_is_that_of_its_page(checkout: Path, tmp_path: Path) -> None:
    product.prepare(product.Case("IP", "mqtt"), checkout, tmp_path / "flash")
    text = (tmp_path / "flash" / "apps" / "demo_console" / "demo_config.py").read_text()
    fields: dict[str, object] = {}
    exec(text, fields)
    expected = {
        "sensor": "disabled",
        "battery": True,
        "period": 900,
        "ip": "IP",
        "protocol": "mqtt",
    }
    assert {name: fields[name] for name in expected} == expected


def _not_there(checkout: Path) -> None:
    (checkout / "src").rename(checkout / "source")


def _no_submodules(checkout: Path) -> None:
    (checkout / "lib-external").rename(checkout / "elsewhere")


@pytest.mark.parametrize(
    ("fault", "said"), [(_not_there, "385e30d"), (_no_submodules, "git submodule update")]
)
def test_what_is_missing_is_told(checkout: Path, fault: Callable[[Path], None], said: str) -> None:
    fault(checkout)
    parser = argparse.ArgumentParser()
    bench.arguments(parser)
    with pytest.raises(UsageError, match=said):
        bench.main(parser.parse_args(["--product", str(checkout), "--seeds", "1"]))
