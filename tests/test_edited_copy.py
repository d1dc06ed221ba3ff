"""Tests do not depend on what a deployment edits: some of them, in a copy with another config.py.

These are the quickest that would read a value of config.py, by each way in which tests come to a
configuration.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.published import link_bytecode, publish

EDITS = {
    "_HOST": '"203.0.113.7"',
    "_PORT": "7000",
    "_APN": '"edited.example"',
    "_PERIOD_S": "1200",
    "_DEVICE_NAME": '"hut"',
    "_BEARER": '"wifi"',
    "_PROTOCOL": '"coap"',
    "_BATTERY_PIN": "None",
    "_SENSORS": '(("sht4x", {"sda_pin": "P9", "scl_pin": "P10"}),)',
}
# With another bearer, a component more than the published one has is missing
QUICK = "tests/devkit/commands/test_component.py::test_scripts_of_the_application_stay_source"
CREDENTIALS = '_WIFI_NETS = {"hut": {"pwd": "edited-too"}}\n'
SELECTED = (
    "tests/test_application.py::test_a_report_holds_both_measurements_and_the_signal[cpython]",
    "tests/test_application.py::test_wrong_configuration_is_told_and_the_node_sleeps",
    "tests/test_matrix.py::test_every_report_arrives[nbiot-udp]",
    "tests/test_matrix.py::test_every_report_arrives[wifi-udp]",
    "tests/test_docs.py::test_marked_part_is_of_today[README.md-demo-cycle]",
    "tests/test_docs.py::test_marked_part_is_of_today[configuration.md-configuration]",
    QUICK,
    "tests/devkit/docs/test_lists.py",
    "tests/sensors/test_mistakes.py::"
    "test_lines_offered_in_the_configuration_can_be_used_as_they_are",
)


def edited(text: str) -> str:
    """config.py with other values, on lines of their own and without comments."""
    for name, value in EDITS.items():
        text, count = re.subn(
            rf"^{name} = (?:\(.*?^\)|.*?$)", f"{name} = {value}", text, flags=re.M | re.S
        )
        assert count == 1, name
    return text


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    publish(tmp_path)
    link_bytecode(tmp_path)
    config = tmp_path / "config.py"
    config.write_text(edited(config.read_text(encoding="utf-8")), encoding="utf-8")
    (tmp_path / "credentials.py").write_text(CREDENTIALS, encoding="utf-8")
    return tmp_path


def run_tests(copy: Path, *selected: str) -> subprocess.CompletedProcess[str]:
    options = ["-q", "-p", "no:cacheprovider", "-n0", f"--basetemp={copy}.temporary"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *selected],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )


def test_tests_pass_with_another_configuration(copy: Path) -> None:
    done = run_tests(copy, *SELECTED)
    assert done.returncode == 0, done.stdout


def test_a_test_that_reads_the_configuration_of_a_deployment_is_noticed(copy: Path) -> None:
    conftest = copy / "tests" / "conftest.py"
    text = conftest.read_text(encoding="utf-8")
    conftest.write_text(text.replace("configured(REFERENCE)", "configured(ROOT / 'config.py')"))
    done = run_tests(copy, QUICK)
    assert done.returncode == 1 and f"FAILED {QUICK}" in done.stdout, done.stdout
