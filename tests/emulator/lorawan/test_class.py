"""network.LoRa and its sockets as a script meets them: constants, arguments, exceptions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emulator.lorawan.rig import fipy, joined

START = """
from network import LoRa
import socket

def tried(action):
    try:
        print(action())
    except Exception as error:
        print(type(error).__name__, error.args)

"""
EU868 = "lora = LoRa(mode=LoRa.LORAWAN, region=LoRa.EU868)\n"
RAW = "lora = LoRa(mode=LoRa.LORA, region=LoRa.EU868)\n"
KEYS = "auth=(bytes(8), bytes(16))"

VALUES = {
    "LoRa()": "ValueError no region specified and no default found in config block",
    "LoRa(1, region=5)": "OSError resource not available",
    "LoRa(mode=2, region=5)": "ValueError invalid mode 2",
    "LoRa(region=LoRa.CN470)": "ValueError invalid region 2",
    "LoRa(region=LoRa.EU433)": "ValueError invalid region 4",
    "LoRa(region=5, frequency=915000000)": "ValueError frequency 915000000 out of range",
    "LoRa(region=5, tx_power=1)": "ValueError Tx power 1 out of range",
    "LoRa(region=5, tx_power=21)": "ValueError Tx power 21 out of range",
    "LoRa(region=5, bandwidth=3)": "ValueError bandwidth 3 not supported",
    "LoRa(region=5, sf=13)": "ValueError spreading factor 13 out of range",
    "LoRa(region=5, coding_rate=0)": "ValueError coding rate 0 out of range",
    "LoRa(region=5, power_mode=3)": "ValueError invalid power mode 3",
    "LoRa(region=5, device_class=1)": "ValueError invalid device_class 1",
    "LoRa(region=5, speed=1)": "TypeError extra keyword arguments given",
}


def outcomes(folder: Path, actions: list[str], before: str = "") -> list[str]:
    program = START + before + "".join(f"tried(lambda: {action})\n" for action in actions)
    with fipy(folder) as board:
        [cycle] = board.run(program)
        assert cycle.error is None, cycle.error
        return board.output


def shown(text: str) -> str:
    name, _, rest = text.partition(" ")
    return f"{name} ({rest!r},)"


def test_arguments_are_checked_as_on_the_board(tmp_path: Path) -> None:
    assert outcomes(tmp_path, list(VALUES)) == [shown(text) for text in VALUES.values()]


@pytest.mark.parametrize(
    ("before", "action", "text"),
    [
        (RAW, f"lora.join(LoRa.OTAA, {KEYS})", "OSError the requested operation is not possible"),
        (EU868, f"lora.join(2, {KEYS})", "ValueError invalid activation type 2"),
        (EU868, f"lora.join(0, {KEYS}, dr=6)", "ValueError invalid join data rate 6"),
        (EU868, "lora.join(0)", "TypeError 'auth' argument required"),
        (EU868, f"lora.join(0, {KEYS}, timeout=200)", "TimeoutError timed out"),
        (EU868, "lora.tx_power(1)", "ValueError Tx power 1 out of range"),
        (EU868, "lora.sf(5)", "ValueError spreading factor 5 out of range"),
        (EU868, "lora.remove_channel(16)", "ValueError channel 16 out of range"),
        (
            EU868,
            "lora.add_channel(3, frequency=867100000, dr_min=5, dr_max=0)",
            "ValueError invalid argument(s) value",
        ),
        (
            "",
            "socket.socket(socket.AF_LORA, socket.SOCK_RAW)",
            "OSError Network card not available",
        ),
        (EU868, "socket.socket(socket.AF_LORA, 1)", "OSError incorrect socket type"),
    ],
)
def test_refusals(tmp_path: Path, before: str, action: str, text: str) -> None:
    assert outcomes(tmp_path, [action], before) == [shown(text)]


def test_sockets_refuse_by_number(tmp_path: Path) -> None:
    before = EU868 + "s = socket.socket(socket.AF_LORA, socket.SOCK_RAW)\n"
    actions = [
        "s.send(b'1')",
        "s.bind(225)",
        "s.setsockopt(socket.SOL_LORA, socket.SO_DR, 7)",
        "s.setsockopt(socket.SOL_SOCKET, socket.SO_DR, 5)",
        "s.sendto(b'1', ('192.0.2.1', 1))",
        "s.setblocking(False)",
        "s.recv(1)",
        "s.recvfrom(1)",
    ]
    assert outcomes(tmp_path, actions, before) == [
        "OSError (115,)",
        "OSError (95,)",
        "OSError (95,)",
        "OSError (95,)",
        "OSError (95,)",
        "None",
        "b''",
        "(b'', 0)",
    ]


def test_settings_events_and_identity(tmp_path: Path) -> None:
    actions = [
        "LoRa(region=5) is LoRa()",
        "(LoRa().sf(), LoRa().tx_power(), LoRa().frequency(), LoRa().bandwidth())",
        "LoRa().sf(9)",
        "(LoRa().sf(), LoRa().coding_rate(), LoRa().preamble(), LoRa().power_mode())",
        "len(LoRa().mac())",
        "LoRa().airtime(16)",
        "LoRa().events()",
        "LoRa().stats().tx_counter",
        "LoRa().ischannel_free(-90, 5)",
        "(socket.AF_LORA, socket.SOL_LORA, socket.SO_CONFIRMED, socket.SO_DR)",
    ]
    assert outcomes(tmp_path, actions) == [
        "True",
        "(7, 14, 868000000, 0)",
        "None",
        "(9, 1, 8, 0)",
        "8",
        "165",  # 8 + 4 blocks of 5 symbols, 12.25 of preamble, 4.096 ms each
        "0",
        "0",
        "True",
        "(160, 1048325, 983042, 983043)",
    ]


def test_callback_hears_of_what_was_sent(tmp_path: Path) -> None:
    program = (
        joined()
        + """
def handler(radio):
    print(radio.events())
lora.callback(trigger=LoRa.TX_PACKET_EVENT | LoRa.RX_PACKET_EVENT, handler=handler)
s.setblocking(True)
s.send(b'1')
time.sleep(1)
"""
    )
    with fipy(tmp_path, "lora_downlink") as board:
        board.run(program)
    assert board.output[0] == "joined True"
    assert sum(int(text) for text in board.output[1:]) == 3


def test_raw_packets_take_their_time_and_current(tmp_path: Path) -> None:
    program = START + RAW.replace("region", "sf=12, power_mode=LoRa.TX_ONLY, region")
    program += "s = socket.socket(socket.AF_LORA, socket.SOCK_RAW)\ns.setblocking(True)\n"
    program += "print(s.send(bytes(29)))\ns.setblocking(False)\nprint(s.recv(9))\n"
    with fipy(tmp_path) as board:
        [cycle] = board.run(program)
        assert board.board.meter.time_ms("lora", "tx") == 1646
        assert 230 < board.board.meter.energy_mj("lora") < 280  # 42 mA at 3.7 V
    assert board.output == ["29", "b''"]
    assert cycle.sent == []
