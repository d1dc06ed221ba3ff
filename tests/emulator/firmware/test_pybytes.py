"""pybytes in the firmware with Pybytes (esp32/frozen/Pybytes/_pybytes.py, 1.20.2.r4)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.device import Bare


@pytest.mark.both_runtimes
def test_pybytes_answers_as_on_a_board_that_nobody_has_provisioned(
    make_device: Callable[..., Bare],
) -> None:
    program = (
        "print(pybytes.isconnected(), pybytes_config['pybytes_autostart'], pybytes.get_config())\n"
        "pybytes.connect()\npybytes.send_signal(1, 2)\n"
    )
    device = make_device(build="pybytes")
    lines = device.run(program).splitlines()
    assert lines[:2] == [
        "False False {}",
        "Unable to connect to Pybytes: Pybytes has not been initialized!",
    ]
    assert lines[-1] == "OSError: Pybytes has not been initialized!"
    device.put("pybytes_config.json", "{}")  # of a provisioned board
    assert "NotEmulated: pybytes is on the board" in device.run("pybytes.send_signal(1, 2)")
